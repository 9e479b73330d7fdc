"""Encrypted files: resumable upload, ranged download, quotas, and the end of orphans."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Role, Scope
from messaging.models import Attachment, Conversation, Entry
from messaging.services import attachments
from messaging.tasks import remove_orphaned_attachments
from messaging.transfers import DOWNLOADS, UPLOADS
from securechat.config import Config
from tests.accounts.people import Browser, make_person
from tests.messaging.api import api_of
from tests.messaging.people import Member

PART = 1000
SIZE = 2 * PART + 345
CONTENT = bytes(number % 251 for number in range(SIZE))


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    """Small parts, and a folder of the test's own."""
    folder = tmp_path / "attachments"
    of_attachments = settings.STORAGES["attachments"]
    options = of_attachments["OPTIONS"] | {"location": folder}
    settings.STORAGES = settings.STORAGES | {"attachments": of_attachments | {"OPTIONS": options}}
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    monkeypatch.setattr(attachments, "PART_BYTES", PART)
    return folder


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


class Files:
    """A script that moves files for one device."""

    def __init__(self, member: Member, *scopes: Scope) -> None:
        self.token = api_of(member, *scopes).token

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "application/json",
        **headers: str,
    ) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.token}", **named}
        return Client().generic(method, f"/api/v1/{path}", body, content_type=kind, headers=sent)

    def begin(
        self,
        conversation: Conversation,
        attachment_id: UUID,
        *,
        message_id: UUID | None = None,
        size: int = SIZE,
    ) -> Any:
        body = {"id": str(attachment_id), "message_id": str(message_id or uuid4()), "size": size}
        path = f"conversations/{conversation.pk}/attachments"
        return self.call("POST", path, json.dumps(body).encode())

    def append(self, attachment_id: UUID, offset: int, part: bytes) -> Any:
        return self.call(
            "PATCH",
            f"attachments/{attachment_id}",
            part,
            kind="application/partial-upload",
            Upload_Offset=str(offset),
        )

    def upload(self, conversation: Conversation, *, message_id: UUID | None = None) -> UUID:
        attachment_id = uuid4()
        assert self.begin(conversation, attachment_id, message_id=message_id).status_code == 201
        for offset in range(0, SIZE, PART):
            answer = self.append(attachment_id, offset, CONTENT[offset : offset + PART])
            assert answer.status_code == 204, answer.content
        return attachment_id

    def status(self, attachment_id: UUID) -> Any:
        return self.call("HEAD", f"attachments/{attachment_id}")

    def remove(self, attachment_id: UUID) -> Any:
        return self.call("DELETE", f"attachments/{attachment_id}")

    def read(self, attachment_id: UUID, **headers: str) -> Any:
        return self.call("GET", f"attachments/{attachment_id}/content", b"", **headers)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["code"]


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def idle_for_long() -> None:
    long_ago = timezone.now() - timedelta(hours=settings.CONFIG.attachment_hours, minutes=1)
    Attachment.objects.update(active_at=long_ago)


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


# Downloading ---------------------------------------------------------------------------------


@pytest.fixture
def attachment_id(alice: Member, conversation: Conversation) -> UUID:
    return Files(alice).upload(conversation)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        (f"bytes={PART - 1}-{PART}", PART - 1, PART + 1),
        (f"bytes={PART}-{SIZE}", PART, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE + 5}", 0, SIZE),
        (f"bytes=5-{10**15}", 5, SIZE),
    ],
)
def test_a_range_is_cut_out(
    bob: Member, attachment_id: UUID, asked: str, start: int, stop: int
) -> None:
    answer = Files(bob).read(attachment_id, Range=asked)

    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer["Content-Length"] == str(stop - start)
    assert content_of(answer) == CONTENT[start:stop]


@pytest.mark.parametrize(
    "asked", ["bytes=5-3", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes= 0-1", ""]
)
def test_what_is_no_single_range_is_ignored(bob: Member, attachment_id: UUID, asked: str) -> None:
    answer = Files(bob).read(attachment_id, Range=asked)

    assert answer.status_code == 200
    assert content_of(answer) == CONTENT


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 1}", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(
    bob: Member, attachment_id: UUID, asked: str
) -> None:
    answer = Files(bob).read(attachment_id, Range=asked)

    assert code_of(answer) == (416, "range_not_satisfiable")
    assert answer["Content-Range"] == f"bytes */{SIZE}"


def test_a_range_of_another_file_is_not_taken_for_this_one(
    bob: Member, attachment_id: UUID
) -> None:
    etag = Files(bob).read(attachment_id)["ETag"]

    same = Files(bob).read(attachment_id, Range="bytes=0-9", If_Range=etag)
    other = Files(bob).read(attachment_id, Range="bytes=0-9", If_Range='"other"')

    assert (same.status_code, other.status_code) == (206, 200)


def test_a_browser_makes_nothing_of_a_file(bob: Member, attachment_id: UUID) -> None:
    answer = Files(bob).read(attachment_id)

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == "attachment"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"


def test_only_so_many_downloads_are_on_their_way(bob: Member, attachment_id: UUID) -> None:
    files = Files(bob)
    open_ = [files.read(attachment_id) for _ in range(DOWNLOADS.most_for_one)]

    refused = files.read(attachment_id)
    for answer in open_:
        assert content_of(answer) == CONTENT

    assert code_of(refused) == (429, "too_many_transfers")
    assert content_of(files.read(attachment_id)) == CONTENT


# The end -------------------------------------------------------------------------------------


def test_who_uploaded_a_file_can_take_it_back(
    alice: Member, bob: Member, attachment_id: UUID, own_store: Path
) -> None:
    answer = Files(alice).remove(attachment_id)

    assert answer.status_code == 204
    assert stored(own_store) == []
    assert code_of(Files(bob).read(attachment_id)) == (404, "not_found")


@pytest.fixture
def three(alice: Member, conversation: Conversation) -> dict[str, UUID]:
    """A file that a message refers to, one that none refers to, and an unfinished one."""
    files, message_id, unfinished = Files(alice), uuid4(), uuid4()
    sent = files.upload(conversation, message_id=message_id)
    unsent = files.upload(conversation)
    files.begin(conversation, unfinished)
    files.append(unfinished, 0, CONTENT[:PART])
    alice.says(conversation, message_id=message_id)
    return {"sent": sent, "unsent": unsent, "unfinished": unfinished}


def there() -> set[UUID]:
    return set(Attachment.objects.values_list("pk", flat=True))


def test_orphans_are_removed_when_they_were_idle_for_long(
    three: dict[str, UUID], own_store: Path
) -> None:
    idle_for_long()

    remove_orphaned_attachments()

    assert there() == {three["sent"]}
    assert len(stored(own_store)) == 3


def test_what_was_touched_lately_stays(three: dict[str, UUID]) -> None:
    remove_orphaned_attachments()

    assert there() == set(three.values())


def test_a_dry_run_only_says_what_would_go(three: dict[str, UUID], own_store: Path) -> None:
    idle_for_long()
    said = StringIO()

    call_command("remove_orphaned_attachments", "--dry-run", stdout=said)

    assert said.getvalue() == f"Would remove 2 files of {2 * SIZE} bytes.\n"
    assert there() == set(three.values())
    assert len(stored(own_store)) == 7

    call_command("remove_orphaned_attachments", stdout=said)

    assert said.getvalue().endswith(f"Removed 2 files of {2 * SIZE} bytes.\n")
    assert there() == {three["sent"]}


def test_a_file_goes_after_its_message(three: dict[str, UUID]) -> None:
    Entry.objects.filter(kind=Entry.Kind.MESSAGE).delete()
    idle_for_long()

    remove_orphaned_attachments()

    assert there() == set()


def test_a_file_goes_after_its_conversation(alice: Member, own_store: Path) -> None:
    never_begun = alice.begins()
    Files(alice).upload(never_begun)

    never_begun.delete()
    idle_for_long()
    remove_orphaned_attachments()

    assert there() == set()
    assert stored(own_store) == []


def test_a_message_of_another_device_does_not_keep_a_file(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    message_id = uuid4()
    Files(alice).upload(conversation, message_id=message_id)
    bob.says(conversation, message_id=message_id)
    idle_for_long()

    remove_orphaned_attachments()

    assert there() == set()


def test_a_part_lost_in_the_store_does_not_stop_the_clean_up(
    three: dict[str, UUID], own_store: Path
) -> None:
    for path in stored(own_store):
        if str(three["unsent"]) in str(path):
            path.unlink()
    idle_for_long()

    remove_orphaned_attachments()

    assert there() == {three["sent"]}
    assert storages["attachments"].exists(str(stored(own_store)[0].relative_to(own_store)))


def test_an_administrator_sees_whose_files_take_the_room_and_no_more(
    alice: Member, attachment_id: UUID
) -> None:
    browser = Browser().log_in(make_person("ada", role=Role.ADMINISTRATOR))
    address = "/admin/messaging/attachment/"

    listed = browser.client.get(address)
    one = browser.client.get(f"{address}{attachment_id}/change/")
    removed = browser.client.post(f"{address}{attachment_id}/delete/", {"post": "yes"})

    assert str(alice.person) in listed.content.decode()
    assert str(SIZE) in one.content.decode()
    assert removed.status_code == 403
    assert there() == {attachment_id}
