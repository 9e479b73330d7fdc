"""Late, repeated and misdirected messages meet the same answer in both engines."""

from collections.abc import Callable

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.messages import PRIVATE, PUBLIC, Framing, encrypt, propose_update
from securechat_sdk.mls.messages.mls_message import MLSMessage
from tests.mls.peers.browser import BrowserEngine, code_of, hears
from tests.mls.people import NOW
from tests.mls.scenarios.stage import (
    POLICY,
    Room,
    key_package_of,
    make_room,
    over_the_wire,
    refuses,
)


@pytest.fixture
def room() -> Room:
    return make_room("alice", "bob", "carol")


def of_bob(room: Room) -> Group:
    return room.groups["bob"]


def of_another_group(room: Room) -> Group:
    return create_group(key_package_of("erin"), b"another group", POLICY)


def of_carol(room: Room) -> Group:
    return room.groups["carol"]


MISDIRECTED: dict[str, tuple[Callable[[Room], Group], type[MLSError] | None]] = {
    "from another member": (of_bob, None),
    "from another group": (of_another_group, errors.WrongGroup),
    "from itself": (of_carol, errors.OwnMessage),
}


@pytest.mark.parametrize("framing", [PUBLIC, PRIVATE], ids=["public", "private"])
@pytest.mark.parametrize(("speaker", "error"), MISDIRECTED.values(), ids=[*MISDIRECTED.keys()])
def test_a_proposal_is_for_others_of_this_group(
    engine: BrowserEngine,
    room: Room,
    framing: Framing,
    speaker: Callable[[Room], Group],
    error: type[MLSError] | None,
) -> None:
    message = propose_update(speaker(room), POLICY, framing=framing).message
    carol = room.groups["carol"]

    code = hears(engine, carol, message, now=NOW)

    if error is None:
        assert code == "accepted"
        room.hear("carol", message)
    else:
        assert code == error.code
        refuses(carol, message, error)


@pytest.mark.parametrize("framing", [PUBLIC, PRIVATE], ids=["public", "private"])
def test_a_proposal_of_the_last_epoch_is_late(
    engine: BrowserEngine, room: Room, framing: Framing
) -> None:
    late = propose_update(room.groups["bob"], POLICY, framing=framing).message
    assert hears(engine, room.groups["carol"], late, now=NOW) == "accepted"

    room.commit("alice")

    assert hears(engine, room.groups["carol"], late, now=NOW) == errors.WrongEpoch.code
    refuses(room.groups["carol"], late, errors.WrongEpoch)


def test_a_late_message_opens_once(engine: BrowserEngine, room: Room) -> None:
    room.commit("alice")
    late = encrypt(room.groups["bob"], b"late").message
    room.commit("alice")

    assert hears(engine, room.groups["carol"], late, now=NOW) == "accepted"

    data = late.encode().hex()
    again = code_of(engine, "target", "process", message=data, now=NOW)
    assert again == errors.KeyAlreadyUsed.code
    room.hear("carol", late)
    refuses(room.groups["carol"], late, errors.KeyAlreadyUsed)


def test_what_is_not_said_to_a_group_is_not_taken_in(engine: BrowserEngine, room: Room) -> None:
    package = over_the_wire(MLSMessage.of(key_package_of("dave").package))

    assert hears(engine, room.groups["carol"], package, now=NOW) == errors.SenderNotAllowed.code
    refuses(room.groups["carol"], package, errors.SenderNotAllowed)
