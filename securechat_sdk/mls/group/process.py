"""RFC 9420 sections 6 and 12.4.2: receiving what the others say."""

from dataclasses import dataclass, replace

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.errors import (
    ConfirmationTagMismatch,
    GroupClosed,
    OwnMessage,
    SenderNotAllowed,
    WrongEpoch,
    WrongGroup,
)
from securechat_sdk.mls.group.advance import Inputs, enter_epoch, no_path_secret, past_of
from securechat_sdk.mls.group.commit import psk_names
from securechat_sdk.mls.group.group import Group, PastEpoch, PendingUpdate, PskSource, no_psks
from securechat_sdk.mls.messages.commits import Commit, ProposalReference
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    AuthenticatedContent,
    ContentType,
    Member,
    PrivateMessage,
    PublicMessage,
    Sender,
)
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Proposal
from securechat_sdk.mls.public_group import checks
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.public_group import Staged
from securechat_sdk.mls.public_group.transition import Changes
from securechat_sdk.mls.schedule.key_schedule import open_external_init
from securechat_sdk.mls.schedule.private_messages import decrypt, open_sender_data
from securechat_sdk.mls.schedule.secret_tree import SecretTree
from securechat_sdk.mls.tree.math import node_of
from securechat_sdk.mls.tree.private import PrivateTree, open_path
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree


@dataclass(frozen=True)
class ApplicationMessage:
    """A member said something. `epoch` may be a past one; `leaf` is the sender's of that epoch."""

    data: bytes
    authenticated_data: bytes
    epoch: int
    sender: LeafIndex
    leaf: LeafNode
    group: Group


@dataclass(frozen=True)
class ProposalReceived:
    """Someone proposed something, and it waits for a commit."""

    proposal: Proposal
    reference: bytes
    sender: Sender
    authenticated_data: bytes
    group: Group


@dataclass(frozen=True)
class CommitReceived:
    """The group entered its next epoch."""

    changes: Changes
    authenticated_data: bytes
    group: Group


@dataclass(frozen=True)
class RemovedFromGroup:
    """A commit removed this member: forget the group. The commit is signed, not confirmed."""

    changes: Changes
    authenticated_data: bytes


Received = ApplicationMessage | ProposalReceived | CommitReceived | RemovedFromGroup


@dataclass(frozen=True)
class _Opened:
    """Authentic content and the group without the key it took."""

    content: AuthenticatedContent
    group: Group
    leaf: LeafNode | None = None


def process(
    group: Group, message: MLSMessage, policy: Policy, psks: PskSource = no_psks
) -> Received:
    """What the message says and the group after it; on any error the old group stays as it is."""
    body = message.body
    if isinstance(body, PublicMessage):
        opened = _open_public(group, body)
    elif isinstance(body, PrivateMessage):
        opened = _open_private(group, body)
    else:
        raise SenderNotAllowed
    said = opened.content.content.content
    if isinstance(said, ApplicationData):
        return _application(opened, said)
    if isinstance(said, Commit):
        return _commit(opened, said, policy, psks)
    return _proposal(opened, policy)


def _open_public(group: Group, message: PublicMessage) -> _Opened:
    """Section 6.2: from inside the group, or from one of the few outside who may speak."""
    checks.check_is_handshake(message.content)
    content = message.authenticated
    checks.check_group(group.context, message.content)
    checks.check_epoch(group.context, message.content)
    if isinstance(message.content.sender, Member):
        tagged = content.membership_content(group.context)
        group.secrets.check_membership_tag(group.suite, tagged, message.membership_tag)
    group.public.check_content(content)
    _check_not_own(group, message.content.sender)
    return _Opened(content, group)


def _check_not_own(group: Group, sender: Sender) -> None:
    if isinstance(sender, Member) and sender.leaf_index == group.own_leaf:
        raise OwnMessage


def _open_private(group: Group, message: PrivateMessage) -> _Opened:
    """Section 6.3: the keys change only after decryption and signature both succeeded."""
    if message.group_id != group.group_id:
        raise WrongGroup
    if message.epoch == group.epoch:
        return _open_current(group, message)
    if message.content_type is not ContentType.APPLICATION:
        raise WrongEpoch
    return _open_past(group, message)


def _open_current(group: Group, message: PrivateMessage) -> _Opened:
    if group.public.reinit is not None:
        raise GroupClosed
    secret = group.secrets.sender_data_secret
    sender, content, keys = _decrypt(group, group.tree, group.context, group.keys, secret, message)
    return _Opened(content, group.with_keys(keys), sender)


def _open_past(group: Group, message: PrivateMessage) -> _Opened:
    past = next((past for past in group.past if past.context.epoch == message.epoch), None)
    if past is None:
        raise WrongEpoch
    secret = past.sender_data_secret
    sender, content, keys = _decrypt(group, past.tree, past.context, past.keys, secret, message)
    return _Opened(content, _with_past(group, replace(past, keys=keys)), sender)


def _with_past(group: Group, changed: PastEpoch) -> Group:
    epoch = changed.context.epoch
    past = tuple(changed if each.context.epoch == epoch else each for each in group.past)
    return replace(group, past=past)


def _decrypt(  # noqa: PLR0917  an epoch's parts, current or past
    group: Group,
    tree: RatchetTree,
    context: GroupContext,
    keys: SecretTree,
    sender_data_secret: Secret,
    message: PrivateMessage,
) -> tuple[LeafNode, AuthenticatedContent, SecretTree]:
    sender = open_sender_data(group.suite, sender_data_secret, message)
    leaf = tree.leaf(sender.leaf_index)
    _check_not_own(group, Member(leaf_index=sender.leaf_index))
    opened = decrypt(keys, sender, message)
    checks.check_signature(group.suite, opened.content, leaf.signature_key, context)
    return leaf, opened.content, opened.keys


def _application(opened: _Opened, said: ApplicationData) -> ApplicationMessage:
    framed = opened.content.content
    if not isinstance(framed.sender, Member) or opened.leaf is None:
        raise SenderNotAllowed
    return ApplicationMessage(
        data=said.data,
        authenticated_data=framed.authenticated_data,
        epoch=framed.epoch,
        sender=framed.sender.leaf_index,
        leaf=opened.leaf,
        group=opened.group,
    )


def _proposal(opened: _Opened, policy: Policy) -> ProposalReceived:
    group, content = opened.group, opened.content
    public = group.public.with_proposal(content, policy)
    reference = content.proposal_reference(group.suite)
    return ProposalReceived(
        proposal=public.proposals[reference].proposal,
        reference=reference,
        sender=content.content.sender,
        authenticated_data=content.content.authenticated_data,
        group=replace(group, public=public),
    )


def _commit(
    opened: _Opened, commit: Commit, policy: Policy, psks: PskSource
) -> CommitReceived | RemovedFromGroup:
    """Section 12.4.2, the rules in `public_group` first, the secrets after."""
    group, content = opened.group, opened.content
    staged = group.public.stage(content, policy)
    authenticated_data = content.content.authenticated_data
    if group.own_leaf in staged.changes.proposals.removed_leaves:
        return RemovedFromGroup(staged.changes, authenticated_data)
    update = _own_update(group, commit)
    private = _private_before_path(group, staged.changes, update)
    private, commit_secret = _take_path(private, staged, commit)
    inputs = Inputs(
        init_secret=_init_secret(group, staged.changes),
        commit_secret=commit_secret,
        psks=[group.find_psk(psk, psks) for psk in psk_names(staged.changes.proposals)],
    )
    context = staged.context
    start = inputs.joiner(group.suite, context).epoch_secrets(context.encode())
    tag = content.auth.confirmation_tag
    if tag is None:
        raise ConfirmationTagMismatch
    start.secrets.check_confirmation_tag(group.suite, context.confirmed_transcript_hash, tag)
    key = group.signature_key if update is None else update.signature_key
    after = enter_epoch(staged.group, private, key, start, past_of(group))
    return CommitReceived(staged.changes, authenticated_data, after)


def _own_update(group: Group, commit: Commit) -> PendingUpdate | None:
    """The keys of the own Update that the commit refers to, if it refers to one."""
    for item in commit.proposals:
        if isinstance(item, ProposalReference) and item.reference in group.updates:
            return group.updates[item.reference]
    return None


def _private_before_path(
    group: Group, changes: Changes, update: PendingUpdate | None
) -> PrivateTree:
    private = group.private.kept_for(group.tree, changes.tree)
    if update is None:
        return private
    return private.with_keys({node_of(group.own_leaf): update.encryption_key})


def _take_path(private: PrivateTree, staged: Staged, commit: Commit) -> tuple[PrivateTree, Secret]:
    """The keys after the commit and its secret; without a path, zeros."""
    changes, tree = staged.changes, staged.group.tree
    if commit.path is None:
        return private, no_path_secret(tree.suite)
    known = open_path(
        changes.tree,
        private,
        changes.committer,
        commit.path,
        added=changes.added_leaves,
        context=staged.provisional.encode(),
    )
    kept = private.kept_for(changes.tree, tree)
    return kept.with_keys(known.private_keys), known.commit_secret


def _init_secret(group: Group, changes: Changes) -> Secret:
    external = changes.proposals.external_init
    if external is None:
        return group.secrets.init_secret
    key = group.secrets.external_key_pair(group.suite).private
    return open_external_init(group.suite, key, external.kem_output)
