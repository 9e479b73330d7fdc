"""What is said in passing reaches who is there, and leaves nothing behind."""

from uuid import uuid4

import pytest
from pytest_django import Settings

from accounts.models import DeviceToken, Scope
from accounts.services.tokens import issue_token
from messaging import hub as hubs
from messaging import whispers
from messaging.models import Conversation, Entry
from messaging.outbox import MOST_BEFORE_PASSING, Outbox
from securechat.config import Config
from securechat_sdk.wire.frames import (
    Accepted,
    EntryAppended,
    EphemeralArrived,
    Refused,
    SendEphemeral,
)
from tests.messaging.people import Member
from tests.messaging.sockets import LiveSocket, connected, in_thread

pytestmark = pytest.mark.django_db(transaction=True)

TYPING = b"sealed: somebody is typing"


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    bob.leaves_key_packages(1)
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


def passing(conversation: Conversation) -> SendEphemeral:
    return SendEphemeral(request_id=7, conversation_id=conversation.pk, epoch=1, data=TYPING)


async def says_nothing(socket: LiveSocket, conversation: Conversation) -> bool:
    """What comes after something that certainly comes has not come before it."""
    await socket.say(conversation.pk)
    await socket.wait_for(EntryAppended)
    return not any(isinstance(frame, EphemeralArrived) for frame in socket.passed_over)


async def test_the_other_members_hear_it_and_nothing_is_stored(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    entries = await in_thread(Entry.objects.count)()

    async with connected(alice) as hers, connected(bob) as his:
        answer = await hers.ask(passing(conversation))
        heard = await his.wait_for(EphemeralArrived)
        assert await says_nothing(hers, conversation)

    assert answer == Accepted(request_id=7, position=0)
    assert heard == EphemeralArrived(
        conversation_id=conversation.pk,
        epoch=1,
        sender_device_id=alice.device.pk,
        data=TYPING,
    )
    assert await in_thread(Entry.objects.count)() == entries + 1  # what `says_nothing` has sent


async def test_who_was_not_there_misses_it(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(alice) as hers:
        await hers.ask(passing(conversation))

        async with connected(bob) as his:
            assert await says_nothing(his, conversation)


async def test_an_outsider_cannot_tell_that_the_conversation_exists(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    nowhere = SendEphemeral(request_id=7, conversation_id=uuid4(), epoch=1, data=TYPING)

    async with connected(carol) as socket, connected(bob) as his:
        refused = await socket.ask(passing(conversation))
        unknown = await socket.ask(nowhere)
        assert await says_nothing(his, conversation)

    assert refused == unknown
    assert isinstance(refused, Refused)
    assert refused.code == "not_found"


async def test_who_was_removed_neither_speaks_nor_hears(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(alice) as hers, connected(bob) as his:
        assert isinstance(await his.ask(passing(conversation)), Accepted)
        await in_thread(alice.removes)(conversation, bob)
        await his.wait_for(EntryAppended)
        refused = await his.ask(passing(conversation))
        await hers.wait_for(EphemeralArrived)
        await hers.ask(passing(conversation))
        await hers.say(conversation.pk, epoch=2)
        await hers.wait_for(EntryAppended)

        assert isinstance(refused, Refused)
        assert not any(isinstance(frame, EphemeralArrived) for frame in his.passed_over)


async def test_a_socket_says_a_few_at_once_and_then_one_a_second(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whispers, "PER_SECOND", 0.0)

    async with connected(alice) as hers, connected(bob) as his:
        answers = [await hers.ask(passing(conversation)) for _ in range(7)]
        his_own = await his.ask(passing(conversation))

    assert [isinstance(answer, Accepted) for answer in answers] == [True] * 5 + [False] * 2
    assert isinstance(answers[-1], Refused)
    assert answers[-1].code == "ephemeral_too_often"
    assert isinstance(his_own, Accepted)


async def test_it_can_be_turned_off_and_is_not_for_crowds(
    alice: Member,
    conversation: Conversation,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(alice) as hers:
        settings.CONFIG = Config(ephemeral_enabled=False)
        off = await hers.ask(passing(conversation))
        settings.CONFIG = Config()
        monkeypatch.setattr(hubs, "MOST_MEMBERS", 1)
        crowd = await hers.ask(passing(conversation))

    assert isinstance(off, Refused)
    assert isinstance(crowd, Refused)
    assert off.code == crowd.code == "ephemeral_disabled"


async def test_a_token_that_may_only_read_says_nothing(
    alice: Member, conversation: Conversation
) -> None:
    def reader() -> DeviceToken:
        token, _ = issue_token(
            device=alice.device, name="reader", scopes=[Scope.MESSAGES_READ], expires_in_days=1
        )
        return token

    async with connected(alice, token=await in_thread(reader)()) as socket:
        refused = await socket.ask(passing(conversation))

    assert isinstance(refused, Refused)
    assert refused.code == "scope_missing"


async def test_a_slow_reader_is_not_cut_for_it(alice: Member) -> None:
    outbox = Outbox(alice.device.pk)

    for _ in range(10_000):
        outbox.put_in_passing("typing")

    assert outbox.close_code is None
    assert [await outbox.take() for _ in range(MOST_BEFORE_PASSING)]
