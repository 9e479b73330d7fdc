"""RFC 9420 section 12.4.3.2: entering a group from outside by an external commit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from securechat_sdk.mls.errors import ExternalPubMissing, KeyPackageSuiteMismatch
from securechat_sdk.mls.group.advance import Inputs, enter_epoch
from securechat_sdk.mls.group.commit import Author, make_path, psk_names
from securechat_sdk.mls.group.group import Group, PskSource, named_psk, no_psks
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.messages.commits import Commit, InlineProposal
from securechat_sdk.mls.messages.framing import (
    AuthenticatedContent,
    FramedContent,
    FramedContentAuthData,
    NewMemberCommit,
    PublicMessage,
    WireFormat,
    sign_content,
)
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import ExternalInit, PreSharedKey, Proposal, Remove
from securechat_sdk.mls.messages.psks import PreSharedKeyID
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import ProposalList
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.transition import Changes
from securechat_sdk.mls.schedule.key_schedule import new_external_init


@dataclass(frozen=True)
class ExternalJoin:
    """An external commit on its way. Keep `group` if it is accepted; otherwise try again."""

    message: MLSMessage
    group_info: GroupInfo
    group: Group


def join_from_outside(
    group_info: GroupInfo,
    own: OwnKeyPackage,
    policy: Policy,
    *,
    tree: RatchetTreeExtension | None = None,
    replaces: LeafIndex | None = None,
    psk_ids: Sequence[PreSharedKeyID] = (),
    psks: PskSource = no_psks,
    authenticated_data: bytes = b"",
) -> ExternalJoin:
    """Join the group that the GroupInfo describes, in the place of an old self if `replaces`."""
    public = PublicGroup.from_group_info(group_info, policy, tree)
    if own.package.cipher_suite != public.suite.number:
        raise KeyPackageSuiteMismatch
    external_pub = group_info.external_pub
    if external_pub is None:
        raise ExternalPubMissing
    init = new_external_init(public.suite, external_pub)
    proposals: list[Proposal] = [ExternalInit(kem_output=init.kem_output)]
    if replaces is not None:
        proposals.append(Remove(removed=replaces))
    proposals += [PreSharedKey(psk=psk) for psk in psk_ids]
    items = tuple(InlineProposal(proposal=proposal) for proposal in proposals)
    listed = ProposalList.resolve(Commit(proposals=items, path=None), NewMemberCommit(), {})
    changes = Changes.of(public.context, public.tree, listed, NewMemberCommit(), policy)
    named = [named_psk(psk, psks) for psk in psk_names(listed)]
    merged = make_path(changes, Author(own.package.leaf_node, own.signature_key), policy)
    content = _sign(
        public, own, Commit(proposals=items, path=merged.update_path), authenticated_data
    )
    context = public.confirmed(merged.provisional, content)
    inputs = Inputs(init.init_secret, merged.commit_secret, named)
    start = inputs.joiner(public.suite, context).epoch_secrets(context.encode())
    tag = start.secrets.confirmation_tag(public.suite, context.confirmed_transcript_hash)
    auth = replace(content.auth, confirmation_tag=tag)
    message = PublicMessage(content=content.content, auth=auth, membership_tag=None)
    joined = PublicGroup(context, merged.tree, tag)
    group = enter_epoch(joined, merged.private, own.signature_key, start, ())
    return ExternalJoin(MLSMessage.of(message), group.group_info(with_tree=True), group)


def _sign(
    public: PublicGroup, own: OwnKeyPackage, commit: Commit, authenticated_data: bytes
) -> AuthenticatedContent:
    content = FramedContent(
        group_id=public.context.group_id,
        epoch=public.context.epoch,
        sender=NewMemberCommit(),
        authenticated_data=authenticated_data,
        content=commit,
    )
    wire_format = WireFormat.PUBLIC_MESSAGE
    signature = sign_content(public.suite, own.signature_key, wire_format, content, public.context)
    auth = FramedContentAuthData(signature=signature, confirmation_tag=None)
    return AuthenticatedContent(wire_format=wire_format, content=content, auth=auth)
