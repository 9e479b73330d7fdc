"""RFC 9420 section 6: content, its authentication, and the two ways in which it is framed."""

from enum import IntEnum
from typing import Annotated, Self

from securechat_sdk.mls.codec import (
    Fixed,
    Reader,
    Select,
    Struct,
    UInt,
    encode_opaque,
    opaque,
    uint32,
    uint64,
)
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import PROPOSAL_REFERENCE, CipherSuite
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import leaf_index
from securechat_sdk.mls.messages.leaf_nodes import MLS10
from securechat_sdk.mls.messages.proposals import Proposal

_LABEL = b"FramedContentTBS"


class WireFormat(IntEnum):
    """Section 17.2."""

    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ContentType(IntEnum):
    """What a message carries."""

    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    """Who may speak to a group."""

    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


class Member(Struct):
    """The member at this leaf."""

    leaf_index: leaf_index


class External(Struct):
    """The sender at this place in the external_senders extension."""

    sender_index: uint32


class NewMemberProposal(Struct):
    """A client that proposes to add itself."""


class NewMemberCommit(Struct):
    """A client that adds itself by an external commit."""


Sender = Annotated[
    Member | External | NewMemberProposal | NewMemberCommit,
    Select(
        UInt(1),
        {
            SenderType.MEMBER: Member,
            SenderType.EXTERNAL: External,
            SenderType.NEW_MEMBER_PROPOSAL: NewMemberProposal,
            SenderType.NEW_MEMBER_COMMIT: NewMemberCommit,
        },
    ),
]


class ApplicationData(Struct):
    """Bytes whose meaning is the application's."""

    data: opaque


class ProposalContent(Struct):
    """A proposal on its own."""

    proposal: Proposal


_CONTENT = Select(
    UInt(1),
    {
        ContentType.APPLICATION: ApplicationData,
        ContentType.PROPOSAL: ProposalContent,
        ContentType.COMMIT: Commit,
    },
)

Content = Annotated[ApplicationData | ProposalContent | Commit, _CONTENT]


class FramedContent(Struct):
    """Section 6: who says what in which epoch of which group."""

    group_id: opaque
    epoch: uint64
    sender: Sender
    authenticated_data: opaque
    content: Content

    @property
    def content_type(self) -> ContentType:
        return ContentType(_CONTENT.tag_of(self.content))


class FramedContentAuthData(Struct):
    """Section 6.1: the signature and, for a commit, the confirmation tag.

    Whether there is a tag depends on the content, so the owner of both reads and writes this.
    """

    signature: opaque
    confirmation_tag: opaque | None

    def write_to(self, out: bytearray) -> None:
        out += encode_opaque(self.signature)
        if self.confirmation_tag is not None:
            out += encode_opaque(self.confirmation_tag)

    @classmethod
    def read_for(cls, content_type: ContentType, reader: Reader) -> Self:
        signature = reader.opaque()
        tag = reader.opaque() if content_type is ContentType.COMMIT else None
        return cls(signature=signature, confirmation_tag=tag)


class AuthenticatedContent(Struct):
    """Section 6: content with its authentication, framed or to be framed."""

    wire_format: Annotated[WireFormat, UInt(2, WireFormat)]
    content: FramedContent
    auth: FramedContentAuthData

    @classmethod
    def read_from(cls, reader: Reader) -> Self:
        wire_format = WireFormat(UInt(2, WireFormat).read(reader))
        content = FramedContent.read_from(reader)
        auth = FramedContentAuthData.read_for(content.content_type, reader)
        return cls(wire_format=wire_format, content=content, auth=auth)

    def proposal_reference(self, suite: CipherSuite) -> bytes:
        """ProposalRef, section 5.2."""
        return suite.ref_hash(PROPOSAL_REFERENCE, self.encode())

    def check_signature(self, suite: CipherSuite, key: bytes, context: GroupContext) -> None:
        """Section 6.1; raises `InvalidSignature` or `InvalidKey`."""
        signed = to_be_signed(self.wire_format, self.content, context)
        suite.verify_with_label(key, _LABEL, signed, self.auth.signature)

    def membership_content(self, context: GroupContext) -> bytes:
        """Section 6.2: AuthenticatedContentTBM, what the membership tag covers."""
        return to_be_signed(self.wire_format, self.content, context) + self.auth.encode()


def to_be_signed(wire_format: WireFormat, content: FramedContent, context: GroupContext) -> bytes:
    """FramedContentTBS, section 6.1: those inside the group, or entering, sign its context."""
    signed = MLS10.to_bytes(2) + wire_format.to_bytes(2) + content.encode()
    if isinstance(content.sender, Member | NewMemberCommit):
        signed += context.encode()
    return signed


def sign_content(
    suite: CipherSuite,
    private: SignaturePrivateKey,
    wire_format: WireFormat,
    content: FramedContent,
    context: GroupContext,
) -> bytes:
    """The signature of FramedContentAuthData."""
    return suite.sign_with_label(private, _LABEL, to_be_signed(wire_format, content, context))


class PublicMessage(Struct):
    """Section 6.2: signed and readable; members add a tag that only members can make."""

    content: FramedContent
    auth: FramedContentAuthData
    membership_tag: opaque | None

    def write_to(self, out: bytearray) -> None:
        self.content.write_to(out)
        self.auth.write_to(out)
        if self.membership_tag is not None:
            out += encode_opaque(self.membership_tag)

    @classmethod
    def read_from(cls, reader: Reader) -> Self:
        content = FramedContent.read_from(reader)
        auth = FramedContentAuthData.read_for(content.content_type, reader)
        tag = reader.opaque() if isinstance(content.sender, Member) else None
        return cls(content=content, auth=auth, membership_tag=tag)

    @property
    def authenticated(self) -> AuthenticatedContent:
        return AuthenticatedContent(
            wire_format=WireFormat.PUBLIC_MESSAGE, content=self.content, auth=self.auth
        )

    def proposal_reference(self, suite: CipherSuite) -> bytes:
        return self.authenticated.proposal_reference(suite)


class PrivateMessage(Struct):
    """Section 6.3: what everyone may see of an encrypted message."""

    group_id: opaque
    epoch: uint64
    content_type: Annotated[ContentType, UInt(1, ContentType)]
    authenticated_data: opaque
    encrypted_sender_data: opaque
    ciphertext: opaque

    @property
    def content_aad(self) -> bytes:
        """PrivateContentAAD, section 6.3.1."""
        return self.sender_data_aad + encode_opaque(self.authenticated_data)

    @property
    def sender_data_aad(self) -> bytes:
        """SenderDataAAD, section 6.3.2."""
        head = encode_opaque(self.group_id) + self.epoch.to_bytes(8)
        return head + self.content_type.to_bytes(1)


class SenderData(Struct):
    """Section 6.3.2: which key of whom opens a message; travels encrypted."""

    leaf_index: leaf_index
    generation: uint32
    reuse_guard: Annotated[bytes, Fixed(4)]
