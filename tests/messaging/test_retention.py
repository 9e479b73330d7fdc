"""Messages whose time is over are erased, and leave no gap."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from messaging.access import log_for
from messaging.errors import ConversationNotFound, MessageIdReused
from messaging.models import Attachment, Conversation, Entry
from messaging.news import entry_event
from messaging.services import retention
from messaging.services.attachments import orphans
from messaging.services.retention import count_due, erase_due, limit_retention
from securechat.config import Config
from securechat_sdk.wire.frames import EntryAppended, SendMessage
from tests.messaging.people import Member, message
from tests.messaging.sockets import connected, in_thread

DAY = timedelta(days=1)
HOUR = 3600


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """Alice and Bob are in it; position 1 is the commit that added him."""
    bob.leaves_key_packages(1)
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


def erase(*, after: timedelta = timedelta()) -> int:
    """Erase as if so much time had passed."""
    now = timezone.now() + after
    due = count_due(now=now)
    erased = erase_due(now=now, pause=lambda _seconds: None)
    assert due == erased
    return erased


def log(conversation: Conversation) -> list[tuple[int, bool]]:
    entries = Entry.objects.filter(conversation=conversation).order_by("position")
    return [(entry.position, bool(entry.data)) for entry in entries]


def test_a_message_is_erased_after_its_lifetime_and_its_place_stays(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    alice.says(conversation, lifetime=60)
    alice.says(conversation)

    assert erase(after=timedelta(seconds=50)) == 0
    assert erase(after=timedelta(seconds=70)) == 1

    assert log(conversation) == [(1, True), (2, False), (3, True)]
    read = [entry_event(entry) for entry in log_for(bob.device, conversation.pk).entries]
    assert [(entry.position, bool(entry.data)) for entry in read][-2:] == [(2, False), (3, True)]
    assert erase(after=timedelta(seconds=70)) == 0


def test_without_a_limit_nothing_becomes_too_old(alice: Member, conversation: Conversation) -> None:
    alice.says(conversation)

    assert erase(after=10_000 * DAY) == 0


def test_the_organisations_limit_is_for_every_conversation_and_spares_handshakes(
    alice: Member, conversation: Conversation, settings: Settings
) -> None:
    settings.CONFIG = Config(retention_days=30)
    for _ in range(3):
        alice.says(conversation)

    assert erase(after=29 * DAY) == 0
    assert erase(after=31 * DAY) == 3

    assert log(conversation) == [(1, True), (2, False), (3, False), (4, False)]
    conversation.refresh_from_db()
    assert (conversation.erased_position, conversation.last_position) == (4, 4)
    alice.says(conversation)
    assert erase(after=29 * DAY) == 0


def test_a_conversation_may_be_shorter_than_the_organisation_but_not_longer(
    alice: Member, bob: Member, conversation: Conversation, settings: Settings
) -> None:
    settings.CONFIG = Config(retention_days=30)
    long = alice.begins()
    limit_retention(device=bob.device, conversation_id=conversation.pk, retention_seconds=2 * HOUR)
    limit_retention(device=alice.device, conversation_id=long.pk, retention_seconds=400 * 24 * HOUR)
    alice.says(conversation)
    alice.says(long, epoch=0)

    assert erase(after=timedelta(hours=1)) == 0
    assert erase(after=timedelta(hours=3)) == 1
    assert log(conversation)[-1] == (2, False)
    assert erase(after=31 * DAY) == 1
    assert log(long) == [(1, False)]


def test_who_is_not_in_a_conversation_limits_nothing(
    carol: Member, conversation: Conversation
) -> None:
    with pytest.raises(ConversationNotFound):
        limit_retention(
            device=carol.device, conversation_id=conversation.pk, retention_seconds=HOUR
        )

    conversation.refresh_from_db()
    assert conversation.retention_seconds is None


def test_what_was_sent_before_and_erased_is_answered_as_before(
    alice: Member, conversation: Conversation
) -> None:
    message_id = uuid4()
    ciphertext = message(conversation.pk, 1)
    first = alice.says(conversation, ciphertext, message_id=message_id, lifetime=60)
    other = alice.begins()

    erase(after=timedelta(seconds=61))

    again = alice.says(conversation, ciphertext, message_id=message_id, lifetime=60)
    assert (again.position, again.is_new) == (first.position, False)
    with pytest.raises(MessageIdReused):
        alice.says(other, epoch=0, message_id=message_id)


def test_the_file_of_an_erased_message_is_an_orphan(
    alice: Member, conversation: Conversation
) -> None:
    message_id = uuid4()
    Attachment.objects.create(
        id=uuid4(),
        conversation=conversation,
        uploader=alice.device,
        message_id=message_id,
        size=1,
        received=1,
        part_size=1,
    )
    alice.says(conversation, message_id=message_id, lifetime=60)
    later = timezone.now() + 30 * DAY

    assert not orphans(now=later).exists()
    erase(after=timedelta(seconds=61))
    assert orphans(now=later).exists()


def test_much_is_erased_a_little_at_a_time_with_pauses(
    alice: Member, conversation: Conversation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONFIG = Config(retention_days=30)
    monkeypatch.setattr(retention, "AT_A_TIME", 4)
    for number in range(18):
        alice.says(conversation, lifetime=60 if number % 2 else None)
    pauses: list[float] = []

    erased = erase_due(now=timezone.now() + 31 * DAY, pause=pauses.append)

    assert erased == 18
    assert len(pauses) >= 7
    assert log(conversation) == [(1, True), *((position, False) for position in range(2, 20))]


def test_what_is_not_due_costs_no_more_with_more_of_it(
    alice: Member, conversation: Conversation, settings: Settings
) -> None:
    settings.CONFIG = Config(retention_days=30)

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert erase() == 0
        return len(asked)

    few = statements()
    for _ in range(5):
        alice.says(alice.begins(), epoch=0)
        alice.says(conversation)

    assert statements() == few


@pytest.mark.django_db(transaction=True)
async def test_a_lifetime_travels_over_the_socket_and_nobody_hears_of_it(
    alice: Member, bob: Member
) -> None:
    conversation = await in_thread(alice.begins)()
    async with connected(alice) as hers:
        command = SendMessage(
            request_id=1,
            conversation_id=conversation.pk,
            message_id=uuid4(),
            ciphertext=message(conversation.pk, 0),
            lifetime=60,
        )
        await hers.ask(command)
        entry = await hers.wait_for(EntryAppended)

    assert entry.data == command.ciphertext
    assert await in_thread(erase)(after=timedelta(seconds=61)) == 1
