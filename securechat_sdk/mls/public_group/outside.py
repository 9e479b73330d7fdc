"""RFC 9420 section 12.1.8: proposals from outside, which need no secret of the group."""

from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.messages.framing import (
    External,
    FramedContent,
    FramedContentAuthData,
    NewMemberProposal,
    ProposalContent,
    PublicMessage,
    Sender,
    WireFormat,
    sign_content,
)
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal


def propose_as_external_sender(
    context: GroupContext,
    sender_index: int,
    signature_key: SignaturePrivateKey,
    proposal: Proposal,
    authenticated_data: bytes = b"",
) -> MLSMessage:
    """A proposal by one whom the group lists in its external_senders."""
    sender = External(sender_index=sender_index)
    return _propose(context, sender, signature_key, proposal, authenticated_data)


def propose_self(
    context: GroupContext,
    package: UncheckedKeyPackage,
    signature_key: SignaturePrivateKey,
    authenticated_data: bytes = b"",
) -> MLSMessage:
    """A client's proposal to add itself, signed with its key package's signature key."""
    proposal = Add(key_package=package)
    return _propose(context, NewMemberProposal(), signature_key, proposal, authenticated_data)


def _propose(
    context: GroupContext,
    sender: Sender,
    signature_key: SignaturePrivateKey,
    proposal: Proposal,
    authenticated_data: bytes,
) -> MLSMessage:
    content = FramedContent(
        group_id=context.group_id,
        epoch=context.epoch,
        sender=sender,
        authenticated_data=authenticated_data,
        content=ProposalContent(proposal=proposal),
    )
    suite = cipher_suite(context.cipher_suite)
    signature = sign_content(suite, signature_key, WireFormat.PUBLIC_MESSAGE, content, context)
    auth = FramedContentAuthData(signature=signature, confirmation_tag=None)
    return MLSMessage.of(PublicMessage(content=content, auth=auth, membership_tag=None))
