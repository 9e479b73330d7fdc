"""Files in an S3-compatible store that is really there: moto's server, which checks signatures.

With ``SECURECHAT_TEST_S3=http://host:port/bucket`` in another; the credentials are then those of
``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import services
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection

from messaging.models import Attachment, Conversation
from messaging.services import attachments
from messaging.transfers import DOWNLOADS
from tests.messaging.buckets import Bucket, given_bucket, own_bucket
from tests.messaging.files.scripts import (
    CONTENT,
    PART,
    SIZE,
    Files,
    code_of,
    content_of,
    idle_for_long,
)
from tests.messaging.people import Member

GIVEN = os.environ.get("SECURECHAT_TEST_S3")
CLEAN_UP = "remove_orphaned_attachments"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    log = tmp_path_factory.mktemp("s3") / "log"
    with nullcontext(given_bucket(GIVEN)) if GIVEN else own_bucket(log) as running:
        yield running


class Store:
    """What the server believes of its bucket, and what is in it."""

    def __init__(self, bucket: Bucket, settings: Any) -> None:
        self._bucket = bucket
        self._settings = settings

    def is_reached_with(self, **changes: str) -> None:
        self._settings.STORAGES = self._settings.STORAGES | {
            "attachments": {
                "BACKEND": "messaging.s3.PartsInS3",
                "OPTIONS": self._bucket.options(**changes),
            }
        }

    def parts_of(self, attachment_id: UUID) -> list[str]:
        objects = storages["attachments"].bucket.objects.all()  # type: ignore[attr-defined]  # boto3's
        return sorted(one.key for one in objects if str(attachment_id) in one.key)


@pytest.fixture(autouse=True)
def store(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Store:
    monkeypatch.setattr(attachments, "PART_BYTES", PART)
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    made = Store(bucket, settings)
    made.is_reached_with()
    return made


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


def away() -> dict[str, str]:
    """A port at which nobody listens."""
    return {"endpoint_url": f"http://127.0.0.1:{services.free_port()}"}


TROUBLE: dict[str, Callable[[], dict[str, str]]] = {
    "away": away,
    "wrong_secret": lambda: {"secret_key": "another"},
    "unknown_key": lambda: {"access_key": "AKIAUNKNOWN"},
    "no_such_bucket": lambda: {"bucket_name": "another"},
}


@pytest.fixture(params=TROUBLE)
def trouble(request: pytest.FixtureRequest) -> dict[str, str]:
    """What is wrong with the settings, or the store."""
    return TROUBLE[request.param]()


def test_a_file_goes_into_the_bucket_and_comes_out_the_same(
    alice: Member, bob: Member, conversation: Conversation, store: Store
) -> None:
    attachment_id = Files(alice).upload(conversation)

    whole = Files(bob).read(attachment_id)
    some = Files(bob).read(attachment_id, Range=f"bytes={PART - 5}-{2 * PART + 4}")
    end = Files(bob).read(attachment_id, Range="bytes=-10")

    assert content_of(whole) == CONTENT
    assert content_of(some) == CONTENT[PART - 5 : 2 * PART + 5]
    assert content_of(end) == CONTENT[-10:]
    assert len(store.parts_of(attachment_id)) == 3


def test_an_upload_that_broke_off_goes_on_where_the_bucket_has_it(
    alice: Member, conversation: Conversation
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)
    files.append(attachment_id, 0, CONTENT[:PART])

    refused = files.append(attachment_id, 0, CONTENT[:PART])
    offset = int(files.status(attachment_id)["Upload-Offset"])
    for start in range(offset, SIZE, PART):
        files.append(attachment_id, start, CONTENT[start : start + PART])

    assert code_of(refused) == (409, "upload_offset_mismatch")
    assert offset == PART
    assert content_of(files.read(attachment_id)) == CONTENT


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


def test_orphans_leave_the_bucket(alice: Member, conversation: Conversation, store: Store) -> None:
    attachment_id = Files(alice).upload(conversation)
    assert len(store.parts_of(attachment_id)) == 3
    idle_for_long()

    removed = attachments.remove_orphans()

    assert (removed.files, removed.bytes) == (1, SIZE)
    assert store.parts_of(attachment_id) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite hangs up on nobody")
@pytest.mark.django_db(transaction=True)
def test_the_database_waits_while_many_parts_leave_the_bucket(
    alice: Member, conversation: Conversation
) -> None:
    Files(alice).begin(conversation, uuid4(), size=200 * PART)
    idle_for_long()
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '150ms'")

    removed = attachments.remove_orphans()
    connection.close()  # with its setting

    assert removed.files == 1


def test_a_bucket_that_does_not_take_a_part_is_for_later(
    alice: Member, conversation: Conversation, store: Store, trouble: dict[str, str]
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)

    store.is_reached_with(**trouble)
    refused = files.append(attachment_id, 0, CONTENT[:PART])
    store.is_reached_with()
    accepted = files.append(attachment_id, 0, CONTENT[:PART])

    assert code_of(refused) == (503, "unavailable")
    assert accepted.status_code == 204


def test_a_bucket_that_gives_nothing_is_for_later_and_no_file_cut_short(
    alice: Member, conversation: Conversation, store: Store, trouble: dict[str, str]
) -> None:
    files = Files(alice)
    attachment_id = files.upload(conversation)

    store.is_reached_with(**trouble)
    refused = [files.read(attachment_id) for _ in range(DOWNLOADS.most_for_one + 1)]
    store.is_reached_with()
    given = files.read(attachment_id)

    assert {code_of(answer) for answer in refused} == {(503, "unavailable")}
    assert content_of(given) == CONTENT


def test_a_file_that_cannot_leave_the_bucket_is_not_forgotten(
    alice: Member, conversation: Conversation, store: Store, trouble: dict[str, str]
) -> None:
    files = Files(alice)
    attachment_id = files.upload(conversation)
    idle_for_long()

    store.is_reached_with(**trouble)
    refused = files.remove(attachment_id)
    with pytest.raises(CommandError, match="store of attachments"):
        call_command(CLEAN_UP)
    store.is_reached_with()
    there = len(store.parts_of(attachment_id))
    call_command(CLEAN_UP, stdout=StringIO())

    assert code_of(refused) == (503, "unavailable")
    assert there == 3
    assert store.parts_of(attachment_id) == []
    assert not Attachment.objects.exists()
