"""RFC 9420 section 12.4.3.1: entering a group by a Welcome."""

from collections.abc import Collection, Sequence

from securechat_sdk.mls.errors import (
    GroupKnown,
    NotInvited,
    OwnLeafMissing,
    ParentMismatch,
    PskNonceLength,
    PskTwice,
    SeveralParents,
    WelcomeSuiteMismatch,
)
from securechat_sdk.mls.group.advance import enter_epoch
from securechat_sdk.mls.group.group import Group, PskSource, named_psk, no_psks
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.group.successors import check_parent
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.psks import PreSharedKeyID, ResumptionPsk, ResumptionUsage
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import GroupSecrets, Welcome
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.schedule.key_schedule import Joiner
from securechat_sdk.mls.schedule.psks import NamedPsk, psk_secret
from securechat_sdk.mls.tree.math import node_of
from securechat_sdk.mls.tree.private import PrivateTree, joined_path


def join(
    welcome: Welcome,
    own: OwnKeyPackage,
    policy: Policy,
    *,
    tree: RatchetTreeExtension | None = None,
    psks: PskSource = no_psks,
    parent: Group | None = None,
    known_groups: Collection[bytes] = (),
) -> Group:
    """The group to which the Welcome invites the key package.

    `parent` is the group that this one continues, where it continues one. Afterwards forget
    `own`: a key package is used once.
    """
    secrets = open_group_secrets(welcome, own)
    named = _find_psks(own, secrets.psks, psks, parent)
    joiner = Joiner.of(own.suite, secrets.joiner_secret, psk_secret(own.suite, named))
    group_info = _open_group_info(welcome, joiner)
    _check_is_for(group_info, own, known_groups)
    public = PublicGroup.from_group_info(group_info, policy, tree)
    leaf = _own_leaf(public, own)
    private = _private_tree(public, own, leaf, group_info.signer, secrets)
    context = group_info.group_context
    start = joiner.epoch_secrets(context.encode())
    confirmed, tag = context.confirmed_transcript_hash, group_info.confirmation_tag
    start.secrets.check_confirmation_tag(own.suite, confirmed, tag)
    group = enter_epoch(public, private, own.signature_key, start, ())
    _check_lineage(group, secrets.psks, parent, policy)
    return group


def open_group_secrets(welcome: Welcome, own: OwnKeyPackage) -> GroupSecrets:
    """The entry for this key package; raises `NotInvited` if there is none."""
    if welcome.cipher_suite != own.package.cipher_suite:
        raise WelcomeSuiteMismatch
    reference = own.package.reference
    for entry in welcome.secrets:
        if entry.new_member == reference:
            sealed, context = entry.encrypted_group_secrets, welcome.encrypted_group_info
            opened = own.suite.decrypt_with_label(own.init_key, b"Welcome", context, sealed)
            return GroupSecrets.decode(opened)
    raise NotInvited


def _find_psks(
    own: OwnKeyPackage,
    names: Sequence[PreSharedKeyID],
    psks: PskSource,
    parent: Group | None,
) -> list[NamedPsk]:
    if any(len(psk.psk_nonce) != own.suite.hash.size for psk in names):
        raise PskNonceLength
    if len(set(names)) != len(names):
        raise PskTwice
    if len(_lineage(names)) > 1:
        raise SeveralParents
    if parent is not None:
        return [parent.find_psk(psk, psks) for psk in names]
    return [named_psk(psk, psks) for psk in names]


def _lineage(names: Sequence[PreSharedKeyID]) -> list[ResumptionPsk]:
    """The keys that say from which other group this one comes."""
    application = ResumptionUsage.APPLICATION
    return [psk for psk in names if isinstance(psk, ResumptionPsk) and psk.usage is not application]


def _open_group_info(welcome: Welcome, joiner: Joiner) -> GroupInfo:
    key = joiner.welcome_key
    sealed = welcome.encrypted_group_info
    return GroupInfo.decode(joiner.suite.aead.open(key.key, key.nonce, b"", sealed))


def _check_is_for(
    group_info: GroupInfo, own: OwnKeyPackage, known_groups: Collection[bytes]
) -> None:
    context = group_info.group_context
    if context.cipher_suite != own.package.cipher_suite:
        raise WelcomeSuiteMismatch
    if context.group_id in known_groups:
        raise GroupKnown


def _own_leaf(public: PublicGroup, own: OwnKeyPackage) -> LeafIndex:
    """The leaf that is identical to the key package's."""
    for index, leaf in public.tree.members():
        if leaf == own.package.leaf_node:
            return index
    raise OwnLeafMissing


def _private_tree(
    public: PublicGroup,
    own: OwnKeyPackage,
    leaf: LeafIndex,
    signer: LeafIndex,
    secrets: GroupSecrets,
) -> PrivateTree:
    private = PrivateTree(leaf, {node_of(leaf): own.encryption_key})
    if secrets.path_secret is None:
        return private
    known = joined_path(public.tree, leaf, signer, secrets.path_secret.path_secret)
    return private.with_keys(known.private_keys)


def _check_lineage(
    group: Group, names: Sequence[PreSharedKeyID], parent: Group | None, policy: Policy
) -> None:
    """Section 11.2 and 11.3: what continues another group is what that group agreed to."""
    for psk in _lineage(names):
        if parent is None or parent.group_id != psk.group_id:
            raise ParentMismatch
        check_parent(group, parent, psk, policy)
