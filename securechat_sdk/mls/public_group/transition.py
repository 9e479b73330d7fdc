"""RFC 9420 sections 12.3 and 12.4: from one epoch's public state to the next.

Making a commit and checking one take the same steps in the same order:

    Changes.of        the list is valid, and applied to the tree
    Changes.merge     the path is valid, and merged into the tree
    Changes.finish    the members suit each other; the provisional context
"""

from dataclasses import dataclass, replace

from securechat_sdk.mls.errors import BlankLeaf, PathParentHashMismatch
from securechat_sdk.mls.messages.commits import UpdatePath
from securechat_sdk.mls.messages.extensions import Extensions
from securechat_sdk.mls.messages.framing import Member, Sender
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import CommitSource, LeafNode, Place
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
from securechat_sdk.mls.public_group import checks
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import ProposalList
from securechat_sdk.mls.tree.hashes import tree_hash
from securechat_sdk.mls.tree.paths import PathStep, filtered_path, with_leaf, with_path_keys
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from securechat_sdk.mls.tree.validation import check_unique_keys


@dataclass(frozen=True)
class Added:
    """A new member and where it sits."""

    leaf: LeafIndex
    key_package: UncheckedKeyPackage


@dataclass(frozen=True)
class Changes:
    """A valid list of proposals, applied; the committer's path is not."""

    context: GroupContext
    proposals: ProposalList
    committer: LeafIndex
    replaced: LeafNode | None
    tree: RatchetTree
    extensions: Extensions
    added: tuple[Added, ...]

    @classmethod
    def of(
        cls,
        context: GroupContext,
        tree: RatchetTree,
        proposals: ProposalList,
        sender: Sender,
        policy: Policy,
    ) -> "Changes":
        """Section 12.2 and 12.3; proposals sent before were checked when they came."""
        check_list(proposals, sender)
        for item in proposals.items:
            if item.is_inline:
                check_proposal(context, tree, item.proposal, item.sender, policy)
        applied = _apply(context, tree, proposals)
        if isinstance(sender, Member):
            leaf = sender.leaf_index
            return replace(applied, committer=leaf, replaced=applied.tree.leaf_or_none(leaf))
        return _with_place_for_joiner(applied, tree)

    @property
    def place(self) -> Place:
        return Place(self.context.group_id, self.committer)

    @property
    def added_leaves(self) -> tuple[LeafIndex, ...]:
        return tuple(added.leaf for added in self.added)

    @property
    def steps(self) -> tuple[PathStep, ...]:
        return filtered_path(self.tree, self.committer)

    def merge(self, path: UpdatePath, policy: Policy) -> RatchetTree:
        """Section 12.4.2: the tree with the path in it, if the path is what it has to be."""
        steps = self.steps
        checks.check_path_leaf_source(path)
        checks.check_path_shape(path, steps, self.added_leaves)
        suite = self.tree.suite
        checks.check_new_leaf(suite, path.leaf_node, self.place, self.replaced, policy)
        checks.check_path_keys(self.tree, path)
        keys = [node.encryption_key for node in path.nodes]
        merged = with_path_keys(self.tree, self.committer, steps, keys)
        if path.leaf_node.source != CommitSource(parent_hash=merged.leaf_parent_hash):
            raise PathParentHashMismatch
        return with_leaf(merged, self.committer, path.leaf_node)

    def finish(self, tree: RatchetTree, policy: Policy) -> GroupContext:
        """Section 12.4.2: the provisional context, if the members of the tree may be together."""
        check_unique_keys(tree)
        checks.check_members(tree, self.extensions, policy)
        return replace(
            self.context,
            epoch=self.context.epoch + 1,
            tree_hash=tree_hash(tree),
            extensions=self.extensions,
        )


def check_list(proposals: ProposalList, sender: Sender) -> None:
    """Section 12.2: the proposals go together, in a commit from this sender."""
    match sender:
        case Member(leaf_index=leaf):
            checks.check_regular_list(proposals, leaf)
        case _:
            checks.check_external_list(proposals)


def check_proposal(
    context: GroupContext, tree: RatchetTree, proposal: Proposal, sender: Sender, policy: Policy
) -> None:
    """Section 12.1: the proposal is valid by itself, in this epoch and from this sender."""
    match proposal:
        case Add():
            checks.check_add(tree.suite, proposal, policy)
        case Update():
            leaf = _member_leaf(sender)
            checks.check_update(tree, context.group_id, leaf, proposal, policy)
        case Remove():
            checks.check_remove(tree, proposal)
        case PreSharedKey():
            checks.check_psk(tree.suite, context, proposal.psk)
        case ReInit():
            checks.check_reinit(context, proposal)
        case ExternalInit():
            checks.check_external_init_sender(sender)
        case GroupContextExtensions():
            checks.check_context_extensions(proposal.extensions, policy)


def _member_leaf(sender: Sender) -> LeafIndex:
    if not isinstance(sender, Member):
        raise BlankLeaf
    return sender.leaf_index


def _apply(context: GroupContext, tree: RatchetTree, proposals: ProposalList) -> Changes:
    """Section 12.3: extensions, updates, removals, additions, in this order."""
    replacement = proposals.context_extensions
    extensions = context.extensions if replacement is None else replacement.extensions
    edit = tree.edit()
    for leaf, update in proposals.updates:
        edit.update(leaf, update.leaf_node)
    for leaf in proposals.removed_leaves:
        edit.remove(leaf)
    edit.truncate()
    packages = [add.key_package for add in proposals.of(Add)]
    added = tuple(Added(edit.add(package.leaf_node), package) for package in packages)
    return Changes(
        context=context,
        proposals=proposals,
        committer=LeafIndex(0),
        replaced=None,
        tree=edit.finish(),
        extensions=extensions,
        added=added,
    )


def _with_place_for_joiner(applied: Changes, before: RatchetTree) -> Changes:
    """Section 12.4.2: the leftmost blank leaf; a removed old self is the one it succeeds."""
    edit = applied.tree.edit()
    leaf = edit.leftmost_blank()
    removed = applied.proposals.removed_leaves
    replaced = before.leaf(removed[0]) if removed else None
    return replace(applied, committer=leaf, replaced=replaced, tree=edit.finish())
