"""The log's writer: one transaction for all that wait, an outcome for each, and none lost."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future as ThreadFuture
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import DeviceRevoked
from messaging.errors import ConversationNotFound, MessageIdReused, Overloaded, StaleEpoch
from messaging.models import Conversation, Entry, Membership
from messaging.services import writer as writers
from messaging.services.batches import Job, Mark, Outcome, Send, run_batch
from messaging.services.log import Placed
from messaging.services.messages import message_to_send
from messaging.services.writer import LogWriter, Waiting
from messaging.threads import run_once
from securechat_sdk.wire.errors import Unavailable
from tests.messaging.people import Member, enrol, message

pytestmark = pytest.mark.django_db(transaction=True)

only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="says something about PostgreSQL"
)


@pytest.fixture
def conversation(alice: Member) -> Conversation:
    """Alice's alone, at epoch 0 and position 0."""
    return alice.begins()


@contextmanager
def a_writer(run: object = run_batch) -> Iterator[LogWriter]:
    writer = LogWriter(run)  # type: ignore[arg-type]  # a function like run_batch
    yield writer
    writer.close()


def to_send(
    member: Member, conversation: Conversation, *, epoch: int = 0, ciphertext: bytes | None = None
) -> Send:
    return message_to_send(
        caller=member.caller,
        conversation_id=conversation.pk,
        message_id=uuid4(),
        ciphertext=ciphertext or message(conversation.pk, epoch),
    )


def positions_of(conversation: Conversation) -> list[int]:
    entries = Entry.objects.filter(conversation=conversation).order_by("position")
    return list(entries.values_list("position", flat=True))


async def place_all(writer: LogWriter, jobs: Sequence[Job]) -> list[Placed | BaseException]:
    return await asyncio.gather(*map(writer.place, jobs), return_exceptions=True)


@pytest.mark.parametrize("count", [1, 50])
def test_a_batch_takes_the_same_few_statements_however_many_there_are(count: int) -> None:
    members = [enrol("member") for _ in range(5)]
    conversations = [member.begins() for member in members]
    sends = [
        to_send(member, conversation)
        for _ in range(count)
        for member, conversation in zip(members, conversations, strict=True)
    ]

    with CaptureQueriesContext(connection) as queries:
        outcomes = run_batch(sends)

    assert all(isinstance(outcome, Placed) for outcome in outcomes)
    # Django writes "5 times: INSERT" where SQLite takes one prepared statement row by row.
    statements = [query["sql"].rpartition("times: ")[2].split(maxsplit=1)[0] for query in queries]
    data = [one for one in statements if one not in {"BEGIN", "COMMIT"}]
    assert data == ["SELECT", "SELECT", "SELECT", "SELECT", "INSERT", "UPDATE"]


def test_each_job_of_a_batch_has_its_own_outcome(alice: Member, conversation: Conversation) -> None:
    revoked, outsider = enrol("revoked"), enrol("outsider")
    alice.adds(conversation, revoked)
    revoked.device.revoked_at = timezone.now()
    revoked.device.save()
    first, last = [to_send(alice, conversation, epoch=1) for _ in range(2)]
    reused = Send(
        caller=alice.caller,
        conversation_id=conversation.pk,
        message_id=first.message_id,
        epoch=1,
        ciphertext=b"something else",
    )

    outcomes = run_batch(
        [
            first,
            to_send(alice, conversation, epoch=0),
            to_send(revoked, conversation, epoch=1),
            to_send(outsider, conversation, epoch=1),
            reused,
            first,
            Mark(caller=alice.caller, conversation_id=conversation.pk, position=1),
            last,
        ]
    )

    kinds = [StaleEpoch, DeviceRevoked, ConversationNotFound, MessageIdReused]
    assert [type(outcome) for outcome in outcomes[1:5]] == kinds
    assert outcomes[0] == Placed(2, is_new=True)
    assert outcomes[5:] == [
        Placed(2, is_new=False),
        Placed(1, is_new=True),
        Placed(3, is_new=True),
    ]
    assert positions_of(conversation) == [1, 2, 3]
    assert Membership.objects.get(device=alice.device).delivered_position == 1


async def test_what_waits_together_is_committed_together(
    alice: Member, conversation: Conversation
) -> None:
    sizes: list[int] = []

    def count(jobs: Sequence[Job]) -> list[Outcome]:
        sizes.append(len(jobs))
        return run_batch(jobs)

    with a_writer(count) as writer:
        outcomes = await place_all(writer, [to_send(alice, conversation) for _ in range(100)])

    assert [one.position for one in outcomes if isinstance(one, Placed)] == list(range(1, 101))
    assert sum(sizes) == 100
    assert len(sizes) < 10


async def test_a_job_that_the_database_refuses_does_not_fail_its_neighbours(
    alice: Member, conversation: Conversation
) -> None:
    full = await run_once(alice.begins)
    await run_once(Conversation.objects.filter(pk=full.pk).update, last_position=2**63 - 1)
    jobs = [to_send(alice, room) for room in (conversation, full, conversation)]

    with a_writer() as writer:
        first, spoilt, last = await place_all(writer, jobs)

    assert (first, last) == (Placed(1, is_new=True), Placed(2, is_new=True))
    assert isinstance(spoilt, Unavailable)
    assert await run_once(positions_of, conversation) == [1, 2]


async def test_when_too_much_waits_more_is_refused_and_what_waits_is_kept(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "MOST_WAITING", 3)
    may_go_on = threading.Event()

    def slow(jobs: Sequence[Job]) -> list[Outcome]:
        may_go_on.wait(10)
        return run_batch(jobs)

    with a_writer(slow) as writer:
        first = asyncio.create_task(writer.place(to_send(alice, conversation)))
        await asyncio.sleep(0.2)
        waiting = [
            asyncio.create_task(writer.place(to_send(alice, conversation))) for _ in range(3)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refused:
            await writer.place(to_send(alice, conversation))
        may_go_on.set()
        placed = await asyncio.gather(first, *waiting)

    assert refused.value.status == 503
    assert [one.position for one in placed] == [1, 2, 3, 4]


async def test_who_waits_for_a_slow_database_is_told_so_and_repeats_without_harm(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "SECONDS_TO_WAIT", 0.2)
    may_go_on = threading.Event()

    def slow(jobs: Sequence[Job]) -> list[Outcome]:
        may_go_on.wait(10)
        return run_batch(jobs)

    send = to_send(alice, conversation)
    with a_writer(slow) as writer:
        with pytest.raises(Unavailable):
            await writer.place(send)
        may_go_on.set()
        monkeypatch.setattr(writers, "SECONDS_TO_WAIT", 10)
        again = await writer.place(send)

    assert again == Placed(1, is_new=False)
    assert await run_once(positions_of, conversation) == [1]


def give_free_pages_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="fills an SQLite file")
async def test_a_full_disk_is_refused_and_then_recovered_from(
    alice: Member, conversation: Conversation
) -> None:
    await run_once(give_free_pages_back)
    limits = iter([1, 1_000_000])  # pages: fewer than there are means the present size

    def on_a_disk(jobs: Sequence[Job]) -> list[Outcome]:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {next(limits, 1_000_000)}")
        return run_batch(jobs)

    large = message(conversation.pk, 0, b"x" * 100_000)
    with a_writer(on_a_disk) as writer:
        with pytest.raises(Unavailable):
            await writer.place(to_send(alice, conversation, ciphertext=large))
        placed = await writer.place(to_send(alice, conversation, ciphertext=large))

    assert placed == Placed(1, is_new=True)


@only_postgresql
async def test_a_connection_that_was_cut_is_made_anew(
    alice: Member, conversation: Conversation
) -> None:
    cut = iter([True])

    def cut_once(jobs: Sequence[Job]) -> list[Outcome]:
        if next(cut, False):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return run_batch(jobs)

    with a_writer(cut_once) as writer:
        with pytest.raises(Unavailable):
            await writer.place(to_send(alice, conversation))
        placed = await writer.place(to_send(alice, conversation))

    assert placed == Placed(1, is_new=True)


async def test_writers_of_several_processes_neither_deadlock_nor_leave_gaps() -> None:
    members = [await run_once(enrol, "member") for _ in range(4)]
    rooms = []
    for _ in range(6):
        room = await run_once(members[0].begins)
        await run_once(members[0].adds, room, *members[1:])
        rooms.append(room)
    writers_of_processes = [LogWriter() for _ in range(3)]

    jobs: list[list[Job]] = []
    for index in range(3):
        order = rooms if index % 2 else rooms[::-1]  # each in another order than its neighbour
        some = [to_send(one, room, epoch=1) for room in order for one in members for _ in range(5)]
        jobs.append(list(some))
    outcomes = await asyncio.gather(
        *(place_all(writer, some) for writer, some in zip(writers_of_processes, jobs, strict=True))
    )
    for writer in writers_of_processes:
        await run_once(writer.close)

    assert all(isinstance(one, Placed) for some in outcomes for one in some)
    for room in rooms:
        assert await run_once(positions_of, room) == list(range(1, 62))


class GivenUp(ThreadFuture[Outcome]):
    """Whoever waits gives up in the moment in which the answer comes."""

    def set_result(self, result: Outcome) -> None:
        self.cancel()
        super().set_result(result)


def test_who_gives_up_at_the_last_moment_leaves_the_writer_at_work(
    alice: Member, conversation: Conversation
) -> None:
    given_up: ThreadFuture[Outcome] = GivenUp()

    with a_writer() as writer:
        writer._submit(Waiting(to_send(alice, conversation), given_up, None))
        placed = writer.place_and_wait(to_send(alice, conversation))

    assert given_up.cancelled()
    assert placed == Placed(2, is_new=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # is meant
def test_a_thread_that_died_is_started_again(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "SECONDS_TO_WAIT", 0.2)
    dies = iter([True])

    def die_once(jobs: Sequence[Job]) -> list[Outcome]:
        if next(dies, False):
            raise SystemExit
        return run_batch(jobs)

    with a_writer(die_once) as writer:
        with pytest.raises(Unavailable):
            writer.place_and_wait(to_send(alice, conversation))
        monkeypatch.setattr(writers, "SECONDS_TO_WAIT", 10)
        placed = writer.place_and_wait(to_send(alice, conversation))

    assert placed == Placed(1, is_new=True)


def test_the_thread_ends_when_there_is_nothing_to_do(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "SECONDS_IDLE", 0.1)
    writer = LogWriter()

    writer.place_and_wait(to_send(alice, conversation))
    thread = writer._thread
    assert thread is not None
    thread.join(5)

    assert not thread.is_alive()
    assert writer.place_and_wait(to_send(alice, conversation)).position == 2
    writer.close()
