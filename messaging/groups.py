"""The public group of a conversation: how it begins, what is proposed and committed. No rows.

Everything of RFC 9420 that needs no secret is checked by `securechat_sdk.mls.public_group`; here
stand the product's own rules, and what a server cannot check is named in docs/protocol.md.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Self

from django.conf import settings

from accounts.sealing import derive_key
from messaging.envelopes import Owner, ReadHandshake, read_group_info, read_proposal
from messaging.errors import CommitInvalid, GroupInfoInvalid, ProposalInvalid
from securechat_sdk.identity import conversation_policy, group_extensions, server_sender
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.messages.extensions import AllowedSender
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import MLS10
from securechat_sdk.mls.messages.proposals import Remove
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.public_group.outside import propose_as_external_sender
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import ProposalList, Sent
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.transition import Added
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from securechat_sdk.wire.errors import ChatError

FIRST_LEAF = LeafIndex(0)


def external_sender() -> AllowedSender:
    """Return this server, as the groups list it."""
    return server_sender(ED25519.public_key_of(_signing_key(settings.SERVER_SECRET)))


@cache
def _signing_key(server_secret: bytes) -> SignaturePrivateKey:
    """Ed25519, and so the same for every suite that is allowed here."""
    return SignaturePrivateKey(derive_key(server_secret, "external sender 1"))


def propose_removal(group_id: bytes, epoch: int, suite: int, leaf_index: int) -> bytes:
    """Sign, as the server, the proposal to remove a leaf."""
    removal = Remove(removed=LeafIndex(leaf_index))
    key = _signing_key(settings.SERVER_SECRET)
    # RFC 9420 section 6.1: what comes from outside names the context and does not sign it, so
    # the hashes may be left out, and no tree has to be read.
    context = GroupContext(
        version=MLS10,
        cipher_suite=suite,
        group_id=group_id,
        epoch=epoch,
        tree_hash=b"",
        confirmed_transcript_hash=b"",
        extensions=(),
    )
    return propose_as_external_sender(context, 0, key, removal).encode()


def lists_server(group_info: bytes) -> bool:
    """Whether the group believes what this server proposes."""
    context = read_group_info(group_info).group_context
    return context.extensions == group_extensions(external_sender())


@dataclass(frozen=True)
class Snapshot:
    """A group in one epoch, as it is stored and handed to joiners."""

    epoch: int
    group_info: bytes
    ratchet_tree: bytes

    @classmethod
    def of(cls, group: PublicGroup, group_info: bytes) -> Self:
        return cls(group.context.epoch, group_info, group.tree.to_extension().encode())

    def restore(self, proposals: Iterable[bytes] = ()) -> PublicGroup:
        """Return the group with the proposals that wait; all of it was checked when it came."""
        info = read_group_info(self.group_info)
        suite = cipher_suite(info.group_context.cipher_suite)
        tree = RatchetTree.from_extension(suite, RatchetTreeExtension.decode(self.ratchet_tree))
        group = PublicGroup(info.group_context, tree, info.confirmation_tag)
        waiting = [read_proposal(data).authenticated for data in proposals]
        sent = [Sent(content.proposal_reference(suite), content) for content in waiting]
        return replace(group, proposals={each.reference: each for each in sent})


def begin_group(data: bytes, *, group_id: bytes, suite: int, owner: Owner, now: int) -> Snapshot:
    """Check the group that a device begins: one leaf, the creator's. Raises `GroupInfoInvalid`."""
    with _refused_as(GroupInfoInvalid):
        info = read_group_info(data)
        group = PublicGroup.from_group_info(info, _policy(now))
    context = group.context
    if (context.group_id, context.cipher_suite) != (group_id, suite):
        raise GroupInfoInvalid("It is for another group or cipher suite.")
    if context.epoch != 0 or context.confirmed_transcript_hash:
        raise GroupInfoInvalid("A group begins at epoch 0.")
    if context.extensions != group_extensions(external_sender()):
        raise GroupInfoInvalid("The group must list this server as its one external sender.")
    if group.tree.slots != 1 or not owner.owns(group.tree.leaf(FIRST_LEAF)):
        raise GroupInfoInvalid("A group begins with its creator's device alone.")
    return Snapshot.of(group, data)


@dataclass(frozen=True)
class Step:
    """A commit that verifies: what it changes, and the group that follows."""

    snapshot: Snapshot
    added: tuple[Added, ...]
    removed: tuple[int, ...]
    removed_by_value: tuple[int, ...]
    committer_leaf: int
    is_rejoin: bool


def check_commit(
    group: PublicGroup, change: ReadHandshake, group_info: bytes, *, sender: Owner, now: int
) -> Step:
    """Check a commit and the GroupInfo of its epoch; raises `CommitInvalid`."""
    info = read_group_info(group_info, CommitInvalid)
    with _refused_as(CommitInvalid):
        staged = group.receive_commit(change.message, _policy(now))
        staged.group.check_group_info(info)
        _check_external_pub(staged.group, info)
        committer = staged.changes.committer  # of a rejoining device, where it sits now
        before, after = group.tree.leaf(change.sender_leaf), staged.group.tree.leaf(committer)
    if not (sender.owns(before) and sender.owns(after)):
        raise CommitInvalid("The committer's leaf, before or after, is not this device's.")
    if info.ratchet_tree is not None or info.signer != committer:
        raise CommitInvalid("The GroupInfo is to be the committer's own, without the tree.")
    items = staged.changes.proposals.items
    by_value = ProposalList(tuple(item for item in items if item.is_inline))
    return Step(
        snapshot=Snapshot.of(staged.group, group_info),
        added=staged.changes.added,
        removed=staged.changes.proposals.removed_leaves,
        removed_by_value=by_value.removed_leaves,
        committer_leaf=committer,
        is_rejoin=change.is_rejoin,
    )


def check_leave(group: PublicGroup, proposal: ReadHandshake, *, sender: Owner, now: int) -> None:
    """Check a proposal by which its sender leaves; raises `ProposalInvalid`."""
    with _refused_as(ProposalInvalid):
        group.receive(proposal.message, _policy(now))
        leaf = group.tree.leaf(proposal.sender_leaf)
    if not sender.owns(leaf):
        raise ProposalInvalid("The sender's leaf is not this device's.")


def _policy(now: int) -> Policy:
    return conversation_policy(external_sender(), now=now)


@contextmanager
def _refused_as(refusal: type[ChatError]) -> Iterator[None]:
    """Say the engine's reason in words, and by its stable code in ``reason``."""
    try:
        yield
    except MLSError as error:
        raise refusal(str(error), reason=error.code) from None


def _check_external_pub(group: PublicGroup, info: GroupInfo) -> None:
    """RFC 9420 section 12.4.3.2: without it, nobody could come back from outside."""
    if info.external_pub is None:
        raise CommitInvalid("The GroupInfo has no external_pub.")
    group.suite.hpke.kem.check_public_key(info.external_pub)
