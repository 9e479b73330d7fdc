"""Files end with their message, their conversation, or when nobody wanted them."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Role
from messaging.models import Attachment, Conversation, Entry
from messaging.services.retention import erase_due
from messaging.tasks import remove_orphaned_attachments
from tests.accounts.people import Browser, make_person
from tests.messaging.files.scripts import CONTENT, PART, SIZE, Files, code_of, idle_for_long, stored
from tests.messaging.people import Member


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


def test_a_file_goes_at_once_when_its_message_was_erased(
    alice: Member, bob: Member, conversation: Conversation, own_store: Path
) -> None:
    files, disappearing, staying = Files(alice), uuid4(), uuid4()
    gone = files.upload(conversation, message_id=disappearing)
    kept = files.upload(conversation, message_id=staying)
    alice.says(conversation, message_id=disappearing, lifetime=10)
    alice.says(conversation, message_id=staying, lifetime=1000)
    not_sent_yet = files.upload(conversation)
    erase_due(now=timezone.now() + timedelta(seconds=11))

    remove_orphaned_attachments()

    assert there() == {kept, not_sent_yet}
    assert len(stored(own_store)) == 6
    assert code_of(Files(bob).read(gone)) == (404, "not_found")


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
