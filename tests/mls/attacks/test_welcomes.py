"""Attacks on those who enter: by the server with the tree, by the inviter with the rest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.messages.credentials import Claim, X509Credential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.group_info import GroupInfoContent
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import LeafNode, UpdateSource
from securechat_sdk.mls.messages.psks import ExternalPsk, ResumptionPsk, ResumptionUsage
from securechat_sdk.mls.messages.ratchet_tree import ParentNode, RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import (
    PathSecret,
)
from securechat_sdk.mls.public_group.public_group import PublicGroup
from tests.mls.attacks.forge import flipped
from tests.mls.attacks.inviting import Invitation, aged
from tests.mls.people import make_card
from tests.mls.scenarios.stage import POLICY, a_secret, key_package_of, make_room
from tests.mls.scenarios.test_successors import BY_NAME


@pytest.fixture(scope="module")
def sealed_invitation() -> Invitation:
    """A seat in a tree with keys on most nodes and an unmerged leaf."""
    names = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")
    room = make_room(*names, one_by_one=True)
    for name in names:
        room.commit(name)
    room.commit("bob", [room.remove("carol"), room.invite("carla")])
    room.commit("alice", [room.invite("heidi")], path=False)
    return Invitation.to(room, "ivan")


@pytest.fixture
def invitation(sealed_invitation: Invitation) -> Invitation:
    return replace(sealed_invitation)


@pytest.fixture
def pathless() -> Invitation:
    """A seat beside another newcomer's, with no parent hash over either."""
    room = make_room("alice", "bob")
    return Invitation.to(room, "ivan", room.invite("judy"), path=False)


@pytest.fixture
def first() -> Invitation:
    """Into the first epoch of a group, where it may continue another."""
    return Invitation.to(make_room("alice"), "ivan")


ROOT = 3


@pytest.fixture
def unmerged() -> Invitation:
    """A seat unmerged at the root, which carol made from the same side."""
    room = make_room("alice", "bob", "carol")
    room.commit("carol")
    return Invitation.to(room, "ivan", path=False)


def _parents(invitation: Invitation) -> list[tuple[int, ParentNode]]:
    return [
        (index, node) for index, node in enumerate(invitation.nodes) if isinstance(node, ParentNode)
    ]


def _unmerged_parent(invitation: Invitation) -> tuple[int, ParentNode]:
    return next(pair for pair in _parents(invitation) if pair[1].unmerged_leaves)


def _copied_signature_key(invitation: Invitation) -> None:
    card = key_package_of("double").package.leaf_node
    invitation.with_tree((*invitation.nodes, None, *_twice(card)))


def _twice(leaf: LeafNode) -> tuple[Any, ...]:
    return (leaf, None, leaf)


def _copied_encryption_key(invitation: Invitation) -> None:
    (first, one), (_second, other), *_rest = _parents(invitation)
    invitation.with_node(first, replace(one, encryption_key=other.encryption_key))


def _unmerged(change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Callable[[Invitation], None]:
    def bend(invitation: Invitation) -> None:
        index, node = _unmerged_parent(invitation)
        leaves = change(node.unmerged_leaves)
        invitation.with_node(index, replace(node, unmerged_leaves=leaves))

    return bend


def _forgotten_between(invitation: Invitation) -> None:
    """Unmerged at a node and merged below: that cannot have happened."""
    node = invitation.nodes[7]
    assert isinstance(node, ParentNode)
    invitation.with_node(7, replace(node, unmerged_leaves=(LeafIndex(0),)))


def _blank_unmerged(invitation: Invitation) -> None:
    """Below the root of sixteen, and nobody."""
    node = invitation.nodes[15]
    assert isinstance(node, ParentNode)
    invitation.with_node(15, replace(node, unmerged_leaves=(LeafIndex(9),)))


def _parent_hash(invitation: Invitation) -> None:
    index, node = _parents(invitation)[0]
    invitation.with_node(index, replace(node, parent_hash=bytes(32)))


def _foreign_parent(invitation: Invitation) -> None:
    index, node = _parents(invitation)[0]
    key = key_package_of("mallory").package.init_key
    invitation.with_node(index, replace(node, encryption_key=key))


def _leaf_for_parent(invitation: Invitation) -> None:
    index, _node = _parents(invitation)[0]
    invitation.with_node(index, invitation.nodes[0])


def _parent_for_leaf(invitation: Invitation) -> None:
    _index, node = _parents(invitation)[0]
    invitation.with_node(0, node)


def _other_tree(invitation: Invitation) -> None:
    info = invitation.info
    _parent_hash(invitation)
    invitation.info = info


def _own_signer(invitation: Invitation) -> None:
    """The inviter claims to be the new member and signs with the new member's name."""
    seat = next(
        index // 2
        for index, node in enumerate(invitation.nodes)
        if node == invitation.own.package.leaf_node
    )
    content = {**invitation.info.fields_of(GroupInfoContent), "signer": LeafIndex(seat)}
    invitation.info = GroupInfoContent(**content).sign(
        invitation.suite, invitation.own.signature_key
    )


def _spoil_signature(invitation: Invitation) -> None:
    info = invitation.info
    invitation.info = replace(info, signature=flipped(info.signature))


_NONCE = bytes(32)
_SHORT = ExternalPsk(psk_id=b"x", psk_nonce=b"short")
_KEY = ExternalPsk(psk_id=b"x", psk_nonce=_NONCE)


def _successor(usage: ResumptionUsage, epoch: int = 1) -> ResumptionPsk:
    return ResumptionPsk(usage=usage, group_id=b"old", epoch=epoch, psk_nonce=_NONCE)


# Of an epoch of which the parent has no key, so that the invitation's own is used.
_BRANCH = _successor(ResumptionUsage.BRANCH, epoch=99)
_UNSUPPORTED = Extension(extension_type=0xFF01, extension_data=b"")
_SMALL = Extension(extension_type=1, extension_data=b"")

Attack = tuple[Callable[[Invitation], None], type[MLSError]]

ATTACKS: dict[str, Attack] = {
    "a GroupInfo with a false signature": (_spoil_signature, errors.GroupInfoSignatureInvalid),
    "a GroupInfo signed by another than it says": (
        lambda i: i.with_info(signer=LeafIndex(1)),
        errors.GroupInfoSignatureInvalid,
    ),
    "a GroupInfo signed by nobody": (
        lambda i: i.with_info(signer=LeafIndex(2**31)),
        errors.BlankLeaf,
    ),
    "a false confirmation tag": (
        lambda i: i.with_info(confirmation_tag=bytes(32)),
        errors.ConfirmationTagMismatch,
    ),
    "a shortened confirmation tag": (
        lambda i: i.with_info(confirmation_tag=i.info.confirmation_tag[:31]),
        errors.ConfirmationTagMismatch,
    ),
    "another tree than the one named": (_other_tree, errors.TreeHashMismatch),
    "another version": (lambda i: i.with_context(version=2), errors.UnsupportedVersion),
    "another suite in the GroupInfo": (
        lambda i: i.with_context(cipher_suite=3),
        errors.WelcomeSuiteMismatch,
    ),
    "an extension that nobody supports": (
        lambda i: i.with_context(extensions=(_UNSUPPORTED,)),
        errors.GroupExtensionNotSupported,
    ),
    "an extension of the GroupInfo twice": (
        lambda i: i.with_info(extensions=(*i.info.extensions, i.info.extensions[-1])),
        errors.DuplicateExtension,
    ),
    "an extension twice": (
        lambda i: i.with_context(extensions=(_SMALL, _SMALL)),
        errors.DuplicateExtension,
    ),
    "a tree that ends with a blank": (
        lambda i: i.with_tree((*i.nodes, None)),
        errors.MalformedTree,
    ),
    "an empty tree": (lambda i: i.with_tree(()), errors.MalformedTree),
    "a leaf in a parent's place": (_leaf_for_parent, errors.MalformedTree),
    "a parent in a leaf's place": (_parent_for_leaf, errors.MalformedTree),
    "a signature key twice": (_copied_signature_key, errors.SignatureKeyReused),
    "an encryption key twice": (_copied_encryption_key, errors.EncryptionKeyReused),
    "unmerged leaves out of order": (
        _unmerged(lambda leaves: (*leaves, 4)),
        errors.UnmergedLeavesInvalid,
    ),
    "an unmerged leaf twice": (
        _unmerged(lambda leaves: (*leaves, leaves[-1])),
        errors.UnmergedLeavesInvalid,
    ),
    "an unmerged leaf that is elsewhere": (
        _unmerged(lambda leaves: (*leaves, 2**31)),
        errors.UnmergedLeavesInvalid,
    ),
    "an unmerged leaf on the other side": (
        _unmerged(lambda leaves: (0, *leaves)),
        errors.UnmergedLeavesInvalid,
    ),
    "an unmerged leaf that is blank": (_blank_unmerged, errors.UnmergedLeavesInvalid),
    "an unmerged leaf that is merged below": (_forgotten_between, errors.UnmergedLeavesInvalid),
    "a false parent hash": (_parent_hash, errors.ParentHashInvalid),
    "a node with a stranger's key": (_foreign_parent, errors.ParentHashInvalid),
    "a path secret that leads elsewhere": (
        lambda i: i.with_secrets(path_secret=PathSecret(path_secret=a_secret())),
        errors.PathKeyMismatch,
    ),
    "a path secret from oneself": (_own_signer, errors.NotARecipient),
    "a short nonce of a shared key": (
        lambda i: i.with_secrets(psks=(_SHORT,)),
        errors.PskNonceLength,
    ),
    "a shared key twice": (lambda i: i.with_secrets(psks=(_KEY, _KEY)), errors.PskTwice),
    "two groups that this one continues": (
        lambda i: i.with_secrets(
            psks=(_successor(ResumptionUsage.REINIT), _successor(ResumptionUsage.BRANCH))
        ),
        errors.SeveralParents,
    ),
    "an unknown group that this one continues": (
        lambda i: i.with_secrets(psks=(_successor(ResumptionUsage.BRANCH),)),
        errors.ParentMismatch,
    ),
}


def test_an_unbent_invitation_is_good(invitation: Invitation) -> None:
    group = invitation.accept()

    assert group.epoch_authenticator == invitation.inviter.epoch_authenticator


def test_an_invitation_closed_again_is_good(invitation: Invitation) -> None:
    invitation.with_tree(invitation.nodes)
    invitation.with_secrets(psks=(_KEY,))

    assert invitation.accept().own_leaf > 0


@pytest.mark.parametrize(("bend", "error"), ATTACKS.values(), ids=ATTACKS.keys())
def test_nobody_enters_with(
    invitation: Invitation, bend: Callable[[Invitation], None], error: type[MLSError]
) -> None:
    bend(invitation)

    with pytest.raises(error) as refusal:
        invitation.accept()

    assert type(refusal.value) is error


def test_no_parent_node_anywhere_may_have_a_strangers_key(invitation: Invitation) -> None:
    parents = _parents(invitation)
    key = key_package_of("mallory").package.init_key

    for index, node in parents:
        bent = replace(invitation)
        bent.with_node(index, replace(node, encryption_key=key))
        with pytest.raises(errors.ParentHashInvalid):
            bent.accept()
    assert len(parents) > 5


JUDY = 6


def test_nobody_enters_a_tree_without_a_seat(pathless: Invitation) -> None:
    assert pathless.accept().own_leaf == 2

    pathless.with_node(4, key_package_of("other").package.leaf_node)

    with pytest.raises(errors.OwnLeafMissing):
        pathless.accept()


FALSE_LEAVES: dict[str, tuple[dict[str, Any], type[MLSError]]] = {
    "signature": ({"signature": bytes(64)}, errors.LeafSignatureInvalid),
    "key": ({"encryption_key": b"short"}, errors.LeafSignatureInvalid),
    "source": ({"source": UpdateSource()}, errors.LeafSignatureInvalid),
}


@pytest.mark.parametrize(("changes", "error"), FALSE_LEAVES.values(), ids=FALSE_LEAVES.keys())
def test_nobody_enters_beside_a_leaf_with_a_false(
    pathless: Invitation, changes: dict[str, Any], error: type[MLSError]
) -> None:
    pathless.with_node(JUDY, replace(pathless.nodes[JUDY], **changes))

    with pytest.raises(error):
        pathless.accept()


BAD_MEMBERS: dict[str, tuple[dict[str, Any], type[MLSError]]] = {
    "key": ({"encryption_key": b"short"}, errors.InvalidKey),
    "key of low order": ({"encryption_key": bytes(32)}, errors.InvalidKey),
    "unsupported extension": ({"extensions": (_UNSUPPORTED,)}, errors.LeafExtensionNotSupported),
    "extension twice": ({"extensions": (_SMALL, _SMALL)}, errors.DuplicateExtension),
    "credential type": (
        {"credential": X509Credential(certificates=())},
        errors.CredentialTypeNotShared,
    ),
}


@pytest.mark.parametrize(("changes", "error"), BAD_MEMBERS.values(), ids=BAD_MEMBERS.keys())
def test_nobody_enters_beside_a_member_with_a_bad(
    pathless: Invitation, changes: dict[str, Any], error: type[MLSError]
) -> None:
    card = make_card("judy")
    pathless.with_node(JUDY, card.package.leaf_node)
    pathless.accept()

    pathless.with_node(JUDY, card.with_leaf(**changes).leaf_node)

    with pytest.raises(error):
        pathless.accept()


def test_no_node_may_forget_that_a_member_does_not_know_its_key(unmerged: Invitation) -> None:
    """It would be left out of what is sealed to that node, and nothing else shows it."""
    unmerged.accept()

    forget_the_unmerged(unmerged)

    with pytest.raises(errors.ParentHashInvalid):
        unmerged.accept()


def forget_the_unmerged(invitation: Invitation) -> None:
    node = invitation.nodes[ROOT]
    assert isinstance(node, ParentNode)
    assert node.unmerged_leaves
    invitation.with_node(ROOT, replace(node, unmerged_leaves=()))


Succession = Callable[[Invitation], Group | None]


def _continues(psk: ResumptionPsk, parent: Succession) -> Succession:
    """The invitation names that group's key; the newcomer knows this group, or none."""

    def bend(invitation: Invitation) -> Group | None:
        invitation.with_secrets(psks=(psk,))
        return parent(invitation)

    return bend


def _continues_nothing(invitation: Invitation) -> None:
    """Keys of an application's, and of the last epoch of whatever group, are no lineage."""
    external = ExternalPsk(psk_id=b"shared by voice", psk_nonce=bytes(32))
    invitation.with_secrets(psks=(external, _successor(ResumptionUsage.APPLICATION)))


def _old(*names: str, suite: int = 1) -> Group:
    return aged(make_room(*names, suite=suite).groups[names[0]])


def _reopened(invitation: Invitation, old: Group) -> Group:
    return replace(old, public=replace(old.public, reinit=invitation.announced()))


_REINIT = _successor(ResumptionUsage.REINIT)
_EARLIER = _successor(ResumptionUsage.REINIT, epoch=0)

SUCCESSIONS: dict[str, tuple[Succession, type[MLSError] | None]] = {
    "a branch of all": (_continues(_BRANCH, lambda i: i.parent()), None),
    "a branch of some": (_continues(_BRANCH, lambda _i: _old("alice", "bob", "ivan")), None),
    "a branch of another group": (
        _continues(_BRANCH, lambda i: i.parent(b"another")),
        errors.ParentMismatch,
    ),
    "a branch of an unknown group": (_continues(_BRANCH, lambda _i: None), errors.ParentMismatch),
    "a branch of another suite": (
        _continues(_BRANCH, lambda _i: _old("alice", "ivan", suite=3)),
        errors.ParentMismatch,
    ),
    "a branch with a stranger": (
        _continues(_BRANCH, lambda _i: _old("bob", "ivan")),
        errors.ParentMismatch,
    ),
    "keys that continue nothing": (_continues_nothing, None),
    "what was announced": (
        _continues(_REINIT, lambda i: i.parent(reinit=i.announced())),
        None,
    ),
    "what was announced, with more people": (
        _continues(_EARLIER, lambda i: _reopened(i, _old("alice"))),
        None,
    ),
    "what was announced, without somebody": (
        _continues(_REINIT, lambda i: _reopened(i, _old("alice", "bob", "ivan"))),
        errors.ParentMismatch,
    ),
    "what nobody announced": (
        _continues(_REINIT, lambda i: i.parent()),
        errors.ParentMismatch,
    ),
    "another group than announced": (
        _continues(_REINIT, lambda i: i.parent(reinit=i.announced(group_id=b"elsewhere"))),
        errors.ParentMismatch,
    ),
    "another version than announced": (
        _continues(_REINIT, lambda i: i.parent(reinit=i.announced(version=2))),
        errors.ParentMismatch,
    ),
    "another suite than announced": (
        _continues(_REINIT, lambda i: i.parent(reinit=i.announced(cipher_suite=3))),
        errors.ParentMismatch,
    ),
    "other extensions than announced": (
        _continues(_REINIT, lambda i: i.parent(reinit=i.announced(extensions=(_SMALL,)))),
        errors.ParentMismatch,
    ),
    "what follows an earlier epoch": (
        _continues(_EARLIER, lambda i: i.parent(reinit=i.announced())),
        errors.ParentMismatch,
    ),
}


@pytest.mark.parametrize(("bend", "error"), SUCCESSIONS.values(), ids=SUCCESSIONS.keys())
def test_what_continues_another_group_is_what_that_one_agreed_to(
    first: Invitation, bend: Succession, error: type[MLSError] | None
) -> None:
    parent = bend(first)

    if error is None:
        assert first.accept(parent=parent, policy=BY_NAME).epoch == 1
    else:
        with pytest.raises(error):
            first.accept(parent=parent, policy=BY_NAME)


def test_a_branch_is_not_entered_later(pathless: Invitation) -> None:
    pathless.with_secrets(psks=(_BRANCH,))

    with pytest.raises(errors.ParentMismatch):
        pathless.accept(parent=pathless.parent())
    pathless.with_secrets(psks=())
    pathless.accept(parent=pathless.parent())


def test_a_spoiled_welcome_does_not_open(invitation: Invitation) -> None:
    welcome = invitation.close()
    spoiled = replace(welcome, encrypted_group_info=flipped(welcome.encrypted_group_info))

    with pytest.raises(errors.DecryptionFailed):
        invitation.accept(spoiled)


def test_a_welcome_of_another_suite_is_refused(invitation: Invitation) -> None:
    with pytest.raises(errors.WelcomeSuiteMismatch):
        invitation.accept(replace(invitation.close(), cipher_suite=3))


def test_a_member_whom_the_application_refuses_keeps_one_out(invitation: Invitation) -> None:
    def not_bob(claim: Claim) -> None:
        if claim.credential.identity == b"bob":  # type: ignore[union-attr]  # all are basic
            raise errors.CredentialRefused

    with pytest.raises(errors.CredentialRefused):
        join(
            invitation.close(),
            invitation.own,
            replace(POLICY, judge=not_bob),
            tree=RatchetTreeExtension(nodes=invitation.nodes),
        )


def test_without_a_tree_nobody_enters(invitation: Invitation) -> None:
    kept = tuple(e for e in invitation.info.extensions if e.extension_type != 2)
    invitation.with_info(extensions=kept)

    with pytest.raises(errors.TreeMissing):
        join(invitation.close(), invitation.own, POLICY)
    invitation.accept()


def test_the_server_takes_no_group_info_but_the_true_one() -> None:
    room = make_room("alice", "bob")
    public = room.public
    assert public is not None
    alice = room.groups["alice"]
    true = alice.group_info(with_tree=True)
    public.check_group_info(true)

    other_tree = Extension(extension_type=2, extension_data=_tree_of_one(alice))
    for changes, error in (
        ({"group_context": replace(true.group_context, epoch=7)}, errors.GroupInfoMismatch),
        (
            {"group_context": replace(true.group_context, tree_hash=bytes(32))},
            errors.GroupInfoMismatch,
        ),
        ({"confirmation_tag": bytes(32)}, errors.GroupInfoMismatch),
        ({"extensions": (other_tree,)}, errors.GroupInfoMismatch),
        ({"extensions": true.extensions * 2}, errors.DuplicateExtension),
    ):
        content = GroupInfoContent(**{**true.fields_of(GroupInfoContent), **changes})
        with pytest.raises(error):
            public.check_group_info(content.sign(alice.suite, alice.signature_key))
    with pytest.raises(errors.GroupInfoSignatureInvalid):
        public.check_group_info(replace(true, signature=flipped(true.signature)))
    with pytest.raises(errors.BlankLeaf):
        public.check_group_info(replace(true, signer=LeafIndex(9)))


def _tree_of_one(group: Group) -> bytes:
    leaf = group.tree.leaf(group.own_leaf)
    return RatchetTreeExtension(nodes=(leaf,)).encode()


def test_a_public_group_begins_only_with_a_true_group_info(invitation: Invitation) -> None:
    tree = RatchetTreeExtension(nodes=invitation.nodes)
    PublicGroup.from_group_info(invitation.info, POLICY, tree)

    _spoil_signature(invitation)

    with pytest.raises(errors.GroupInfoSignatureInvalid):
        PublicGroup.from_group_info(invitation.info, POLICY, tree)
