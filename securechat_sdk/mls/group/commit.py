"""RFC 9420 section 12.4.1: making a commit, and the Welcome for those whom it adds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from securechat_sdk.mls.crypto.secrets import Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import Encryptor
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.advance import Inputs, enter_epoch, no_path_secret, past_of
from securechat_sdk.mls.group.group import Group, PskSource, no_psks
from securechat_sdk.mls.group.messages import (
    KEEP_LEAF,
    PUBLIC,
    Framing,
    LeafChanges,
    check_open,
    frame,
    leaf_content,
    sign,
)
from securechat_sdk.mls.group.selection import select_waiting
from securechat_sdk.mls.messages.commits import (
    Commit,
    InlineProposal,
    ProposalOrRef,
    ProposalReference,
    UpdatePath,
)
from securechat_sdk.mls.messages.framing import FramedContentAuthData, Member
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.leaf_nodes import CommitSource, LeafNodeContent
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import PreSharedKey, Proposal
from securechat_sdk.mls.messages.psks import PreSharedKeyID
from securechat_sdk.mls.messages.welcome import (
    EncryptedGroupSecrets,
    GroupSecrets,
    PathSecret,
    Welcome,
)
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import ProposalList
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.transition import Added, Changes
from securechat_sdk.mls.schedule.key_schedule import Joiner
from securechat_sdk.mls.schedule.psks import NamedPsk
from securechat_sdk.mls.tree.math import common_ancestor, node_of
from securechat_sdk.mls.tree.paths import with_leaf, with_path_keys
from securechat_sdk.mls.tree.private import PathSecrets, PrivateTree, derive_path, seal_path
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree


@dataclass(frozen=True)
class CommitPlan:
    """What to commit and how.

    `references` names waiting proposals; None takes all that go together. `path` asks for fresh
    keys also where the proposals could do without.
    """

    proposals: Sequence[Proposal] = ()
    references: Sequence[bytes] | None = None
    path: bool = True
    leaf: LeafChanges = KEEP_LEAF
    framing: Framing = PUBLIC
    tree_in_welcome: bool = True


@dataclass(frozen=True)
class PendingCommit:
    """A commit on its way. Keep `group` if it is accepted, `before` until then and otherwise.

    Send `welcome`, if there is one, only after the commit was accepted.
    """

    message: MLSMessage
    welcome: MLSMessage | None
    group_info: GroupInfo
    group: Group
    before: Group


@dataclass(frozen=True)
class Author:
    """Who commits: the keys it signs with now and in the new leaf, and what the leaf says."""

    leaf: LeafNodeContent
    leaf_signature_key: SignaturePrivateKey = field(repr=False)


@dataclass(frozen=True)
class MergedPath:
    """Everything that follows from a committer's fresh keys, or from their absence."""

    tree: RatchetTree
    provisional: GroupContext
    private: PrivateTree
    commit_secret: Secret
    update_path: UpdatePath | None = None
    secrets: PathSecrets | None = None


def commit(
    group: Group, plan: CommitPlan, policy: Policy, psks: PskSource = no_psks
) -> PendingCommit:
    """Commit proposals and fresh keys; raises if the result would not be valid."""
    check_open(group)
    items = _chosen(group, plan, policy, psks)
    proposals = _resolved(group, items)
    sender = Member(leaf_index=group.own_leaf)
    changes = Changes.of(group.context, group.tree, proposals, sender, policy)
    named = [group.find_psk(psk, psks) for psk in psk_names(proposals)]
    author = _author(group, plan.leaf)
    if plan.path or plan.leaf != KEEP_LEAF or proposals.needs_path:
        merged = make_path(changes, author, policy)
    else:
        merged = _without_path(group, changes, policy)
    return _finish(group, plan, items, changes, merged, author, named)


def _finish(  # noqa: PLR0917  the last steps of commit
    group: Group,
    plan: CommitPlan,
    items: tuple[ProposalOrRef, ...],
    changes: Changes,
    merged: MergedPath,
    author: Author,
    psks: Sequence[NamedPsk],
) -> PendingCommit:
    """Sign, confirm, frame; then write to those who are new."""
    suite = group.suite
    content = sign(group, Commit(proposals=items, path=merged.update_path), plan.framing)
    context = group.public.confirmed(merged.provisional, content)
    inputs = Inputs(group.secrets.init_secret, merged.commit_secret, psks)
    joiner = inputs.joiner(suite, context)
    start = joiner.epoch_secrets(context.encode())
    tag = start.secrets.confirmation_tag(suite, context.confirmed_transcript_hash)
    auth = FramedContentAuthData(signature=content.auth.signature, confirmation_tag=tag)
    sent = frame(group, replace(content, auth=auth), plan.framing)
    public = PublicGroup(context, merged.tree, tag, reinit=changes.proposals.reinit)
    key = author.leaf_signature_key if merged.update_path else group.signature_key
    next_group = enter_epoch(public, merged.private, key, start, past_of(sent.group))
    group_info = next_group.group_info(with_tree=plan.tree_in_welcome)
    welcome = make_welcome(changes, merged, joiner, psks, group_info)
    return PendingCommit(sent.message, welcome, group_info, next_group, sent.group)


def _chosen(
    group: Group, plan: CommitPlan, policy: Policy, psks: PskSource
) -> tuple[ProposalOrRef, ...]:
    if plan.references is not None:
        return _items(plan.references, plan.proposals)
    selected = select_waiting(group, plan.proposals, policy)
    items = _items(selected, plan.proposals)
    if not selected or _go_together(group, items, policy, psks):
        return items
    return _one_by_one(group, selected, plan, policy, psks)


def _one_by_one(
    group: Group,
    selected: Sequence[bytes],
    plan: CommitPlan,
    policy: Policy,
    psks: PskSource,
) -> tuple[ProposalOrRef, ...]:
    """Those that do go together, lest one member's bad proposal keep all others from committing."""
    kept: tuple[bytes, ...] = ()
    for reference in selected:
        items = _items((*kept, reference), plan.proposals)
        if _go_together(group, items, policy, psks):
            kept = (*kept, reference)
    return _items(kept, plan.proposals)


def _items(references: Sequence[bytes], proposals: Sequence[Proposal]) -> tuple[ProposalOrRef, ...]:
    named = tuple(ProposalReference(reference=reference) for reference in references)
    return named + tuple(InlineProposal(proposal=proposal) for proposal in proposals)


def _go_together(
    group: Group, items: tuple[ProposalOrRef, ...], policy: Policy, psks: PskSource
) -> bool:
    """Whether the proposals would make a valid commit; the caller commits them and is told why."""
    proposals = _resolved(group, items)
    sender = Member(leaf_index=group.own_leaf)
    try:
        changes = Changes.of(group.context, group.tree, proposals, sender, policy)
        changes.finish(changes.tree, policy)
        for psk in psk_names(proposals):
            group.find_psk(psk, psks)
    except MLSError:
        return False
    return True


def _resolved(group: Group, items: tuple[ProposalOrRef, ...]) -> ProposalList:
    sender = Member(leaf_index=group.own_leaf)
    commit_ = Commit(proposals=items, path=None)
    return ProposalList.resolve(commit_, sender, group.public.proposals)


def psk_names(proposals: ProposalList) -> tuple[PreSharedKeyID, ...]:
    return tuple(proposal.psk for proposal in proposals.of(PreSharedKey))


def _author(group: Group, changes: LeafChanges) -> Author:
    signature_key = changes.signature_key or group.signature_key
    content = leaf_content(group.tree.leaf(group.own_leaf), changes)
    public = group.suite.signature.public_key_of(signature_key)
    return Author(replace(content, signature_key=public), signature_key)


def _without_path(group: Group, changes: Changes, policy: Policy) -> MergedPath:
    provisional = changes.finish(changes.tree, policy)
    private = group.private.kept_for(group.tree, changes.tree)
    return MergedPath(changes.tree, provisional, private, no_path_secret(group.suite))


def make_path(changes: Changes, author: Author, policy: Policy) -> MergedPath:
    """Section 7.5: fresh keys from the committer's leaf to the root, sealed to the others."""
    tree, leaf, steps = changes.tree, changes.committer, changes.steps
    suite = tree.suite
    secrets = derive_path(suite, suite.random_secret(), [step.node for step in steps])
    keyed = with_path_keys(tree, leaf, steps, secrets.public_keys)
    pair = suite.hpke.kem.generate_key_pair()
    source = CommitSource(parent_hash=keyed.leaf_parent_hash)
    content = replace(author.leaf, encryption_key=pair.public, source=source)
    node = content.sign(suite, author.leaf_signature_key, place=changes.place)
    merged = with_leaf(keyed, leaf, node)
    provisional = changes.finish(merged, policy)
    update_path = seal_path(
        tree, steps, secrets, node, added=changes.added_leaves, context=provisional.encode()
    )
    # Fresh keys for the whole path, so nothing known before is of use any more.
    private = PrivateTree(leaf, {node_of(leaf): pair.private, **secrets.private_keys})
    return MergedPath(merged, provisional, private, secrets.commit_secret, update_path, secrets)


def make_welcome(
    changes: Changes,
    merged: MergedPath,
    joiner: Joiner,
    psks: Sequence[NamedPsk],
    group_info: GroupInfo,
) -> MLSMessage | None:
    """Section 12.4.3.1: one Welcome for all whom the commit adds."""
    if not changes.added:
        return None
    suite, key = joiner.suite, joiner.welcome_key
    sealed_info = suite.aead.seal(key.key, key.nonce, b"", group_info.encode())
    names = tuple(psk.id for psk in psks)
    seal = suite.encryptor_with_label(b"Welcome", sealed_info)
    entries = []
    for added in changes.added:
        secrets = GroupSecrets(
            joiner_secret=joiner.joiner_secret,
            path_secret=_path_secret_for(added, changes, merged),
            psks=names,
        )
        entries.append(_seal_secrets(seal, added, secrets))
    welcome = Welcome(
        cipher_suite=suite.number, secrets=tuple(entries), encrypted_group_info=sealed_info
    )
    return MLSMessage.of(welcome)


def _path_secret_for(added: Added, changes: Changes, merged: MergedPath) -> PathSecret | None:
    if merged.secrets is None:
        return None
    ancestor = common_ancestor(added.leaf, changes.committer)
    return PathSecret(path_secret=merged.secrets.secrets[ancestor])


def _seal_secrets(seal: Encryptor, added: Added, secrets: GroupSecrets) -> EncryptedGroupSecrets:
    sealed = seal(added.key_package.init_key, secrets.encode())
    return EncryptedGroupSecrets(
        new_member=added.key_package.reference, encrypted_group_secrets=sealed
    )
