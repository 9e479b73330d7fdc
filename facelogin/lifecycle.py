"""The life of a capture: its states, what may follow each, and why one is refused."""

from enum import StrEnum

MIN_FRAMES = 30
MAX_FRAMES = 40
MAX_BYTES = 2 * 1024 * 1024 - 64 * 1024  # the rest of 2 MiB is for the form around them


class State(StrEnum):
    OPEN = "open"  # waits for the frames
    QUEUED = "queued"  # waits for the worker
    RUNNING = "running"  # is being judged
    PASSED = "passed"  # may be completed, once
    REFUSED = "refused"
    EXPIRED = "expired"


FOLLOWS: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.QUEUED, State.EXPIRED}),
    State.QUEUED: frozenset({State.RUNNING, State.REFUSED}),
    State.RUNNING: frozenset({State.PASSED, State.REFUSED}),
    State.PASSED: frozenset({State.EXPIRED}),
    State.REFUSED: frozenset(),
    State.EXPIRED: frozenset(),
}

# What a capture becomes when its time is over; the others stay what they are.
WHEN_OVERDUE: dict[State, State] = {
    State.OPEN: State.EXPIRED,
    State.QUEUED: State.REFUSED,
    State.RUNNING: State.REFUSED,
    State.PASSED: State.EXPIRED,
}


class Purpose(StrEnum):
    ENROLMENT = "enrolment"
    VERIFICATION = "verification"


class Reason(StrEnum):
    """Why a capture was refused: said to the person, and never how nearly."""

    NO_FACE = "no_face"
    MANY_FACES = "many_faces"
    TOO_FAR = "too_far"
    TOO_CLOSE = "too_close"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    NOT_FRONTAL = "not_frontal"
    TOO_ALIKE = "too_alike"
    STEPS_NOT_FOLLOWED = "steps_not_followed"
    NOT_A_HEAD = "not_a_head"
    TURNED_TOO_FAST = "turned_too_fast"
    INTERRUPTED = "interrupted"
    REPEATED = "repeated"
    NOT_RECOGNISED = "not_recognised"
    BAD_FRAME = "bad_frame"
    TIME_OUT = "time_out"
    FAILED = "failed"


# The face was compared, or what came was not a head that follows the challenge: these spend a try.
# The others say that the camera or the server did not do its part, and teach an impostor nothing.
SPENDS_A_TRY = frozenset(
    {
        Reason.NOT_RECOGNISED,
        Reason.STEPS_NOT_FOLLOWED,
        Reason.NOT_A_HEAD,
        Reason.INTERRUPTED,
        Reason.REPEATED,
    }
)

# Whoever turned too fast may have shown pictures: the owner hears of it, unless this login ends
# well. It spends no try, for nothing was compared, and people who are in a hurry do it too.
TELLS_THE_OWNER = SPENDS_A_TRY | {Reason.TURNED_TOO_FAST}
