"""Attacks on encrypted messages, by the server and by members."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.messages import (
    PRIVATE,
    Framing,
    encrypt,
    propose_update,
    sign,
)
from securechat_sdk.mls.group.process import ApplicationMessage, process
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    AuthenticatedContent,
    ContentType,
    Member,
    NewMemberProposal,
    PrivateMessage,
    SenderData,
)
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.schedule import private_messages
from securechat_sdk.mls.schedule.private_messages import sender_data_key
from securechat_sdk.mls.schedule.secret_tree import RatchetKind
from tests.mls.attacks.forge import flipped
from tests.mls.scenarios.stage import POLICY, Room, make_room, over_the_wire, refuses


@pytest.fixture(scope="module")
def four() -> Room:
    room = make_room("alice", "bob", "mallory", "zoe", "yan")
    room.commit("alice", [room.remove("zoe")])
    return room


@pytest.fixture
def room(four: Room) -> Room:
    return four.copy()


def honest(room: Room) -> PrivateMessage:
    body = encrypt(room.groups["mallory"], b"hello", authenticated_data=b"bound").message.body
    assert isinstance(body, PrivateMessage)
    return body


def signed(room: Room, data: bytes = b"hello") -> AuthenticatedContent:
    return sign(room.groups["mallory"], ApplicationData(data=data), PRIVATE)


def sealed(room: Room, content: AuthenticatedContent, *, tail: bytes = b"") -> PrivateMessage:
    """Encrypted as the others do it, with whatever stands where the padding should be."""
    group = room.groups["mallory"]
    secret = group.secrets.sender_data_secret
    if not tail:
        return private_messages.encrypt(group.keys, secret, content).message
    kind, leaf = RatchetKind.APPLICATION, group.own_leaf
    key, _rest = group.keys.next_key(leaf, kind)
    empty = PrivateMessage(
        group_id=group.group_id,
        epoch=group.epoch,
        content_type=ContentType.APPLICATION,
        authenticated_data=content.content.authenticated_data,
        encrypted_sender_data=b"",
        ciphertext=b"",
    )
    plaintext = content.content.content.encode() + content.auth.encode() + tail
    ciphertext = group.suite.aead.seal(key.key, key.nonce, empty.content_aad, plaintext)
    return with_sender(room, replace(empty, ciphertext=ciphertext), leaf, key.generation)


def with_sender(room: Room, message: PrivateMessage, leaf: int, generation: int) -> PrivateMessage:
    """The same ciphertext under sender data that a member made up."""
    group = room.groups["mallory"]
    sender = SenderData(leaf_index=LeafIndex(leaf), generation=generation, reuse_guard=bytes(4))
    outer = sender_data_key(group.suite, group.secrets.sender_data_secret, message.ciphertext)
    aad = message.sender_data_aad
    data = group.suite.aead.seal(outer.key, outer.nonce, aad, sender.encode())
    return replace(message, encrypted_sender_data=data)


def forged_signature(room: Room) -> PrivateMessage:
    content = signed(room)
    auth = replace(content.auth, signature=flipped(content.auth.signature))
    return sealed(room, replace(content, auth=auth))


def other_wire_format(room: Room) -> PrivateMessage:
    group = room.groups["mallory"]
    content = sign(group, ApplicationData(data=b"hello"), Framing())
    return sealed(room, content)


Attack = tuple[Callable[[Room], PrivateMessage], type[MLSError]]

ATTACKS: dict[str, Attack] = {
    "a spoiled ciphertext": (
        lambda room: replace(honest(room), ciphertext=flipped(honest(room).ciphertext)),
        errors.DecryptionFailed,
    ),
    "a ciphertext that is cut off": (
        lambda room: replace(honest(room), ciphertext=b""),
        errors.DecryptionFailed,
    ),
    "spoiled sender data": (
        lambda room: replace(honest(room), encrypted_sender_data=bytes(30)),
        errors.DecryptionFailed,
    ),
    "the sender data of another message": (
        lambda room: replace(
            honest(room), encrypted_sender_data=honest(room).encrypted_sender_data
        ),
        errors.DecryptionFailed,
    ),
    "other authenticated data": (
        lambda room: replace(honest(room), authenticated_data=b"another place"),
        errors.DecryptionFailed,
    ),
    "another content type": (
        lambda room: replace(honest(room), content_type=ContentType.PROPOSAL),
        errors.DecryptionFailed,
    ),
    "another group": (
        lambda room: replace(honest(room), group_id=b"elsewhere"),
        errors.WrongGroup,
    ),
    "an epoch before everyone's time": (
        lambda room: replace(honest(room), epoch=2**64 - 1),
        errors.WrongEpoch,
    ),
    "a handshake of another epoch": (
        lambda room: replace(honest(room), epoch=0, content_type=ContentType.COMMIT),
        errors.WrongEpoch,
    ),
    "another member's name": (
        lambda room: with_sender(room, honest(room), room.leaf("alice"), 0),
        errors.DecryptionFailed,
    ),
    "a removed member's name": (
        lambda room: with_sender(room, honest(room), 3, 0),
        errors.BlankLeaf,
    ),
    "a name beyond the tree": (
        lambda room: with_sender(room, honest(room), 2**32 - 1, 0),
        errors.BlankLeaf,
    ),
    "the receiver's own name": (
        lambda room: with_sender(room, honest(room), room.leaf("bob"), 0),
        errors.OwnMessage,
    ),
    "a generation that is not its own": (
        lambda room: with_sender(room, honest(room), room.leaf("mallory"), 1),
        errors.DecryptionFailed,
    ),
    "a generation too far ahead": (
        lambda room: with_sender(room, honest(room), room.leaf("mallory"), 2**32 - 1),
        errors.GenerationTooFar,
    ),
    "a false signature": (forged_signature, errors.MessageSignatureInvalid),
    "a signature for a public message": (other_wire_format, errors.MessageSignatureInvalid),
    "padding that says something": (
        lambda room: sealed(room, signed(room), tail=b"\x00\x00\x01\x00"),
        errors.PaddingNotZero,
    ),
}


@pytest.mark.parametrize(("attack", "error"), ATTACKS.values(), ids=ATTACKS.keys())
def test_the_message_is_refused_and_no_key_is_used_up(
    room: Room, attack: Callable[[Room], PrivateMessage], error: type[MLSError]
) -> None:
    refuses(room.groups["bob"], MLSMessage.of(attack(room)), error)

    heard = process(room.groups["bob"], over_the_wire(MLSMessage.of(honest(room))), POLICY)
    assert isinstance(heard, ApplicationMessage)
    assert heard.data == b"hello"


def test_what_the_forger_seals_honestly_opens(room: Room) -> None:
    for message in (sealed(room, signed(room)), sealed(room, signed(room), tail=bytes(5))):
        heard = process(room.groups["bob"], MLSMessage.of(message), POLICY)
        assert isinstance(heard, ApplicationMessage)
        assert heard.sender == room.leaf("mallory")


def test_an_outsiders_words_are_never_encrypted(room: Room) -> None:
    content = signed(room)
    outside = replace(content, content=replace(content.content, sender=NewMemberProposal()))

    with pytest.raises(errors.SenderNotMember):
        sealed(room, outside)
    assert isinstance(content.content.sender, Member)


def test_a_key_package_is_not_a_message_to_a_group(room: Room) -> None:
    card = room.invite("newcomer").key_package

    refuses(room.groups["bob"], MLSMessage.of(card), errors.SenderNotAllowed)


def test_the_update_of_another_is_not_repeated_in_ones_own_name(room: Room) -> None:
    """Replaying a private proposal does nothing: its key is gone."""
    sent = propose_update(room.groups["mallory"], POLICY, framing=PRIVATE)
    room.hear("bob", sent.message)

    refuses(room.groups["bob"], sent.message, errors.KeyAlreadyUsed)
