"""The hub: nothing is lost when a ring is, and nobody waits for a slow reader."""

import asyncio
import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.services.callers import Caller
from accounts.services.devices import revoke_device
from messaging import doorbell, news
from messaging import hub as hubs
from messaging import outbox as outboxes
from messaging.access import log_for
from messaging.consumers import DeviceSocket
from messaging.doorbell import Ring, What
from messaging.hub import Hub, hub_of_this_process
from messaging.models import Conversation, Welcome
from messaging.news import entry_event
from messaging.outbox import Outbox
from messaging.services.key_packages import NO_STOCK, stock_of
from securechat_sdk.wire.codec import decode_server_frame
from securechat_sdk.wire.frames import (
    Accepted,
    CloseCode,
    DeliveryAdvanced,
    EntryAppended,
    Ready,
    Refused,
    WelcomeArrived,
)
from tests.messaging.people import Member, enrol
from tests.messaging.sockets import LiveSocket, a_doorbell_out_of_order, connected, in_thread, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """Alice's and Bob's, at epoch 1 and position 1."""
    begun = alice.begins(direct_with=bob)
    alice.adds(begun, bob)
    return begun


def log_of(member: Member, conversation: Conversation) -> list[EntryAppended]:
    """What the member's device reads over HTTP when it catches up."""
    entries = log_for(member.device, conversation.pk).entries
    return [entry_event(entry) for entry in entries]


async def test_a_lost_ring_is_repaired_by_the_poll(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "_hubs", {asyncio.get_running_loop(): Hub(poll_seconds=0.3)})
    carol = await in_thread(enrol)("carol")

    async with connected(bob) as his, connected(carol) as hers:
        async with a_doorbell_out_of_order():
            for _ in range(3):
                await in_thread(alice.says)(conversation)
            group = await in_thread(alice.begins)()
            await in_thread(alice.adds)(group, carol)
        arrived = await his.entries(3)
        welcomed = await hers.wait_for(WelcomeArrived)

    assert [entry.position for entry in arrived] == [2, 3, 4]
    assert welcomed.conversation_id == group.pk


async def test_who_was_added_without_a_ring_hears_by_the_poll_all_that_follows(
    alice: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "_hubs", {asyncio.get_running_loop(): Hub(poll_seconds=0.3)})
    carol, group = await in_thread(enrol)("carol"), await in_thread(alice.begins)()

    async with connected(bob) as his, connected(carol) as hers:
        async with a_doorbell_out_of_order():
            await in_thread(alice.adds)(group, bob)
            await in_thread(alice.adds)(group, carol)
            for _ in range(2):
                await in_thread(alice.says)(group, epoch=2)
        told = [await his.entries(3), await hers.entries(2)]

    assert [[entry.position for entry in entries] for entries in told] == [[2, 3, 4], [3, 4]]


async def test_a_lost_ring_is_repaired_by_the_next_one(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(bob) as his:
        async with a_doorbell_out_of_order():
            await in_thread(alice.says)(conversation)
        await in_thread(alice.says)(conversation)
        arrived = await his.entries(2)

    assert [entry.position for entry in arrived] == [2, 3]


async def test_of_several_rings_the_furthest_is_looked_for(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(bob) as his:
        await his.mark(conversation.pk, 1)  # answered once the hub follows the log
        hub = hub_of_this_process()
        await until(lambda: not hub._something_rung.is_set() and not hub._reading.locked())
        async with a_doorbell_out_of_order():
            for _ in range(3):
                await in_thread(alice.says)(conversation)
        async with hub._reading:  # a reading is going on, which finds the first two
            for position in (2, 3, 4):
                doorbell.ring(Ring(What.LOG, conversation.pk, position))
                await asyncio.sleep(0.1)
            hub._rooms[conversation.pk].cursor = 3
        arrived = await his.wait_for(EntryAppended)

    assert arrived.position == 4


async def test_what_this_process_committed_arrives_as_it_would_be_read_and_without_a_reading(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(bob) as his:
        await his.mark(conversation.pk, 1)  # answered once the hub follows the log
        async with hub_of_this_process()._reading:
            for _ in range(3):
                await in_thread(alice.says)(conversation)
            arrived = await his.entries(3)

    assert arrived == await in_thread(log_of)(bob, conversation)


async def test_what_is_committed_here_during_a_reading_of_the_same_arrives_once(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(bob) as his:
        for _ in range(20):
            await in_thread(alice.says)(conversation)
            doorbell.ring(Ring(What.LOG, conversation.pk, 1_000))  # as if there were more
        arrived = await his.entries(20)
        await his.mark(conversation.pk, 1)

    assert [entry.position for entry in arrived] == list(range(2, 22))
    assert not any(isinstance(frame, EntryAppended) for frame in his.passed_over)


async def test_being_online_and_catching_up_end_in_the_same_state(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    order = random.Random(1)
    async with connected(alice) as hers, connected(bob) as his:
        for _ in range(30):
            await order.choice([hers, his]).say(conversation.pk)
        online = [await hers.entries(30), await his.entries(30)]

    caught_up = await in_thread(log_of)(bob, conversation)
    assert online[0] == online[1]
    assert caught_up[-30:] == online[1]
    assert [entry.position for entry in caught_up] == list(range(2, 32))


async def test_who_joins_while_others_write_misses_nothing_that_follows(
    alice: Member, bob: Member
) -> None:
    carol = await in_thread(enrol)("carol")
    group = await in_thread(alice.begins)()
    await in_thread(alice.adds)(group, bob)

    async with connected(alice) as hers, connected(bob) as his, connected(carol) as new:
        writing = asyncio.gather(*(socket.say(group.pk) for socket in (hers, his)))
        await in_thread(alice.adds)(group, carol)
        await writing
        await in_thread(alice.says)(group, epoch=2)
        joined = await new.wait_for(WelcomeArrived)
        last = (await in_thread(log_of)(alice, group))[-1].position
        seen = [entry.position for entry in await new.entries(last - joined.position)]

    assert seen == list(range(joined.position + 1, last + 1))


async def test_what_is_written_while_the_hub_enters_a_conversation_arrives(
    alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = await in_thread(enrol)("carol")
    group = await in_thread(alice.begins)()
    said: list[Any] = []

    async with connected(carol) as hers:
        reader = hub_of_this_process()._reader
        read = reader.run

        async def read_and_say(look: Callable[..., Any], *about: Any) -> Any:
            found = await read(look, *about)
            if look is news.rooms_of and found and not said:
                said.append(await in_thread(alice.says)(group))
                await asyncio.sleep(0.1)  # the ring finds no room
            return found

        monkeypatch.setattr(reader, "run", read_and_say)
        await in_thread(alice.adds)(group, carol)
        following = await hers.wait_for(EntryAppended)

    assert following.position == 2


async def test_who_is_removed_hears_so_and_nothing_more(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    group = await in_thread(alice.begins)()
    await in_thread(alice.adds)(group, bob)

    async with connected(alice) as hers, connected(bob) as his:
        await hers.say(group.pk)
        await in_thread(alice.removes)(group, bob)
        await hers.say(group.pk, epoch=2)
        await hers.say(conversation.pk)  # where both still are
        all_of_hers, all_of_his = await hers.entries(4), await his.entries(3)

    in_group = [entry for entry in all_of_his if entry.conversation_id == group.pk]
    assert [(entry.position, entry.kind) for entry in in_group] == [(2, "message"), (3, "commit")]
    assert len({(one.conversation_id, one.position) for one in all_of_hers}) == 4


async def test_who_is_removed_hears_nothing_more_when_all_is_read_at_once(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    group = await in_thread(alice.begins)()
    await in_thread(alice.adds)(group, bob)

    async with connected(bob) as his:
        await his.mark(group.pk, 1)  # answered once the hub follows the log
        async with a_doorbell_out_of_order():
            await in_thread(alice.removes)(group, bob)
            await in_thread(alice.says)(group, epoch=2)
        await in_thread(alice.says)(group, epoch=2)
        removal = await his.wait_for(EntryAppended)
        await in_thread(alice.says)(conversation)  # where both still are
        next_one = await his.wait_for(EntryAppended)

    assert (removal.conversation_id, removal.kind) == (group.pk, "commit")
    assert next_one.conversation_id == conversation.pk


async def test_a_removal_by_the_server_arrives_without_a_sender(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(alice) as hers:
        await in_thread(revoke_device)(device=bob.device)
        proposal = await hers.wait_for(EntryAppended)
        refused = await hers.say(conversation.pk)
        await in_thread(alice.commits)(conversation)
        accepted = await hers.say(conversation.pk, epoch=2)

    assert (proposal.kind, proposal.sender_device_id) == ("proposal", None)
    assert isinstance(refused, Refused)
    assert refused.code == "proposals_pending"
    assert isinstance(accepted, Accepted)


async def test_many_welcomes_do_not_cut_a_socket_off(alice: Member) -> None:
    carol = await in_thread(enrol)("carol")
    for _ in range(3):
        await in_thread(alice.adds)(await in_thread(alice.begins)(), carol)
    many = [
        Welcome(device=carol.device, conversation=one, position=position, epoch=1, data=b"w")
        for one in await in_thread(list)(Conversation.objects.all())
        for position in range(2, 300)
    ]
    await in_thread(Welcome.objects.bulk_create)(many)

    async with connected(carol) as hers:
        newest = await in_thread(alice.begins)()
        await in_thread(alice.adds)(newest, carol)
        told = [await hers.wait_for(WelcomeArrived)]
        while told[-1].conversation_id != newest.pk:
            told.append(await hers.wait_for(WelcomeArrived))
        answered = await hers.mark(newest.pk, 1)

    assert isinstance(answered, Accepted)
    assert len(told) <= 2 * news.MOST_WELCOMES  # the claim may have been heard of on its own


def test_of_several_devices_each_has_its_own_news_in_few_statements(
    alice: Member, bob: Member, conversation: Conversation, django_assert_num_queries: Any
) -> None:
    alice.leaves_key_packages(3)
    for position in range(2, 5 + news.MOST_WELCOMES):
        Welcome.objects.create(
            device=alice.device, conversation=conversation, position=position, epoch=1, data=b"w"
        )

    with django_assert_num_queries(2):
        waiting = news.news_of([alice.device.pk, bob.device.pk])

    of_alice, of_bob = waiting[alice.device.pk], waiting[bob.device.pk]
    assert [one.position for one in of_alice.welcomes] == [*range(5, 5 + news.MOST_WELCOMES)]
    assert [one.position for one in of_bob.welcomes] == [1]
    assert of_alice.key_packages == stock_of(alice.device)
    assert of_bob.key_packages == stock_of(bob.device) == NO_STOCK
    assert of_alice.key_packages.available == 3


async def test_more_than_one_reading_of_the_log_arrives_in_order(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.news.MOST_ENTRIES", 3)

    async with connected(bob) as his:
        async with a_doorbell_out_of_order():
            for _ in range(9):
                await in_thread(alice.says)(conversation)
        await in_thread(alice.says)(conversation)
        arrived = await his.entries(10)

    assert [entry.position for entry in arrived] == list(range(2, 12))


async def test_marks_that_were_not_rung_are_told_by_the_poll(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "_hubs", {asyncio.get_running_loop(): Hub(poll_seconds=0.3)})

    async with connected(alice) as hers, connected(bob) as his:
        await hers.say(conversation.pk)
        await his.wait_for(EntryAppended)
        async with a_doorbell_out_of_order():
            await his.mark(conversation.pk, 2)
        told = await hers.wait_for(DeliveryAdvanced)

    assert (told.device_id, told.position) == (bob.device.pk, 2)


async def test_the_hub_goes_on_after_a_failure(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "SECONDS_BEFORE_RETRY", 0.05)

    async with connected(bob) as his:
        with monkeypatch.context() as broken:
            broken.setattr("messaging.news.Entry", None)
            await in_thread(alice.says)(conversation)
            await asyncio.sleep(0.2)
        arrived = await his.wait_for(EntryAppended)

    assert arrived.position == 2


async def test_nothing_is_left_running_when_the_last_socket_goes(alice: Member) -> None:
    async with connected(alice):
        running = hub_of_this_process()
        assert running._tasks
        assert running.heard in doorbell._listeners

    assert not running._tasks
    assert not running._outboxes
    assert not running._rooms
    assert running.heard not in doorbell._listeners


class StalledReader:
    """A device's end of a socket that accepts some frames and then reads no more."""

    def __init__(self, reads: int) -> None:
        self.reads = reads
        self.code: int | None = None
        self.is_cut = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.close":
            self.code = event["code"]
            self.is_cut.set()
        elif self.reads == 0:
            await asyncio.Event().wait()
        else:
            self.reads -= 1


async def test_a_slow_reader_is_cut_and_delays_nobody(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "MOST_FRAMES", 5)
    stalled = StalledReader(reads=1)
    caller = Caller(device=bob.device, token=None)
    ready = Ready(device_id=bob.device.pk, incarnation=uuid4())
    socket = asyncio.create_task(DeviceSocket(caller, stalled.receive, stalled.send).serve(ready))

    async with connected(alice) as hers:
        answers = [await hers.say(conversation.pk) for _ in range(10)]
        seen = await hers.entries(10)
        await asyncio.wait_for(stalled.is_cut.wait(), 5)
        await socket

    assert all(isinstance(answer, Accepted) for answer in answers)
    assert [entry.position for entry in seen] == list(range(2, 12))
    assert stalled.code == CloseCode.TOO_SLOW
    assert len(await in_thread(log_of)(bob, conversation)) == 10


async def test_an_outbox_holds_no_more_than_its_bytes(alice: Member) -> None:
    outbox = Outbox(alice.device.pk)

    codes = []
    for _ in range(6):
        outbox.put("x" * 1024 * 1024)
        codes.append(outbox.close_code)

    assert codes == [None] * 5 + [CloseCode.TOO_SLOW]
    assert await outbox.take() is None


COMMANDS = ["send_message", "submit_commit", "submit_proposal", "mark_delivered"]
FUZZ = st.one_of(
    st.text(min_size=1, max_size=60),
    st.binary(min_size=1, max_size=60),
    st.fixed_dictionaries(
        {"type": st.sampled_from(COMMANDS)},
        optional={
            "request_id": st.integers(),
            "conversation_id": st.uuids().map(str),
            "message_id": st.uuids().map(str),
            "ciphertext": st.sampled_from(["AAEAAgA=", "AAEAAQ==", "", "!"]),
            "commit": st.sampled_from(["AAEAAQ==", "AAEABQ=="]),
            "group_info": st.sampled_from(["AAEABA==", "AA=="]),
            "proposal": st.sampled_from(["AAEAAQ==", "AA=="]),
            "position": st.integers(),
        },
    ),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(frames=st.lists(FUZZ, min_size=1, max_size=6))
def test_whatever_is_sent_is_answered_or_closed_and_nothing_fails(
    alice: Member, frames: list[Any]
) -> None:
    async def send_all() -> None:
        async with connected(alice) as socket:
            for frame in frames:
                if isinstance(frame, bytes):
                    await socket.communicator.send_to(bytes_data=frame)
                elif isinstance(frame, str):
                    await socket.communicator.send_to(text_data=frame)
                else:
                    await socket.communicator.send_to(text_data=json.dumps(frame))
            await read_all(socket)

    asyncio.run(send_all())


async def read_all(socket: LiveSocket) -> None:
    while not await socket.communicator.receive_nothing(0.05):
        output = await socket.communicator.receive_output()
        if output["type"] == "websocket.close":
            assert output["code"] in {CloseCode.INVALID_FRAME, CloseCode.TOO_LARGE}
            return
        frame = decode_server_frame(output["text"].encode())
        assert frame.__struct_config__.tag == "refused"


async def test_nothing_overtakes_what_waits_for_a_slow_reader(alice: Member) -> None:
    pushed: list[str] = []
    reads = False

    def push(frame: str) -> bool:
        if reads:
            pushed.append(frame)
        return reads

    outbox = Outbox(alice.device.pk, push=push)
    outbox.put("first")
    taken = await outbox.take()
    reads = True
    outbox.put("second")  # the first is still on its way

    assert (taken, pushed) == ("first", [])
    assert await outbox.take() == "second"
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put("third")
    assert pushed == ["third"]
    outbox.close(CloseCode.TOO_SLOW)
    assert await waiting is None


def test_a_ring_travels_as_plain_values() -> None:
    ring = Ring(doorbell.What.LOG, uuid4(), 3)

    plain = msgspec.to_builtins(ring)

    assert msgspec.json.decode(msgspec.json.encode(plain), type=Ring) == ring


async def test_a_device_is_ready_only_when_nothing_can_escape_it(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    """Else what is said between its look into the log and the hub's would be told to nobody."""
    sent: list[str] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event["text"])

    async with connected(alice):
        serving = DeviceSocket(
            bob.caller, asyncio.Event().wait, send, partial(kept_in, sent)
        ).serve(Ready(device_id=bob.device.pk, incarnation=uuid4()))
        async with hub_of_this_process()._reading:
            socket = asyncio.create_task(serving)
            await in_thread(alice.says)(conversation)
            await asyncio.sleep(0.1)
            before = list(sent)
        await until(lambda: len(sent) > 1)
        socket.cancel()

    assert before == []
    ready, entry = (decode_server_frame(text.encode()) for text in sent)
    assert isinstance(ready, Ready)
    assert isinstance(entry, EntryAppended)


async def test_of_many_that_come_at_once_each_hears_what_follows(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "DEVICES_AT_A_TIME", 3)
    sent: dict[int, list[str]] = {number: [] for number in range(8)}
    many = [await in_thread(enrol)("many") for _ in sent]
    rooms = [await in_thread(one.begins)() for one in many]
    hub = hub_of_this_process()
    boxes = [Outbox(one.device.pk, push=partial(kept_in, sent[n])) for n, one in enumerate(many)]

    async with connected(alice):
        async with hub._reading:
            coming = [asyncio.create_task(hub.attach(box)) for box in boxes]
            await asyncio.sleep(0.05)
        await asyncio.gather(*coming)
        for one, room in zip(many, rooms, strict=True):
            await in_thread(one.says)(room, epoch=0)
        await until(lambda: all(sent.values()))
        for box in boxes:
            hub.detach(box)

    assert not hub._arriving
    assert [len(texts) for texts in sent.values()] == [1] * 8


def kept_in(texts: list[str], text: str) -> bool:
    texts.append(text)
    return True
