"""What outsiders say to a group meets the same answer in both engines, of members and servers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.messages import LeafChanges, new_leaf
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.group.process import process
from securechat_sdk.mls.group.storage import save
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.framing import (
    NewMemberCommit,
    NewMemberProposal,
    PublicMessage,
    Sender,
)
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import UpdateSource
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import (
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)
from securechat_sdk.mls.messages.psks import ExternalPsk
from securechat_sdk.mls.public_group.outside import propose_as_external_sender, propose_self
from securechat_sdk.mls.public_group.storage import save_public_group
from tests.mls.peers.browser import BrowserEngine, Refusal
from tests.mls.people import NOW
from tests.mls.scenarios.stage import POLICY, Room, key_package_of, make_room
from tests.mls.scenarios.test_outside import SERVER, SERVER_KEY, SUITE

ACCEPTED = "accepted"


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("alice", "bob", "carol", extensions=(SERVER,))


def server_says(room: Room, proposal: Proposal, number: int = 0) -> MLSMessage:
    return propose_as_external_sender(room.groups["alice"].context, number, SERVER_KEY, proposal)


def with_sender(message: MLSMessage, sender: Sender) -> MLSMessage:
    """The same words from another kind of sender; such a message has no membership tag."""
    assert isinstance(message.body, PublicMessage)
    content = replace(message.body.content, sender=sender)
    return MLSMessage.of(replace(message.body, content=content, membership_tag=None))


def update(room: Room) -> Update:
    return Update(leaf_node=new_leaf(room.groups["bob"], LeafChanges(), UpdateSource()).node)


def itself(room: Room) -> MLSMessage:
    own = key_package_of("phone")
    return propose_self(room.groups["alice"].context, own.package, own.signature_key)


def somebody_else(room: Room) -> MLSMessage:
    own, other = key_package_of("phone"), key_package_of("accomplice")
    return propose_self(room.groups["alice"].context, other.package, own.signature_key)


def with_another_key(room: Room) -> MLSMessage:
    context, other = room.groups["alice"].context, SUITE.signature.generate()
    return propose_as_external_sender(context, 0, other, room.remove("bob"))


def enters(room: Room) -> MLSMessage:
    info = room.groups["alice"].group_info(with_tree=True)
    return join_from_outside(info, key_package_of("dave"), POLICY).message


def enters_again(room: Room) -> MLSMessage:
    """In the place of an old self."""
    info, leaf = room.groups["alice"].group_info(with_tree=True), room.leaf("bob")
    return join_from_outside(info, key_package_of("bob"), POLICY, replaces=leaf).message


def enters_without_path(room: Room) -> MLSMessage:
    message = enters(room)
    assert isinstance(message.body, PublicMessage)
    said = message.body.content.content
    assert isinstance(said, Commit)
    content = replace(message.body.content, content=replace(said, path=None))
    return MLSMessage.of(replace(message.body, content=content))


_REINIT = ReInit(group_id=b"new", version=1, cipher_suite=3, extensions=())
_PSK = PreSharedKey(psk=ExternalPsk(psk_id=b"known to some", psk_nonce=bytes(32)))

SAYINGS: dict[str, tuple[Callable[[Room], MLSMessage], str]] = {
    "a removal": (lambda room: server_says(room, room.remove("bob")), ACCEPTED),
    "an addition": (lambda room: server_says(room, room.invite("dave")), ACCEPTED),
    "a new beginning": (lambda room: server_says(room, _REINIT), ACCEPTED),
    "a key": (lambda room: server_says(room, _PSK), ACCEPTED),
    "other extensions": (
        lambda room: server_says(room, GroupContextExtensions(extensions=(SERVER,))),
        ACCEPTED,
    ),
    "the update of a member": (
        lambda room: server_says(room, update(room)),
        errors.SenderNotAllowed.code,
    ),
    "an external init": (
        lambda room: server_says(room, ExternalInit(kem_output=b"x")),
        errors.SenderNotAllowed.code,
    ),
    "the removal of nobody": (
        lambda room: server_says(room, Remove(removed=LeafIndex(99))),
        errors.BlankLeaf.code,
    ),
    "a number that is not listed": (
        lambda room: server_says(room, room.remove("bob"), 1),
        errors.ExternalSenderUnknown.code,
    ),
    "another key": (with_another_key, errors.MessageSignatureInvalid.code),
    "a device itself": (itself, ACCEPTED),
    "a device somebody else": (somebody_else, errors.MessageSignatureInvalid.code),
    "a newcomer a removal": (
        lambda room: with_sender(server_says(room, room.remove("bob")), NewMemberProposal()),
        errors.SenderNotAllowed.code,
    ),
    "a newcomer's commit without a commit": (
        lambda room: with_sender(itself(room), NewMemberCommit()),
        errors.SenderNotAllowed.code,
    ),
    "a newcomer's proposal that is a commit": (
        lambda room: with_sender(enters(room), NewMemberProposal()),
        errors.SenderNotAllowed.code,
    ),
    "a server's commit": (
        lambda room: with_sender(
            enters(room),
            server_says(room, _REINIT).body.content.sender,  # type: ignore[union-attr]  # public
        ),
        errors.SenderNotAllowed.code,
    ),
    "a newcomer's commit": (enters, ACCEPTED),
    "a commit in the place of an old self": (enters_again, ACCEPTED),
    "a newcomer's commit without a path": (enters_without_path, errors.SenderNotAllowed.code),
}


def code_there(engine: BrowserEngine, client: str, operation: str, **parts: bytes) -> str:
    arguments = {name: data.hex() for name, data in parts.items()}
    try:
        engine.ask(client, operation, **arguments, now=NOW)
    except Refusal as refusal:
        return refusal.code
    return ACCEPTED


def code_here(operation: Callable[[], object]) -> str:
    try:
        operation()
    except MLSError as refusal:
        return refusal.code
    return ACCEPTED


@pytest.mark.parametrize(("saying", "code"), SAYINGS.values(), ids=SAYINGS.keys())
def test_an_outsider_says(
    engine: BrowserEngine, room: Room, saying: Callable[[Room], MLSMessage], code: str
) -> None:
    message, alice, public = saying(room), room.groups["alice"], room.public
    assert public is not None
    assert isinstance(message.body, PublicMessage)
    body, data, saved = message.body, message.encode(), save(alice)
    engine.ask("alice", "load", secret=saved.secret.hex(), public=saved.public.hex())

    assert code_here(lambda: process(alice, message, POLICY)) == code
    assert code_here(lambda: public.receive(body, POLICY)) == code
    assert code_there(engine, "alice", "process", message=data) == code
    group = save_public_group(public)
    assert code_there(engine, "server", "receive", group=group, message=data) == code
