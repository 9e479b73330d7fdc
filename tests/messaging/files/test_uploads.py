"""Files go up in parts and resume; who may do what, and how much."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from accounts.models import Scope
from messaging.models import Conversation
from messaging.services import attachments
from messaging.transfers import UPLOADS
from securechat.config import Config
from tests.messaging.files.scripts import (
    CONTENT,
    PART,
    SIZE,
    Files,
    code_of,
    content_of,
    stored,
)
from tests.messaging.people import Member

# Uploading -----------------------------------------------------------------------------------


def test_a_file_goes_up_in_parts_and_comes_down_the_same(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    attachment_id = Files(alice).upload(conversation)

    answer = Files(bob).read(attachment_id)

    assert answer.status_code == 200
    assert content_of(answer) == CONTENT


def test_a_head_tells_where_to_go_on(alice: Member, conversation: Conversation) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)
    files.append(attachment_id, 0, CONTENT[:PART])

    answer = files.status(attachment_id)

    assert answer.status_code == 200
    assert answer["Upload-Offset"] == str(PART)
    assert answer["Upload-Complete"] == "?0"
    assert answer["Cache-Control"] == "no-store"


def test_the_last_part_completes_the_upload(alice: Member, conversation: Conversation) -> None:
    files = Files(alice)

    answer = files.status(files.upload(conversation))

    assert (answer["Upload-Offset"], answer["Upload-Complete"]) == (str(SIZE), "?1")


def test_the_same_id_again_has_the_same_answer(alice: Member, conversation: Conversation) -> None:
    files, attachment_id, message_id = Files(alice), uuid4(), uuid4()

    first = files.begin(conversation, attachment_id, message_id=message_id)
    again = files.begin(conversation, attachment_id, message_id=message_id)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content


def test_an_id_cannot_mean_two_files(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    attachment_id, message_id = uuid4(), uuid4()
    Files(alice).begin(conversation, attachment_id, message_id=message_id)

    larger = Files(alice).begin(conversation, attachment_id, message_id=message_id, size=1)
    of_another = Files(bob).begin(conversation, attachment_id, message_id=message_id)
    second_of_the_message = Files(alice).begin(conversation, uuid4(), message_id=message_id)

    for answer in (larger, of_another, second_of_the_message):
        assert code_of(answer) == (409, "attachment_id_taken")


def test_a_part_at_another_offset_is_refused_with_the_right_one(
    alice: Member, conversation: Conversation
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)
    files.append(attachment_id, 0, CONTENT[:PART])

    for wrong in (0, PART - 1, 2 * PART):
        answer = files.append(attachment_id, wrong, CONTENT[:PART])

        assert code_of(answer) == (409, "upload_offset_mismatch")
        assert json.loads(answer.content)["expected_offset"] == PART
        assert answer["Upload-Offset"] == str(PART)
    assert files.append(attachment_id, PART, CONTENT[PART : 2 * PART]).status_code == 204


@pytest.mark.parametrize("size", [SIZE, 2 * PART], ids=["a short last part", "a whole last part"])
def test_an_empty_part_at_the_end_changes_nothing(
    alice: Member, bob: Member, conversation: Conversation, own_store: Path, size: int
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id, size=size)
    for offset in range(0, size, PART):
        files.append(attachment_id, offset, CONTENT[offset : min(offset + PART, size)])
    before = {path: path.read_bytes() for path in stored(own_store)}

    answer = files.append(attachment_id, size, b"")

    assert (answer.status_code, answer["Upload-Complete"]) == (204, "?1")
    assert {path: path.read_bytes() for path in stored(own_store)} == before
    assert content_of(Files(bob).read(attachment_id)) == CONTENT[:size]


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART + 1])
def test_a_part_of_another_size_is_refused(
    alice: Member, conversation: Conversation, size: int
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)

    answer = files.append(attachment_id, 0, bytes(size))

    assert code_of(answer) == (422, "part_size_wrong")
    assert json.loads(answer.content)["part_size"] == PART


@pytest.mark.parametrize("offset", ["", "-1", "+1", " 1", "1.0", "1_0", "²", "9" * 17])
def test_an_offset_that_is_no_number_is_refused(
    alice: Member, conversation: Conversation, offset: str
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)

    answer = files.call(
        "PATCH",
        f"attachments/{attachment_id}",
        CONTENT[:PART],
        kind="application/partial-upload",
        Upload_Offset=offset,
    )

    assert code_of(answer) == (400, "invalid_input")


def test_a_part_is_of_its_own_type(alice: Member, conversation: Conversation) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)

    answer = files.call("PATCH", f"attachments/{attachment_id}", CONTENT[:PART], Upload_Offset="0")

    assert code_of(answer) == (415, "unsupported_media_type")


def test_nothing_is_left_of_a_part_but_its_place_in_the_store(
    alice: Member, conversation: Conversation, own_store: Path
) -> None:
    Files(alice).upload(conversation)

    assert stored(settings.FILE_UPLOAD_TEMP_DIR) == []
    assert sorted(path.stat().st_size for path in stored(own_store)) == [345, PART, PART]
    assert {path.stat().st_mode & 0o777 for path in stored(own_store)} == {0o600}


def test_a_store_that_fails_is_for_later(
    alice: Member, conversation: Conversation, own_store: Path
) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)
    own_store.write_bytes(b"a file where the folder should be")

    refused = files.append(attachment_id, 0, CONTENT[:PART])
    own_store.unlink()
    accepted = files.append(attachment_id, 0, CONTENT[:PART])

    assert code_of(refused) == (503, "unavailable")
    assert accepted.status_code == 204


def test_only_so_many_uploads_are_on_their_way(alice: Member, conversation: Conversation) -> None:
    files, attachment_id = Files(alice), uuid4()
    files.begin(conversation, attachment_id)
    ends = [UPLOADS.begin(alice.device.pk, alice) for _ in range(UPLOADS.most_for_one)]

    refused = files.append(attachment_id, 0, CONTENT[:PART])
    for end in ends:
        end()
    accepted = files.append(attachment_id, 0, CONTENT[:PART])

    assert code_of(refused) == (429, "too_many_transfers")
    assert refused["Retry-After"] == "1"
    assert accepted.status_code == 204


# Who may -------------------------------------------------------------------------------------


def test_an_outsider_cannot_tell_that_a_file_exists(
    alice: Member, carol: Member, conversation: Conversation
) -> None:
    attachment_id = Files(alice).upload(conversation)
    outsider = Files(carol)

    for there, missing in (
        (outsider.read(attachment_id), outsider.read(uuid4())),
        (outsider.status(attachment_id), outsider.status(uuid4())),
        (outsider.append(attachment_id, 0, b"x"), outsider.append(uuid4(), 0, b"x")),
        (outsider.remove(attachment_id), outsider.remove(uuid4())),
        (outsider.begin(conversation, uuid4()), outsider.begin(Conversation(pk=uuid4()), uuid4())),
    ):
        assert there.status_code == missing.status_code == 404
        assert there.content == missing.content
    assert content_of(Files(alice).read(attachment_id)) == CONTENT


def test_who_has_left_reads_no_more(alice: Member, bob: Member, conversation: Conversation) -> None:
    attachment_id = Files(alice).upload(conversation)
    before = Files(bob).read(attachment_id)

    conversation.memberships.filter(device=bob.device).update(left_position=1)

    assert content_of(before) == CONTENT
    assert code_of(Files(bob).read(attachment_id)) == (404, "not_found")


def test_an_unfinished_file_is_its_uploaders_alone(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    attachment_id = uuid4()
    Files(alice).begin(conversation, attachment_id)
    Files(alice).append(attachment_id, 0, CONTENT[:PART])

    for answer in (
        Files(alice).read(attachment_id),
        Files(bob).read(attachment_id),
        Files(bob).call("GET", f"attachments/{attachment_id}"),
        Files(bob).append(attachment_id, PART, CONTENT[:PART]),
        Files(bob).remove(attachment_id),
    ):
        assert code_of(answer) == (404, "not_found")


def test_reading_and_writing_need_their_scopes(alice: Member, conversation: Conversation) -> None:
    attachment_id = Files(alice).upload(conversation)
    reader, writer = Files(alice, Scope.MESSAGES_READ), Files(alice, Scope.MESSAGES_WRITE)

    assert code_of(reader.begin(conversation, uuid4())) == (403, "scope_missing")
    assert code_of(reader.remove(attachment_id)) == (403, "scope_missing")
    assert code_of(writer.read(attachment_id)) == (403, "scope_missing")
    assert reader.read(attachment_id).status_code == 200


# Limits --------------------------------------------------------------------------------------


@pytest.fixture
def small(settings: Any) -> Config:
    changes = {"attachment_max_bytes": 1000, "attachment_quota_bytes": 2500}
    config: Config = settings.CONFIG.model_copy(update=changes)
    settings.CONFIG = config
    return config


def test_a_file_is_only_so_large(alice: Member, conversation: Conversation, small: Config) -> None:
    files = Files(alice)

    refused = files.begin(conversation, uuid4(), size=1001)
    accepted = files.begin(conversation, uuid4(), size=1000)

    assert code_of(refused) == (413, "attachment_too_large")
    assert json.loads(refused.content)["max_bytes"] == 1000
    assert accepted.status_code == 201


def test_a_persons_files_take_only_so_much(
    alice: Member, bob: Member, conversation: Conversation, small: Config
) -> None:
    files, first = Files(alice), uuid4()
    files.begin(conversation, first, size=1000)
    files.begin(conversation, uuid4(), size=1000)

    refused = files.begin(conversation, uuid4(), size=501)
    of_another = Files(bob).begin(conversation, uuid4(), size=501)
    files.remove(first)
    afterwards = files.begin(conversation, uuid4(), size=501)

    assert code_of(refused) == (409, "attachment_quota_exceeded")
    assert (of_another.status_code, afterwards.status_code) == (201, 201)


def test_the_allowance_is_told_before_anything_is_uploaded(
    alice: Member, conversation: Conversation, small: Config
) -> None:
    files = Files(alice)
    files.begin(conversation, uuid4(), size=900)

    answer = files.call("GET", "attachments")

    assert json.loads(answer.content) == {
        "max_bytes": 1000,
        "part_size": PART,
        "quota_bytes": 2500,
        "used_bytes": 900,
    }


def test_files_without_messages_do_not_pile_up(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_WITHOUT_MESSAGE", 2)
    files, sent, waiting = Files(alice), uuid4(), uuid4()
    files.upload(conversation, message_id=sent)
    files.upload(conversation, message_id=waiting)

    refused = files.begin(conversation, uuid4())
    alice.says(conversation, message_id=sent)
    accepted = files.begin(conversation, uuid4())

    assert code_of(refused) == (409, "too_many_attachments")
    assert accepted.status_code == 201
