"""What the poll repairs when the ring about one's own removal was lost."""

import asyncio

import pytest

from messaging import hub as hubs
from messaging.hub import Hub
from messaging.models import Conversation
from securechat_sdk.wire.frames import EntryAppended, Refused, SendEphemeral
from tests.messaging.people import Member
from tests.messaging.sockets import LiveSocket, a_doorbell_out_of_order, connected, in_thread, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def group(alice: Member, bob: Member, carol: Member) -> Conversation:
    """All three are in it, at position 1."""
    begun = alice.begins()
    alice.adds(begun, bob, carol)
    return begun


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(poll_seconds=0.3)
    monkeypatch.setattr(hubs, "_hubs", {asyncio.get_running_loop(): hub})
    return hub


async def say_in_passing(socket: LiveSocket, group: Conversation) -> object:
    command = SendEphemeral(request_id=1, conversation_id=group.pk, epoch=1, data=b"typing")
    return await socket.ask(command)


async def test_who_was_removed_without_a_ring_hears_so_and_is_no_listener_any_more(
    alice: Member, bob: Member, group: Conversation, hub: Hub
) -> None:
    async with connected(bob) as his:
        await his.mark(group.pk, 1)  # answered once the hub follows the log
        async with a_doorbell_out_of_order():
            await in_thread(alice.says)(group)
            await in_thread(alice.removes)(group, bob)
            await in_thread(alice.says)(group, epoch=2)
        told = [(entry.position, entry.kind.value) for entry in await his.entries(2)]
        await until(lambda: group.pk not in hub._rooms)
        refused = await say_in_passing(his, group)

    assert not [frame for frame in his.passed_over if isinstance(frame, EntryAppended)]
    assert told == [(2, "message"), (3, "commit")]
    assert isinstance(refused, Refused)
    assert refused.code == "not_found"


async def test_who_stays_hears_of_a_removal_without_a_ring_as_well(
    alice: Member, bob: Member, carol: Member, group: Conversation, hub: Hub
) -> None:
    async with connected(bob) as his, connected(carol) as hers:
        await his.mark(group.pk, 1)
        async with a_doorbell_out_of_order():
            await in_thread(alice.removes)(group, bob)
            await in_thread(alice.says)(group, epoch=2)
        told = await his.entries(1) + await hers.entries(2)

        assert hub._rooms[group.pk].listeners == {alice.device.pk, carol.device.pk}

    assert [entry.position for entry in told] == [2, 2, 3]
