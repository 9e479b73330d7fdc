"""The history checker finds each violation where there is one, and none in a good history."""

from uuid import UUID

import pytest

from tests.messaging.history import (
    Acknowledged,
    Began,
    Ended,
    Happening,
    Received,
    Revoked,
    Sent,
    Violation,
    violations,
)


def sent(attempt: int, number: int, data: bytes = b"", *, sender: str = "alice") -> Sent:
    return Sent(
        attempt=attempt, sender=sender, message_id=UUID(int=number), data=data or named(number)
    )


def received(stream: str, position: int, number: int, data: bytes = b"", **more: int) -> Received:
    return Received(
        stream=stream,
        position=position,
        sender="alice",
        message_id=UUID(int=number),
        data=data or named(number),
        commits_epoch=more.get("commits_epoch"),
    )


def named(number: int) -> bytes:
    return f"message {number}".encode()


BOTH_ARE_ACKNOWLEDGED: list[Happening] = [
    Began("bob", 0),
    sent(1, 1),
    Acknowledged(1, 1),
    sent(2, 2),
    Acknowledged(2, 2),
]
BOB_HAS_BOTH: list[Happening] = [received("bob", 1, 1), received("bob", 2, 2), Ended("bob", 2)]
GOOD = BOTH_ARE_ACKNOWLEDGED + BOB_HAS_BOTH


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param([*GOOD, sent(3, 1), Acknowledged(3, 1)], id="repeated"),
        pytest.param([*GOOD, sent(3, 1, b"another")], id="other bytes refused"),
        pytest.param([*GOOD, sent(3, 3), Revoked("alice")], id="never answered"),
        pytest.param(
            [*GOOD, sent(3, 3), Revoked("alice"), Acknowledged(3, 3), received("bob", 3, 3)],
            id="on its way when the device was revoked",
        ),
        pytest.param([*GOOD, Began("bob again", 1), received("bob again", 2, 2)], id="reconnected"),
    ],
)
def test_a_good_history_has_no_violation(history: list[Happening]) -> None:
    assert violations(history) == set()


@pytest.mark.parametrize(
    ("violation", "history"),
    [
        pytest.param(
            Violation.LOST, [*GOOD, sent(3, 3), Acknowledged(3, 3)], id="it reached nobody"
        ),
        pytest.param(
            Violation.DUPLICATED, [*GOOD, received("bob", 3, 1)], id="a message has two places"
        ),
        pytest.param(
            Violation.DUPLICATED,
            [*GOOD, sent(3, 1), Acknowledged(3, 3)],
            id="a repetition was given another place",
        ),
        pytest.param(
            Violation.DUPLICATED, [*GOOD, received("bob", 2, 2)], id="a socket brings it twice"
        ),
        pytest.param(
            Violation.GAP,
            [*GOOD, Began("carol", 0), received("carol", 2, 2)],
            id="a position is left out",
        ),
        pytest.param(
            Violation.GAP,
            [*GOOD, Began("carol", 0), received("carol", 1, 1), Ended("carol", 2)],
            id="the end is left out",
        ),
        pytest.param(
            Violation.REORDERED,
            [*GOOD, Began("carol", 0), received("carol", 2, 2), received("carol", 1, 1)],
            id="the later one comes first",
        ),
        pytest.param(
            Violation.ALTERED,
            [*GOOD, sent(3, 1, b"another"), Began("carol", 0), received("carol", 1, 1, b"another")],
            id="two devices have different bytes",
        ),
        pytest.param(
            Violation.ALTERED,
            [*BOTH_ARE_ACKNOWLEDGED, received("bob", 1, 1, b"forged"), received("bob", 2, 2)],
            id="nobody sent these bytes",
        ),
        pytest.param(
            Violation.ALTERED,
            [*GOOD, sent(3, 1, b"another"), Acknowledged(3, 1)],
            id="other bytes are acknowledged than were stored",
        ),
        pytest.param(
            Violation.ACCEPTED_AFTER_REVOCATION,
            [*GOOD, Revoked("alice"), sent(3, 3), Acknowledged(3, 3), received("bob", 3, 3)],
            id="sent after the revocation",
        ),
        pytest.param(
            Violation.TWO_COMMITS,
            [
                Began("bob", 0),
                sent(1, 1),
                sent(2, 2),
                received("bob", 1, 1, commits_epoch=4),
                received("bob", 2, 2, commits_epoch=4),
            ],
            id="an epoch ends twice",
        ),
    ],
)
def test_each_violation_is_found(violation: Violation, history: list[Happening]) -> None:
    found = violations(history)

    assert violation in found
    # What comes out of order has left a gap before; nothing else is reported beside it.
    assert found <= {violation, Violation.GAP}


def test_every_kind_of_violation_has_an_example() -> None:
    marks = test_each_violation_is_found.pytestmark  # type: ignore[attr-defined]  # pytest's
    (parameters,) = marks
    assert {example.values[0] for example in parameters.args[1]} == set(Violation)
