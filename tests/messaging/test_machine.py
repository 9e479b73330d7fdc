"""Devices do whatever comes to their minds to the relay, and a short model knows what follows.

They write, repeat themselves, come and go, race each other's commits, leave and are revoked, and
now and then a process dies. Each run has people and a conversation of its own. A long search, which
also looks for the shortest story that ends badly (minutes):
`SECURECHAT_MACHINE_EXAMPLES=500 pytest tests/messaging/test_machine.py`.
"""

import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.services.devices import revoke_device
from messaging.access import log_for
from messaging.models import Entry
from messaging.news import entry_event
from messaging.services.batches import Job, Outcome
from messaging.services.commits import Submission, submit_commit
from messaging.services.messages import message_to_send
from messaging.services.proposals import submit_proposal
from messaging.threads import run_once
from securechat_sdk.mls.group.commit import PendingCommit
from securechat_sdk.mls.messages.proposals import Remove
from securechat_sdk.wire.errors import Unavailable
from securechat_sdk.wire.frames import CloseCode, EntryAppended, EntryKind
from tests.messaging import history
from tests.messaging.history import Acknowledged, Began, Ended, Happening, Received, Revoked, Sent
from tests.messaging.model import Answer, Kind, Relay, Wish
from tests.messaging.people import enrol, leaf_of, message, submission_of
from tests.messaging.relay import (
    Call,
    RunningRelay,
    killed_after_the_commit,
    killed_before_the_commit,
)

IS_LONG = "SECURECHAT_MACHINE_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("SECURECHAT_MACHINE_EXAMPLES", "20"))
PHASES = (Phase.generate, Phase.shrink) if IS_LONG else (Phase.generate,)
NAMES = ("alice", "bob", "carol", "dave", "erin")  # alice stays, and so sees everything

Handed = tuple[Wish, Call]  # what is wished for, and the call that hands it in

anybody = st.sampled_from(NAMES)
others = st.sampled_from(NAMES[1:])
choices = st.integers(0, 1_000)
# Who writes, through the writer of which process, and whether for an epoch that is over.
writings = st.tuples(anybody, st.integers(0, 1), st.sampled_from([0, 0, 0, 1]))


class Devices(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.relay = RunningRelay()
        self.people = {name: enrol(name) for name in NAMES}
        self.names = {member.device.pk: name for name, member in self.people.items()}
        self.room = self.people["alice"].begins()
        self.model = Relay(joined={"alice": 0})
        self.wishes: list[Wish] = []
        self.commits: dict[Wish, tuple[PendingCommit, Submission]] = {}
        self.history: list[Happening] = [Began("alice 0", 0)]
        self.numbers = count()
        self.cursors = {"alice": 0}
        self.heard: dict[str, int] = {}
        self.streams: dict[str, str] = {}
        self.add(0, "bob")
        self.add(0, "carol")
        self.add(0, "dave")

    def teardown(self) -> None:
        try:
            for name in self.cursors.keys() - self.model.revoked:
                self.fetch(name, len(self.model.log))
                self.history.append(Ended(self.fetching(name), self.end_for(name)))
            for name in self.streams.keys() - self.model.revoked:
                self.history.append(Ended(self.streams[name], self.end_for(name)))
            assert history.findings(self.history) == []
        finally:
            self.relay.close()

    # What devices do --------------------------------------------------------------------------

    @rule(writings=st.lists(writings, min_size=1, max_size=6))
    def write(self, writings: list[tuple[str, int, int]]) -> None:
        self.hand_in([self.writing(one) for one in writings])

    @precondition(lambda self: self.wishes)
    @rule(choice=choices, writers=st.lists(st.integers(0, 1), min_size=1, max_size=3))
    def repeat(self, choice: int, writers: list[int]) -> None:
        """Lose patience, and hand the same in again, through both processes at once perhaps."""
        wish = self.wishes[-1 - choice % len(self.wishes)]
        if wish.kind == Kind.MESSAGE or wish.who not in self.model.revoked:
            self.hand_in([self.handed(wish, one) for one in writers])

    @precondition(lambda self: self.messages())
    @rule(choice=choices)
    def repeat_the_id_with_other_bytes(self, choice: int) -> None:
        earlier = self.messages()[-1 - choice % len(self.messages())]
        data = message(self.room.pk, earlier.epoch)
        wish = Wish(Kind.MESSAGE, earlier.who, earlier.message_id, earlier.epoch, data)
        self.hand_in([self.handed(wish)])

    @rule(who=choices, whom=others, removes=st.booleans())
    def prepare(self, who: int, whom: str, removes: bool) -> None:  # noqa: FBT001 - hypothesis
        """Make a commit for later: others may be faster then."""
        author = self.one_of(who)
        is_there = whom in self.model.members - {author}
        self.prepared(author, frozenset({whom} if removes and is_there else ()))

    @precondition(lambda self: self.commits)
    @rule(some=st.lists(choices, min_size=1, max_size=2), writings=st.lists(writings, max_size=3))
    def commit(self, some: list[int], writings: list[tuple[str, int, int]]) -> None:
        """Hand in what was prepared, two at once perhaps, while others write."""
        newest_first = list(reversed(self.commits))
        chosen = [newest_first[one % min(3, len(newest_first))] for one in some]
        chosen = [one for one in chosen if one not in self.wishes or one.who in self.active()]
        self.hand_in([*map(self.handed, chosen), *map(self.writing, writings)])

    @rule(first=choices, second=choices)
    def race_for_the_epoch(self, first: int, second: int) -> None:
        wishes = [self.prepared(self.one_of(who)) for who in (first, second)]
        answers = self.hand_in([self.handed(wish) for wish in wishes])
        assert sum(isinstance(answer, int) for answer in answers) == 1

    @rule(who=choices, new=others)
    def add(self, who: int, new: str) -> None:
        if new in self.model.members | self.model.revoked:
            return
        author = self.one_of(who)
        pending = self.people[author].prepares_adding(self.room, self.people[new])
        wish = self.wish_to_commit(author, pending, added=frozenset({new}))
        self.hand_in([self.handed(wish)])
        self.people[new].catches_up(self.room)

    @rule(who=others)
    def leave(self, who: str) -> None:
        if who in self.active():
            data = self.people[who].proposes_to_leave(self.room)
            wish = Wish(Kind.PROPOSAL, who, uuid4(), self.model.epoch, data)
            self.hand_in([self.handed(wish)])

    @rule(who=others, writings=st.lists(writings, max_size=4))
    def revoke(self, who: str, writings: list[tuple[str, int, int]]) -> None:
        """End a device while it and others write."""
        if who not in self.model.revoked and len(self.model.revoked) < 2:
            own = [(who, 0, 0), (who, 1, 0)] if writings else []
            self.hand_in([self.writing(one) for one in own + writings], revoking=who)

    @rule(who=anybody, most=st.integers(1, 5))
    def fetch(self, who: str, most: int) -> None:
        """Catch up, not always to the end."""
        if who in self.cursors and who not in self.model.revoked:
            log = log_for(self.people[who].device, self.room.pk)
            for entry in log.entries.filter(position__gt=self.cursors[who])[:most]:
                self.cursors[who] = entry.position
                self.receive(self.fetching(who), entry_event(entry))

    @rule(who=anybody)
    def come_online(self, who: str) -> None:
        if who not in self.relay.sockets and who not in self.model.revoked:
            self.relay.attach(who, self.people[who].device.pk)
            if who in self.model.members:
                self.begin_stream(who, len(self.model.log))

    @precondition(lambda self: self.relay.sockets)
    @rule(choice=choices)
    def go_offline(self, choice: int) -> None:
        online = sorted(self.relay.sockets)
        self.goes_offline(online[choice % len(online)])

    @rule(
        run=st.sampled_from([killed_before_the_commit, killed_after_the_commit]),
        writings=st.lists(writings, min_size=1, max_size=4),
    )
    def kill(
        self,
        run: Callable[[Sequence[Job]], list[Outcome]],
        writings: list[tuple[str, int, int]],
    ) -> None:
        """Lose a process in the middle of a batch; then everybody comes back and repeats."""
        online = sorted(self.relay.sockets)
        for name in online:
            self.goes_offline(name)
        self.relay.kill(run)
        calls = [self.writing((who, 0, epochs_ago)) for who, _, epochs_ago in writings]
        self.note_sent(calls)
        assert set(self.relay.together([call for _, call in calls])) == {Unavailable}
        self.relay.restart()
        if run is killed_after_the_commit:
            self.follow_the_log(calls)
        self.the_log_is_the_models()
        for name in online:
            self.come_online(name)
        self.hand_in([self.handed(wish) for wish, _ in calls])

    # What must be so after each of it -----------------------------------------------------------

    @invariant()
    def the_log_is_the_models(self) -> None:
        rows = list(Entry.objects.filter(conversation=self.room).order_by("position"))
        assert [row.position for row in rows] == list(range(1, len(self.model.log) + 1))
        for row, line in zip(rows, self.model.log, strict=True):
            if isinstance(line, Wish):
                assert row.sender_id is not None
                wish = (self.names[row.sender_id], row.message_id, row.kind, bytes(row.data))
                assert wish == (line.who, line.message_id, line.kind, line.data)
            else:
                assert (row.sender_id, row.kind) == (None, Kind.PROPOSAL)
        self.room.refresh_from_db()
        standing = (self.room.last_position, self.room.epoch, self.room.awaits_removal)
        assert standing == (len(rows), self.model.epoch, bool(self.model.leaving))

    @invariant()
    def whoever_is_online_has_heard_it(self) -> None:
        sockets = self.relay.sockets
        assert self.relay.wait_until(self.all_is_heard), (self.heard, self.model)
        for name in sockets.keys() & self.model.revoked:
            self.goes_offline(name)

    def all_is_heard(self) -> bool:
        for name, socket in self.relay.sockets.items():
            while socket.unread:
                entry = socket.unread.pop(0)
                assert entry.position <= self.end_for(name)
                self.heard[name] = entry.position
                self.receive(self.streams[name], entry)
            if name in self.model.revoked:
                if socket.outbox.close_code != CloseCode.DEVICE_REVOKED:
                    return False
            elif name in self.streams and self.heard[name] < self.end_for(name):
                return False
        return True

    # Between the two ----------------------------------------------------------------------------

    def hand_in(self, calls: Sequence[Handed], revoking: str | None = None) -> list[Answer]:
        """Do it all at once; then, in the order that the product chose, in the model."""
        before = deepcopy(self.model)
        attempts = self.note_sent(calls)
        revocation = [partial(self.revocation, revoking)] if revoking else []
        answers = self.relay.together([*(call for _, call in calls), *revocation])
        stored = self.follow_the_log(calls, revoking)
        for (wish, _), attempt, answer in zip(calls, attempts, answers, strict=False):
            expected = {deepcopy(before).place(wish)}
            if isinstance(answer, int):
                expected = {stored[wish]} if wish in stored else expected
                self.history.append(Acknowledged(attempt, answer))
            else:
                expected.add(deepcopy(self.model).place(wish))
            assert answer in expected, (wish, answer, expected)
        if revoking:
            self.history.append(Revoked(revoking))
        return answers[: len(calls)]

    def follow_the_log(
        self, calls: Sequence[Handed], revoking: str | None = None
    ) -> dict[Wish, int]:
        """Let the model place what the product has stored: it has to come to the same place."""
        wishes = {wish.id: wish for wish, _ in calls}
        stored: dict[Wish, int] = {}
        rows = Entry.objects.filter(conversation=self.room, position__gt=len(self.model.log))
        for row in rows.order_by("position"):
            if row.sender_id is None:
                assert revoking is not None
                assert self.model.revoke(revoking) == row.position
                continue
            wish = wishes[self.names[row.sender_id], row.message_id]
            answer = self.model.place(wish)
            assert answer == row.position, (wish, answer, row.position)
            stored[wish] = row.position
            self.follow(wish, row.position)
        if revoking is not None:
            self.model.revoke(revoking)
        return stored

    def follow(self, wish: Wish, position: int) -> None:
        """Have the author of a commit keep its group, and begin and end what others read."""
        if wish.kind != Kind.COMMIT:
            return
        self.people[wish.who].groups[self.room.pk] = self.commits[wish][0].group
        self.people[wish.who].read[self.room.pk] = position
        for gone in wish.removed:
            self.people[gone].groups.pop(self.room.pk, None)
        for new in wish.added:
            self.cursors[new] = position
            self.history.append(Began(self.fetching(new), position))
            if new in self.relay.sockets:
                self.begin_stream(new, position)

    def note_sent(self, calls: Sequence[Handed]) -> list[int]:
        attempts = [next(self.numbers) for _ in calls]
        for attempt, (wish, _) in zip(attempts, calls, strict=True):
            self.history.append(
                Sent(attempt=attempt, sender=wish.who, message_id=wish.message_id, data=wish.data)
            )
            if wish not in self.wishes:
                self.wishes.append(wish)
        return attempts

    # Wishes, and how each is handed in ----------------------------------------------------------

    def writing(self, writing: tuple[str, int, int]) -> Handed:
        who, writer, epochs_ago = writing
        epoch = max(0, self.model.epoch - epochs_ago)
        wish = Wish(Kind.MESSAGE, who, uuid4(), epoch, message(self.room.pk, epoch))
        return self.handed(wish, writer)

    def prepared(self, author: str, removed: frozenset[str] = frozenset()) -> Wish:
        group = self.people[author].catches_up(self.room)
        removes = [
            Remove(leaf_of(group, self.people[name])) for name in removed - self.model.leaving
        ]
        pending = self.people[author].prepares(self.room, *removes)
        return self.wish_to_commit(author, pending, removed=removed)

    def wish_to_commit(
        self,
        author: str,
        pending: PendingCommit,
        *,
        added: frozenset[str] = frozenset(),
        removed: frozenset[str] = frozenset(),
    ) -> Wish:
        """A commit brings with it all removals that its author knows of."""
        submission = submission_of(self.room.pk, pending)
        wish = Wish(
            Kind.COMMIT,
            author,
            submission.message_id,
            self.model.epoch,
            submission.commit,
            added=added,
            removed=removed | self.model.leaving,
        )
        self.commits[wish] = pending, submission
        return wish

    def handed(self, wish: Wish, writer: int = 0) -> Handed:
        caller = self.people[wish.who].caller
        if wish.kind == Kind.COMMIT:
            submission = self.commits[wish][1]
            return wish, partial(run_once, submit_commit, caller=caller, submission=submission)
        room, message_id = self.room.pk, wish.message_id
        if wish.kind == Kind.PROPOSAL:
            leave = partial(submit_proposal, conversation_id=room, message_id=message_id)
            return wish, partial(run_once, leave, caller=caller, proposal=wish.data)
        job = message_to_send(
            caller=caller, conversation_id=room, message_id=message_id, ciphertext=wish.data
        )
        return wish, partial(self.relay.writers[writer].place, job)

    async def revocation(self, who: str) -> None:
        await run_once(revoke_device, device=self.people[who].device)

    def messages(self) -> list[Wish]:
        return [wish for wish in self.wishes if wish.kind == Kind.MESSAGE]

    def active(self) -> list[str]:
        return sorted(self.model.members - self.model.leaving - self.model.revoked)

    def one_of(self, choice: int) -> str:
        return self.active()[choice % len(self.active())]

    # Streams ------------------------------------------------------------------------------------

    def receive(self, stream: str, entry: EntryAppended) -> None:
        sender = entry.sender_device_id
        self.history.append(
            Received(
                stream=stream,
                position=entry.position,
                sender=None if sender is None else self.names[sender],
                message_id=entry.message_id,
                data=entry.data,
                commits_epoch=entry.epoch if entry.kind == EntryKind.COMMIT else None,
            )
        )

    def fetching(self, name: str) -> str:
        return f"{name} {self.model.joined[name]}"

    def end_for(self, name: str) -> int:
        return self.model.left.get(name, len(self.model.log))

    def begin_stream(self, name: str, after: int) -> None:
        self.end_stream(name)
        self.streams[name] = f"{name} online {next(self.numbers)}"
        self.heard[name] = after
        self.history.append(Began(self.streams[name], after))

    def end_stream(self, name: str) -> None:
        self.streams.pop(name, None)

    def goes_offline(self, name: str) -> None:
        self.relay.detach(name)
        self.end_stream(name)


@pytest.mark.django_db(transaction=True)
def test_the_relay_behaves_like_the_model() -> None:
    run_state_machine_as_test(
        Devices,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=not IS_LONG,
            phases=PHASES,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
