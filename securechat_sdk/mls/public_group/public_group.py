"""The state of a group without its secrets: what a delivery service holds and checks with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.errors import (
    GroupClosed,
    GroupInfoMismatch,
    SenderNotAllowed,
    TreeHashMismatch,
    TreeMissing,
    UnsupportedVersion,
)
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.credentials import Claim
from securechat_sdk.mls.messages.extensions import check_no_duplicates
from securechat_sdk.mls.messages.framing import (
    AuthenticatedContent,
    ProposalContent,
    PublicMessage,
)
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.leaf_nodes import MLS10, Place
from securechat_sdk.mls.messages.proposals import ReInit
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.public_group import checks
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import ProposalList, Sent
from securechat_sdk.mls.public_group.transcript import (
    confirmed_transcript_hash,
    interim_transcript_hash,
)
from securechat_sdk.mls.public_group.transition import Changes, check_proposal
from securechat_sdk.mls.tree.hashes import tree_hash
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from securechat_sdk.mls.tree.validation import check_tree


@dataclass(frozen=True)
class Staged:
    """A commit that passed every public check; its confirmation tag is the members' to judge."""

    changes: Changes
    provisional: GroupContext
    context: GroupContext
    group: "PublicGroup"


@dataclass(frozen=True)
class PublicGroup:
    """Tree, context, transcript and the proposals that wait for a commit."""

    context: GroupContext
    tree: RatchetTree
    confirmation_tag: bytes
    proposals: Mapping[bytes, Sent] = field(default_factory=dict)
    reinit: ReInit | None = None

    @classmethod
    def from_group_info(
        cls, group_info: GroupInfo, policy: Policy, tree: RatchetTreeExtension | None = None
    ) -> "PublicGroup":
        """Section 12.4.3.1: a state from outside, with everything checked that it says.

        The tree is the one beside the GroupInfo or else the one inside it.
        """
        context = group_info.group_context
        if context.version != MLS10:
            raise UnsupportedVersion
        suite = cipher_suite(context.cipher_suite)
        nodes = tree or group_info.ratchet_tree
        if nodes is None:
            raise TreeMissing
        ratchet_tree = RatchetTree.from_extension(suite, nodes)
        signer = ratchet_tree.leaf(group_info.signer)
        group_info.check_signature(suite, signer.signature_key)
        if tree_hash(ratchet_tree) != context.tree_hash:
            raise TreeHashMismatch
        check_tree(ratchet_tree)
        _check_leaves(ratchet_tree, context, policy)
        checks.check_context_extensions(context.extensions, policy)
        check_no_duplicates(group_info.extensions)
        return cls(context, ratchet_tree, group_info.confirmation_tag)

    @property
    def suite(self) -> CipherSuite:
        return self.tree.suite

    @property
    def interim_transcript_hash(self) -> bytes:
        """Section 8.2, which the first commit of a group extends like any other."""
        confirmed = self.context.confirmed_transcript_hash
        return interim_transcript_hash(self.suite, confirmed, self.confirmation_tag)

    def receive(self, message: PublicMessage, policy: Policy) -> "PublicGroup":
        """The state after a handshake message, or one of the package's errors."""
        checks.check_is_handshake(message.content)
        content = message.authenticated
        self.check_content(content)
        if isinstance(content.content.content, Commit):
            return self.stage(content, policy).group
        return self.with_proposal(content, policy)

    def receive_commit(self, message: PublicMessage, policy: Policy) -> Staged:
        """What a commit changes, whom it adds and removes, and the state after it.

        Raises `SenderNotAllowed` if the message carries no commit.
        """
        content = message.authenticated
        if not isinstance(content.content.content, Commit):
            raise SenderNotAllowed
        self.check_content(content)
        return self.stage(content, policy)

    def check_content(self, content: AuthenticatedContent) -> None:
        """Section 6 and 6.1: for this group and epoch, from one who may, and signed."""
        if self.reinit is not None:
            raise GroupClosed
        framed = content.content
        checks.check_group(self.context, framed)
        checks.check_epoch(self.context, framed)
        checks.check_sender_may_say(framed)
        key = checks.sender_key(self.tree, self.context, framed)
        checks.check_signature(self.suite, content, key, self.context)

    def with_proposal(self, content: AuthenticatedContent, policy: Policy) -> "PublicGroup":
        """Section 12.1: keep a checked message's proposal for a commit to refer to."""
        said = content.content.content
        if not isinstance(said, ProposalContent):
            raise TypeError("only a proposal can be kept")
        sender = content.content.sender
        check_proposal(self.context, self.tree, said.proposal, sender, policy)
        sent = Sent(content.proposal_reference(self.suite), content)
        return replace(self, proposals={**self.proposals, sent.reference: sent})

    def stage(self, content: AuthenticatedContent, policy: Policy) -> Staged:
        """Section 12.4.2: everything about a checked message's commit that needs no secret."""
        commit = content.content.content
        if not isinstance(commit, Commit):
            raise TypeError("only a commit can be staged")
        sender = content.content.sender
        proposals = ProposalList.resolve(commit, sender, self.proposals)
        changes = Changes.of(self.context, self.tree, proposals, sender, policy)
        checks.check_path_present(proposals, commit.path)
        tree = changes.tree if commit.path is None else changes.merge(commit.path, policy)
        provisional = changes.finish(tree, policy)
        context = self.confirmed(provisional, content)
        group = PublicGroup(
            context, tree, content.auth.confirmation_tag or b"", reinit=proposals.reinit
        )
        return Staged(changes, provisional, context, group)

    def confirmed(self, provisional: GroupContext, commit: AuthenticatedContent) -> GroupContext:
        """Section 12.4.2: the new context, which names the commit that led to it."""
        confirmed = confirmed_transcript_hash(self.suite, self.interim_transcript_hash, commit)
        return replace(provisional, confirmed_transcript_hash=confirmed)

    def check_group_info(self, group_info: GroupInfo) -> None:
        """That a member's GroupInfo describes this very state; raises `GroupInfoRefused`."""
        signer = self.tree.leaf(group_info.signer)
        group_info.check_signature(self.suite, signer.signature_key)
        if group_info.group_context != self.context:
            raise GroupInfoMismatch
        if group_info.confirmation_tag != self.confirmation_tag:
            raise GroupInfoMismatch
        tree = group_info.ratchet_tree
        if tree is not None and tree != self.tree.to_extension():
            raise GroupInfoMismatch
        check_no_duplicates(group_info.extensions)


def _check_leaves(tree: RatchetTree, context: GroupContext, policy: Policy) -> None:
    """Section 12.4.3.1 and 7.3: every member's leaf is valid where it is."""
    for index, leaf in tree.members():
        place = None if leaf.is_from_key_package else Place(context.group_id, index)
        leaf.check_signature(tree.suite, place=place)
        leaf.check_extensions()
        leaf.check_encryption_key(tree.suite)
        policy.judge(Claim(leaf.credential, leaf.signature_key))
    checks.check_members(tree, context.extensions, policy)
