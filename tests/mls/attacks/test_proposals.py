"""Attacks by proposals on their own, which wait until somebody commits them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.framing import ProposalContent, PublicMessage
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import (
    CommitSource,
    KeyPackageSource,
    LeafNode,
    LeafNodeContent,
    Lifetime,
    Place,
    UpdateSource,
)
from securechat_sdk.mls.messages.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)
from securechat_sdk.mls.messages.psks import ExternalPsk, ResumptionPsk, ResumptionUsage
from tests.mls.attacks.forge import Forger, flipped
from tests.mls.attacks.test_handshakes import JUDGING
from tests.mls.people import DAY, NOW, make_card
from tests.mls.scenarios.stage import Room, make_room, over_the_wire, refuses


@pytest.fixture(scope="module")
def three() -> Room:
    return make_room("alice", "bob", "mallory")


@pytest.fixture
def room(three: Room) -> Room:
    return three.copy()


def update(room: Room, *, place: Place | None = None, **changes: object) -> Update:
    """Mallory's honest Update, but for the changes."""
    group = room.groups["mallory"]
    old = group.tree.leaf(group.own_leaf)
    honest = {
        "encryption_key": group.suite.hpke.kem.generate_key_pair().public,
        "source": UpdateSource(),
    }
    fields = {**old.fields_of(LeafNodeContent), **honest, **changes}
    here = Place(group.group_id, group.own_leaf)
    content = LeafNodeContent(**fields)
    return Update(leaf_node=content.sign(group.suite, group.signature_key, place=place or here))


def spoiled(proposal: Update) -> Update:
    leaf = proposal.leaf_node
    return Update(leaf_node=replace(leaf, signature=flipped(leaf.signature)))


def old_leaf(room: Room) -> LeafNode:
    group = room.groups["mallory"]
    return group.tree.leaf(group.own_leaf)


def resumption(usage: ResumptionUsage) -> PreSharedKey:
    psk = ResumptionPsk(usage=usage, group_id=b"g", epoch=1, psk_nonce=bytes(32))
    return PreSharedKey(psk=psk)


_UNKNOWN = Extension(extension_type=0xFF77, extension_data=b"")
_BROKEN = Extension(extension_type=5, extension_data=b"\x05")
_BROKEN_REQUIREMENTS = Extension(extension_type=3, extension_data=b"\x05")
_LIFETIME = Lifetime(not_before=NOW, not_after=NOW + DAY)

ATTACKS: dict[str, tuple[Callable[[Room], Proposal], type[MLSError]]] = {
    "an update with a false signature": (
        lambda room: spoiled(update(room)),
        errors.LeafSignatureInvalid,
    ),
    "an update for another place": (
        lambda room: update(room, place=Place(room.groups["alice"].group_id, LeafIndex(0))),
        errors.LeafSignatureInvalid,
    ),
    "an update for another group": (
        lambda room: update(room, place=Place(b"elsewhere", room.leaf("mallory"))),
        errors.LeafSignatureInvalid,
    ),
    "an update made for a commit": (
        lambda room: update(room, source=CommitSource(parent_hash=b"")),
        errors.LeafSourceMismatch,
    ),
    "an update made for a key package": (
        lambda room: update(room, source=KeyPackageSource(lifetime=_LIFETIME)),
        errors.LeafSourceMismatch,
    ),
    "an update that keeps its key": (
        lambda room: update(room, encryption_key=old_leaf(room).encryption_key),
        errors.LeafKeyNotFresh,
    ),
    "an update with a key that is none": (
        lambda room: update(room, encryption_key=b"short"),
        errors.InvalidKey,
    ),
    "an update with a key of low order": (
        lambda room: update(room, encryption_key=bytes(32)),
        errors.InvalidKey,
    ),
    "an update with an extension it does not support": (
        lambda room: update(room, extensions=(_UNKNOWN,)),
        errors.LeafExtensionNotSupported,
    ),
    "an update under another name": (
        lambda room: update(room, credential=BasicCredential(identity=b"alice")),
        errors.CredentialRefused,
    ),
    "an expired key package": (
        lambda _room: Add(
            key_package=make_card(
                "newcomer", lifetime=Lifetime(not_before=NOW - 2 * DAY, not_after=NOW - DAY)
            ).package
        ),
        errors.LifetimeNotNow,
    ),
    "a removal of nobody": (
        lambda _room: Remove(removed=LeafIndex(3)),
        errors.BlankLeaf,
    ),
    "a short nonce of a shared key": (
        lambda _room: PreSharedKey(psk=ExternalPsk(psk_id=b"x", psk_nonce=b"short")),
        errors.PskNonceLength,
    ),
    "a key of a group that follows": (
        lambda _room: resumption(ResumptionUsage.BRANCH),
        errors.PskUsageNotAllowed,
    ),
    "an older version": (
        lambda _room: ReInit(group_id=b"n", version=0, cipher_suite=1, extensions=()),
        errors.ReInitVersionLower,
    ),
    "a new group with an extension twice": (
        lambda _room: ReInit(
            group_id=b"n", version=1, cipher_suite=1, extensions=(_UNKNOWN, _UNKNOWN)
        ),
        errors.DuplicateExtension,
    ),
    "an ExternalInit from inside": (
        lambda _room: ExternalInit(kem_output=bytes(32)),
        errors.ExternalInitNotAllowed,
    ),
    "requirements that cannot be read": (
        lambda _room: GroupContextExtensions(extensions=(_BROKEN_REQUIREMENTS,)),
        errors.DecodeError,
    ),
    "external senders that cannot be read": (
        lambda _room: GroupContextExtensions(extensions=(_BROKEN,)),
        errors.DecodeError,
    ),
}


@pytest.mark.parametrize(("attack", "error"), ATTACKS.values(), ids=ATTACKS.keys())
def test_members_and_server_refuse(
    room: Room, attack: Callable[[Room], Proposal], error: type[MLSError]
) -> None:
    message = Forger(room.groups["mallory"]).say(ProposalContent(proposal=attack(room)))

    refuses(room.groups["alice"], message, error, JUDGING)
    assert room.public is not None
    body = over_the_wire(message).body
    assert isinstance(body, PublicMessage)
    with pytest.raises(error):
        room.public.receive(body, JUDGING)


def test_the_honest_update_is_taken(room: Room) -> None:
    message = Forger(room.groups["mallory"]).say(ProposalContent(proposal=update(room)))

    room.everyone_hears(message, but="mallory")

    assert len(room.groups["alice"].public.proposals) == 1


def test_a_good_resumption_key_may_be_proposed(room: Room) -> None:
    proposal = resumption(ResumptionUsage.APPLICATION)

    message = Forger(room.groups["mallory"]).say(ProposalContent(proposal=proposal))

    room.everyone_hears(message, but="mallory")

    assert len(room.groups["bob"].public.proposals) == 1
