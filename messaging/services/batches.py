"""Messages and marks of many devices, placed in one transaction; each has its own outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from django.utils import timezone

from accounts.errors import DeviceRevoked
from accounts.services.callers import Caller
from messaging import bulk, events
from messaging.bulk import Asked, Earlier, Pair
from messaging.errors import (
    ConversationNotFound,
    MessageIdReused,
    PositionAhead,
    ProposalsPending,
    StaleEpoch,
)
from messaging.metrics import ACCEPTED
from messaging.services.durability import durable_transaction
from messaging.services.log import Placed
from securechat_sdk.wire.errors import ChatError, NotAuthenticated
from securechat_sdk.wire.frames import EntryAppended, EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """An application message whose envelope was read."""

    caller: Caller
    conversation_id: UUID
    message_id: UUID
    epoch: int
    ciphertext: bytes
    lifetime: int | None = None

    @property
    def device_id(self) -> UUID:
        return self.caller.device.pk


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A device's word that it has stored everything up to a position."""

    caller: Caller
    conversation_id: UUID
    position: int

    @property
    def device_id(self) -> UUID:
        return self.caller.device.pk


Job = Send | Mark
Outcome = Placed | ChatError


def run_batch(jobs: Sequence[Job]) -> list[Outcome]:
    """Run all in one transaction; return an outcome for each, in their order."""
    with durable_transaction():
        batch = _Batch(jobs)
        outcomes = [batch.outcome_of(job) for job in jobs]
        batch.store()
    ACCEPTED.labels(EntryKind.MESSAGE.value).inc(batch.new_entries)
    return outcomes


class _Batch:
    """What the jobs concern, locked and read once; then each job in turn, in memory."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        sends = [job for job in jobs if isinstance(job, Send)]
        self._active = bulk.lock_active_devices({job.device_id for job in jobs})
        self._rooms = bulk.lock_conversations({send.conversation_id for send in sends})
        self._members = bulk.memberships({_asked(job) for job in jobs}, timezone.now())
        self._earlier = bulk.earlier_entries({(send.device_id, send.message_id) for send in sends})
        self._entries: list[EntryAppended] = []
        self._expiries: dict[tuple[UUID, int], datetime] = {}
        self._now = timezone.now()
        self._marks: dict[Pair, int] = {}

    def outcome_of(self, job: Job) -> Outcome:
        try:
            self._check_caller(job)
            match job:
                case Send():
                    return self._place(job)
                case Mark():
                    return self._mark(job)
                case _:
                    assert_never(job)
        except ChatError as refusal:
            return refusal

    @property
    def new_entries(self) -> int:
        return len(self._entries)

    def store(self) -> None:
        if self._entries:
            moved = {entry.conversation_id: entry.position for entry in self._entries}
            bulk.insert_entries(self._entries)
            if self._expiries:
                bulk.limit_entries(self._expiries)
            bulk.move_conversations(moved, self._now)
            events.logs_moved(moved, self._entries)
        if self._marks:
            bulk.move_marks(self._marks)
            events.marks_moved({conversation_id for conversation_id, _ in self._marks})

    def _check_caller(self, job: Job) -> None:
        if job.device_id not in self._active:
            raise DeviceRevoked
        standing = self._members.get(_asked(job))
        if standing is None:
            raise ConversationNotFound
        if not job.caller.is_let_in_by(standing.evidence):
            raise NotAuthenticated

    def _place(self, send: Send) -> Placed:
        earlier = self._earlier.get((send.device_id, send.message_id))
        if earlier is not None:
            return _repeated(earlier, send)
        room = self._rooms[send.conversation_id]
        if send.epoch != room.epoch:
            raise StaleEpoch(epoch=room.epoch)
        if room.awaits_removal:
            raise ProposalsPending
        room.last_position += 1
        self._append(send, room.last_position)
        return Placed(position=room.last_position, is_new=True)

    def _append(self, send: Send, position: int) -> None:
        entry = EntryAppended(
            conversation_id=send.conversation_id,
            position=position,
            kind=EntryKind.MESSAGE,
            epoch=send.epoch,
            sender_device_id=send.device_id,
            message_id=send.message_id,
            created_at=self._now,
            data=send.ciphertext,
        )
        self._entries.append(entry)
        if send.lifetime is not None:
            expires_at = self._now + timedelta(seconds=send.lifetime)
            self._expiries[send.conversation_id, position] = expires_at
        # The same message may be in the batch twice, when a client lost patience.
        self._earlier[send.device_id, send.message_id] = Earlier(
            entry.conversation_id, entry.kind.value, position, entry.data
        )

    def _mark(self, mark: Mark) -> Placed:
        pair = mark.conversation_id, mark.device_id
        standing = self._members[_asked(mark)]
        if mark.position > standing.last_position:
            raise PositionAhead(last_position=standing.last_position)
        reached = self._marks.get(pair, standing.delivered_position)
        if mark.position <= reached:
            return Placed(position=reached, is_new=False)
        self._marks[pair] = mark.position
        return Placed(position=mark.position, is_new=True)


def _asked(job: Job) -> Asked:
    token, session = job.caller.token, job.caller.session
    return Asked(
        job.conversation_id,
        job.device_id,
        None if token is None else token.pk,
        None if session is None else session.digest,
    )


def _repeated(earlier: Earlier, send: Send) -> Placed:
    """Of a message that was erased meanwhile, nobody can say that it was another."""
    said = (earlier.conversation_id, earlier.kind, earlier.data or send.ciphertext)
    if said != (send.conversation_id, EntryKind.MESSAGE.value, send.ciphertext):
        raise MessageIdReused
    return Placed(position=earlier.position, is_new=False)
