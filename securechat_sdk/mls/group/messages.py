"""RFC 9420 section 6: what a member says, framed for the others."""

from dataclasses import dataclass, field, replace

from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.errors import CommitFirst, GroupClosed
from securechat_sdk.mls.group.group import Group, PendingUpdate
from securechat_sdk.mls.messages.credentials import Credential
from securechat_sdk.mls.messages.extensions import Extensions
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    AuthenticatedContent,
    Content,
    FramedContent,
    FramedContentAuthData,
    Member,
    ProposalContent,
    PublicMessage,
    WireFormat,
    sign_content,
)
from securechat_sdk.mls.messages.leaf_nodes import (
    Capabilities,
    LeafNode,
    LeafNodeContent,
    Place,
    Source,
    UpdateSource,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Proposal, Update
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.schedule import private_messages


@dataclass(frozen=True)
class Framing:
    """How a handshake travels: readable by the server, or encrypted for the group."""

    is_private: bool = False
    authenticated_data: bytes = b""
    padding: int = 0

    @property
    def wire_format(self) -> WireFormat:
        return WireFormat.PRIVATE_MESSAGE if self.is_private else WireFormat.PUBLIC_MESSAGE


PUBLIC = Framing()
PRIVATE = Framing(is_private=True)


@dataclass(frozen=True)
class Outgoing:
    """A message to send and the state to save before it is sent."""

    message: MLSMessage
    group: Group


@dataclass(frozen=True)
class LeafChanges:
    """What a member changes about itself along with its key; None leaves things as they are."""

    signature_key: SignaturePrivateKey | None = None
    credential: Credential | None = None
    capabilities: Capabilities | None = None
    extensions: Extensions | None = None


KEEP_LEAF = LeafChanges()


@dataclass(frozen=True)
class SignedLeaf:
    """A new leaf and the private keys behind it."""

    node: LeafNode
    keys: PendingUpdate = field(repr=False)


def encrypt(
    group: Group, data: bytes, *, authenticated_data: bytes = b"", padding: int = 0
) -> Outgoing:
    """Encrypt application data for the group, followed by that many zeros.

    Raises `CommitFirst` while a removal waits: nobody speaks to those about to be removed.
    """
    check_open(group)
    if group.waiting_removals:
        raise CommitFirst
    framing = Framing(is_private=True, authenticated_data=authenticated_data, padding=padding)
    return frame(group, sign(group, ApplicationData(data=data), framing), framing)


def propose(
    group: Group, proposal: Proposal, policy: Policy, framing: Framing = PUBLIC
) -> Outgoing:
    """Send a proposal on its own; it waits here too for a commit to refer to it."""
    check_open(group)
    content = sign(group, ProposalContent(proposal=proposal), framing)
    public = group.public.with_proposal(content, policy)
    return frame(replace(group, public=public), content, framing)


def propose_update(
    group: Group, policy: Policy, changes: LeafChanges = KEEP_LEAF, framing: Framing = PUBLIC
) -> Outgoing:
    """Propose fresh keys for the own leaf; the keys are kept until somebody commits."""
    check_open(group)
    leaf = new_leaf(group, changes, UpdateSource())
    content = sign(group, ProposalContent(proposal=Update(leaf_node=leaf.node)), framing)
    reference = content.proposal_reference(group.suite)
    public = group.public.with_proposal(content, policy)
    updates = {**group.updates, reference: leaf.keys}
    return frame(replace(group, public=public, updates=updates), content, framing)


def new_leaf(group: Group, changes: LeafChanges, source: Source) -> SignedLeaf:
    """The own leaf with a fresh encryption key, signed for its place."""
    pair = group.suite.hpke.kem.generate_key_pair()
    signature_key = changes.signature_key or group.signature_key
    place = Place(group.group_id, group.own_leaf)
    content = leaf_content(group.tree.leaf(group.own_leaf), changes)
    content = replace(
        content,
        encryption_key=pair.public,
        signature_key=group.suite.signature.public_key_of(signature_key),
        source=source,
    )
    node = content.sign(group.suite, signature_key, place=place)
    return SignedLeaf(node, PendingUpdate(pair.private, signature_key))


def leaf_content(old: LeafNode, changes: LeafChanges) -> LeafNodeContent:
    return LeafNodeContent(
        encryption_key=old.encryption_key,
        signature_key=old.signature_key,
        credential=changes.credential or old.credential,
        capabilities=changes.capabilities or old.capabilities,
        source=old.source,
        extensions=old.extensions if changes.extensions is None else changes.extensions,
    )


def check_open(group: Group) -> None:
    if group.public.reinit is not None:
        raise GroupClosed


def sign(
    group: Group,
    content: Content,
    framing: Framing,
) -> AuthenticatedContent:
    """The content as this member says it in this epoch."""
    framed = FramedContent(
        group_id=group.group_id,
        epoch=group.epoch,
        sender=Member(leaf_index=group.own_leaf),
        authenticated_data=framing.authenticated_data,
        content=content,
    )
    wire_format = framing.wire_format
    signature = sign_content(group.suite, group.signature_key, wire_format, framed, group.context)
    auth = FramedContentAuthData(signature=signature, confirmation_tag=None)
    return AuthenticatedContent(wire_format=wire_format, content=framed, auth=auth)


def frame(group: Group, content: AuthenticatedContent, framing: Framing) -> Outgoing:
    """Put signed content on the wire; a private message uses up one of the group's keys."""
    if not framing.is_private:
        tag = group.secrets.membership_tag(group.suite, content.membership_content(group.context))
        message = PublicMessage(content=content.content, auth=content.auth, membership_tag=tag)
        return Outgoing(MLSMessage.of(message), group)
    secret, padding = group.secrets.sender_data_secret, framing.padding
    sent = private_messages.encrypt(group.keys, secret, content, padding=padding)
    return Outgoing(MLSMessage.of(sent.message), group.with_keys(sent.keys))
