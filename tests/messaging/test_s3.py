"""Files in an S3-compatible store that is really there: ``SECURECHAT_TEST_S3=http://host:port/bucket``.

Credentials are boto3's own (``AWS_ACCESS_KEY_ID`` and the others). Nothing takes the store's place.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from messaging.models import Attachment, Conversation
from messaging.services import attachments
from tests.messaging.files.scripts import CONTENT, PART, SIZE, Files, code_of, content_of
from tests.messaging.people import Member

STORE = os.environ.get("SECURECHAT_TEST_S3", "")

pytestmark = pytest.mark.skipif(not STORE, reason="no S3 store: set SECURECHAT_TEST_S3")


def use_bucket(settings: Any, endpoint: str) -> None:
    settings.STORAGES = settings.STORAGES | {
        "attachments": {
            "BACKEND": "messaging.s3.PartsInS3",
            "OPTIONS": {
                "bucket_name": urlsplit(STORE).path.strip("/"),
                "endpoint_url": endpoint,
                "max_memory_size": 1,
            },
        }
    }


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(attachments, "PART_BYTES", PART)
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    use_bucket(settings, STORE.removesuffix(urlsplit(STORE).path))


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


def parts_of(attachment_id: UUID) -> list[str]:
    objects = storages["attachments"].bucket.objects.all()  # type: ignore[attr-defined]  # boto3's
    return sorted(one.key for one in objects if str(attachment_id) in one.key)


def test_a_file_goes_into_the_bucket_and_comes_out_the_same(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    attachment_id = Files(alice).upload(conversation)

    whole = Files(bob).read(attachment_id)
    some = Files(bob).read(attachment_id, Range=f"bytes={PART - 5}-{2 * PART + 4}")

    assert content_of(whole) == CONTENT
    assert content_of(some) == CONTENT[PART - 5 : 2 * PART + 5]
    assert len(parts_of(attachment_id)) == 3


def test_a_part_that_is_sent_again_takes_the_place_of_the_first(
    alice: Member, conversation: Conversation
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)
    files.append(attachment_id, 0, b"x" * PART)
    Attachment.objects.update(received=0)  # as if the first had been kept and not counted

    files.append(attachment_id, 0, CONTENT[:PART])
    files.append(attachment_id, PART, CONTENT[PART : 2 * PART])
    files.append(attachment_id, 2 * PART, CONTENT[2 * PART :])

    assert content_of(files.read(attachment_id)) == CONTENT


def test_orphans_leave_the_bucket(alice: Member, conversation: Conversation) -> None:
    attachment_id = Files(alice).upload(conversation)
    assert len(parts_of(attachment_id)) == 3
    Attachment.objects.update(active_at=timezone.now() - timedelta(days=2))

    removed = attachments.remove_orphans()

    assert (removed.files, removed.bytes) == (1, SIZE)
    assert parts_of(attachment_id) == []


def test_a_bucket_that_is_away_is_for_later(
    alice: Member, conversation: Conversation, settings: Any
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)

    use_bucket(settings, "http://127.0.0.1:9")
    refused = files.append(attachment_id, 0, CONTENT[:PART])
    use_bucket(settings, STORE.removesuffix(urlsplit(STORE).path))
    accepted = files.append(attachment_id, 0, CONTENT[:PART])

    assert code_of(refused) == (503, "unavailable")
    assert accepted.status_code == 204
