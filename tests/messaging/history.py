"""A checker of what a relay did to its devices, given nothing but what these saw.

A history lists, in the order in which it happened, what devices sent, what they were told and
what they received. A stream is what one device received without interruption: over one socket, or
by fetching from its cursor on.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A device asks for a place; each repetition is an attempt of its own."""

    attempt: int
    sender: str
    message_id: UUID
    data: bytes


@dataclass(frozen=True)
class Acknowledged:
    attempt: int
    position: int


@dataclass(frozen=True)
class Revoked:
    """The revocation of this device was acknowledged."""

    device: str


@dataclass(frozen=True, kw_only=True)
class Received:
    """An entry as it came; without a sender it is the server's own."""

    stream: str
    position: int
    sender: str | None
    message_id: UUID
    data: bytes
    commits_epoch: int | None = None


@dataclass(frozen=True)
class Began:
    """A stream begins behind this position."""

    stream: str
    after: int


@dataclass(frozen=True)
class Ended:
    """Everything up to this position should have come by the stream."""

    stream: str
    position: int


Happening = Sent | Acknowledged | Revoked | Received | Began | Ended


class Violation(StrEnum):
    LOST = "lost"
    DUPLICATED = "duplicated"
    GAP = "gap"
    REORDERED = "reordered"
    ALTERED = "altered"
    ACCEPTED_AFTER_REVOCATION = "accepted after revocation"
    TWO_COMMITS = "two commits in one epoch"


@dataclass(frozen=True)
class Finding:
    violation: Violation
    where: object


def violations(history: Sequence[Happening]) -> set[Violation]:
    return {finding.violation for finding in findings(history)}


def findings(history: Sequence[Happening]) -> list[Finding]:
    """Return everything that a relay must not do; nothing means that it kept its promises."""
    return [
        *_lost(history),
        *_duplicated(history),
        *_out_of_line(history),
        *_altered(history),
        *_accepted_after_revocation(history),
        *_two_commits(history),
    ]


def _lost(history: Iterable[Happening]) -> Iterator[Finding]:
    """What was acknowledged has reached nobody."""
    received = {(one.sender, one.message_id) for one in _received(history)}
    for sent, acknowledged in _acknowledged(history):
        if (sent.sender, sent.message_id) not in received:
            yield Finding(Violation.LOST, acknowledged)


def _duplicated(history: Iterable[Happening]) -> Iterator[Finding]:
    """One message has two places; that a stream brings a place twice is found below."""
    places: defaultdict[tuple[str | None, UUID], set[int]] = defaultdict(set)
    for sent, acknowledged in _acknowledged(history):
        places[sent.sender, sent.message_id].add(acknowledged.position)
    for one in _received(history):
        places[one.sender, one.message_id].add(one.position)
    for message, positions in places.items():
        if len(positions) > 1:
            yield Finding(Violation.DUPLICATED, (message, positions))


def _out_of_line(history: Iterable[Happening]) -> Iterator[Finding]:
    """Each stream brings the next position, and comes as far as it should."""
    reached: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    for one in history:
        match one:
            case Began():
                reached[one.stream] = one.after
            case Received():
                last = reached[one.stream]
                if (one.stream, one.position) in seen:
                    yield Finding(Violation.DUPLICATED, one)
                elif one.position <= last:
                    yield Finding(Violation.REORDERED, one)
                elif one.position > last + 1:
                    yield Finding(Violation.GAP, one)
                seen.add((one.stream, one.position))
                reached[one.stream] = max(last, one.position)
            case Ended() if reached[one.stream] < one.position:
                yield Finding(Violation.GAP, one)


def _altered(history: Iterable[Happening]) -> Iterator[Finding]:
    """A position is the same for all, and holds what its sender gave for it."""
    given: defaultdict[tuple[str | None, UUID], set[bytes]] = defaultdict(set)
    for one in history:
        if isinstance(one, Sent):
            given[one.sender, one.message_id].add(one.data)
    seen: dict[int, tuple[str | None, UUID, bytes]] = {}
    for one in _received(history):
        said = one.sender, one.message_id, one.data
        invented = one.sender is not None and one.data not in given[one.sender, one.message_id]
        if invented or seen.setdefault(one.position, said) != said:
            yield Finding(Violation.ALTERED, one)
    for sent, acknowledged in _acknowledged(history):
        said = sent.sender, sent.message_id, sent.data
        if seen.get(acknowledged.position, said) != said:
            yield Finding(Violation.ALTERED, acknowledged)


def _accepted_after_revocation(history: Iterable[Happening]) -> Iterator[Finding]:
    """Only what was on its way already may still be accepted."""
    revoked: set[str] = set()
    too_late: set[int] = set()
    for one in history:
        match one:
            case Revoked():
                revoked.add(one.device)
            case Sent() if one.sender in revoked:
                too_late.add(one.attempt)
            case Acknowledged() if one.attempt in too_late:
                yield Finding(Violation.ACCEPTED_AFTER_REVOCATION, one)


def _two_commits(history: Iterable[Happening]) -> Iterator[Finding]:
    winners: dict[int, int] = {}
    for one in _received(history):
        if one.commits_epoch is None:
            continue
        if winners.setdefault(one.commits_epoch, one.position) != one.position:
            yield Finding(Violation.TWO_COMMITS, one)


def _received(history: Iterable[Happening]) -> Iterator[Received]:
    return (one for one in history if isinstance(one, Received))


def _acknowledged(history: Iterable[Happening]) -> Iterator[tuple[Sent, Acknowledged]]:
    attempts: dict[int, Sent] = {}
    for one in history:
        if isinstance(one, Sent):
            attempts[one.attempt] = one
        elif isinstance(one, Acknowledged):
            yield attempts[one.attempt], one
