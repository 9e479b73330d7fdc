"""What the server reads of an MLS message: its envelope, never its content. No rows, no clock.

What follows from a group's state is checked in `messaging.groups`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from messaging.errors import (
    CommitInvalid,
    GroupInfoInvalid,
    KeyPackageInvalid,
    MessageInvalid,
    ProposalInvalid,
    ProposalNotSupported,
    WelcomeMissing,
)
from securechat_sdk.identity import DeviceCredential, judge, read_credential
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.framing import (
    ContentType,
    Member,
    NewMemberCommit,
    PrivateMessage,
    ProposalContent,
    PublicMessage,
)
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import KeyPackage, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.mls_message import Body, MLSMessage
from securechat_sdk.mls.messages.proposals import Add, ExternalInit, Remove
from securechat_sdk.mls.messages.welcome import EncryptedGroupSecrets, Welcome
from securechat_sdk.wire.errors import ChatError
from securechat_sdk.wire.frames import MAX_GROUP_INFO_BYTES

B = TypeVar("B", bound=Body)

ALLOWED_SUITES = frozenset({0xF04E, 0x0001})
MAX_WELCOME_BYTES = MAX_GROUP_INFO_BYTES


@dataclass(frozen=True)
class Owner:
    """The device that a leaf has to belong to."""

    device_id: UUID
    credential: bytes
    signature_key: bytes

    def owns(self, leaf: LeafNode) -> bool:
        """Whether the leaf carries exactly this device's credential and key."""
        credential = _device_credential(leaf)
        return credential is not None and (
            UUID(bytes=credential.device_id) == self.device_id
            and credential.encode() == self.credential
            and leaf.signature_key == self.signature_key
        )


@dataclass(frozen=True)
class ReadKeyPackage:
    """A key package that verifies."""

    key_package: KeyPackage

    @property
    def reference(self) -> bytes:
        return self.key_package.reference

    @property
    def cipher_suite(self) -> int:
        return self.key_package.cipher_suite

    @property
    def leaf(self) -> LeafNode:
        return self.key_package.leaf_node

    @property
    def device_id(self) -> UUID:
        return UUID(bytes=read_credential(self.leaf.credential).device_id)

    @property
    def not_after(self) -> datetime:
        return datetime.fromtimestamp(self.key_package.lifetime.not_after, tz=UTC)

    @property
    def bytes_to_hand_out(self) -> bytes:
        return MLSMessage.of(self.key_package).encode()


@dataclass(frozen=True)
class ReadMessage:
    """An application message."""

    group: bytes
    epoch: int


@dataclass(frozen=True)
class ReadHandshake:
    """A commit or proposal, and the leaf that says to have sent it.

    Who rejoins has no leaf yet: it is then the one that it gives up.
    """

    message: PublicMessage
    sender_leaf: LeafIndex

    @property
    def is_rejoin(self) -> bool:
        return isinstance(self.message.content.sender, NewMemberCommit)

    @property
    def group(self) -> bytes:
        return self.message.content.group_id

    @property
    def epoch(self) -> int:
        return self.message.content.epoch


def read_key_package(data: bytes, *, now: int) -> ReadKeyPackage:
    """Check what RFC 9420 section 10.1 asks for; raises `KeyPackageInvalid`."""
    package = _read(data, UncheckedKeyPackage, KeyPackageInvalid)
    try:
        return ReadKeyPackage(package.check(now=now, suites=ALLOWED_SUITES, judge=judge))
    except MLSError as error:
        raise KeyPackageInvalid(str(error), reason=error.code) from None


def read_message(data: bytes) -> ReadMessage:
    """Raises `MessageInvalid` unless it is application data in a PrivateMessage."""
    message = _read(data, PrivateMessage, MessageInvalid)
    if message.content_type is not ContentType.APPLICATION:
        raise MessageInvalid("Handshakes travel as PublicMessage.")
    return ReadMessage(group=message.group_id, epoch=message.epoch)


def read_commit(data: bytes) -> ReadHandshake:
    """Raises `CommitInvalid` or `ProposalNotSupported`."""
    message = _read(data, PublicMessage, CommitInvalid)
    commit, sender = message.content.content, message.content.sender
    if not isinstance(commit, Commit):
        raise CommitInvalid("This is no commit.")
    if isinstance(sender, NewMemberCommit):
        return ReadHandshake(message, _leaf_given_up(commit))
    if not isinstance(sender, Member):
        raise ProposalNotSupported
    if not all(isinstance(proposal, Add | Remove) for proposal in commit.inline_proposals):
        raise ProposalNotSupported
    return ReadHandshake(message, sender.leaf_index)


def _leaf_given_up(commit: Commit) -> LeafIndex:
    """RFC 9420 section 12.4.3.2, and narrower: nobody comes in who is not in already."""
    match sorted(commit.inline_proposals, key=lambda proposal: isinstance(proposal, Remove)):
        case [ExternalInit(), Remove(removed=leaf)] if not commit.references:
            return leaf
    raise ProposalNotSupported("From outside a device does no more than replace its own leaf.")


def read_leave(data: bytes) -> ReadHandshake:
    """Raises `ProposalInvalid` or, unless it removes its own sender, `ProposalNotSupported`."""
    message = read_proposal(data)
    sender = message.content.sender
    if not isinstance(sender, Member):
        raise ProposalNotSupported
    if message.content.content != ProposalContent(proposal=Remove(removed=sender.leaf_index)):
        raise ProposalNotSupported
    return ReadHandshake(message, sender.leaf_index)


def read_proposal(data: bytes) -> PublicMessage:
    """Raises `ProposalInvalid`."""
    message = _read(data, PublicMessage, ProposalInvalid)
    if not isinstance(message.content.content, ProposalContent):
        raise ProposalInvalid("This is no proposal.")
    return message


def read_group_info(data: bytes, refusal: type[ChatError] = GroupInfoInvalid) -> GroupInfo:
    """Raises the refusal; what it says is checked in `messaging.groups`."""
    return _read(data, GroupInfo, refusal)


def split_welcome(data: bytes, added: Iterable[UncheckedKeyPackage]) -> dict[bytes, bytes]:
    """Return, for each key package's reference, a Welcome with this one's secrets alone.

    Raises `WelcomeMissing` unless the Welcome is for exactly the key packages that were added.
    """
    welcome = _read(data, Welcome, WelcomeMissing)
    expected = {package.reference: package.cipher_suite for package in added}
    if sorted(welcome.key_package_references) != sorted(expected):
        raise WelcomeMissing("The Welcome is not for exactly the added key packages.")
    if set(expected.values()) != {welcome.cipher_suite}:
        raise WelcomeMissing("The Welcome is for another cipher suite.")
    singles = {secrets.new_member: _welcome_of(welcome, secrets) for secrets in welcome.secrets}
    if any(len(single) > MAX_WELCOME_BYTES for single in singles.values()):
        raise WelcomeMissing("The Welcome is larger than one without the tree.")
    return singles


def _welcome_of(welcome: Welcome, secrets: EncryptedGroupSecrets) -> bytes:
    single = Welcome(
        cipher_suite=welcome.cipher_suite,
        secrets=(secrets,),
        encrypted_group_info=welcome.encrypted_group_info,
    )
    return MLSMessage.of(single).encode()


def _read(data: bytes, kind: type[B], refusal: type[ChatError]) -> B:
    try:
        body = MLSMessage.decode(data).body
    except MLSError as error:
        raise refusal(str(error), reason=error.code) from None
    if not isinstance(body, kind):
        raise refusal(f"A {kind.__name__.removeprefix('Unchecked')} is expected here.")
    return body


def _device_credential(leaf: LeafNode) -> DeviceCredential | None:
    try:
        return read_credential(leaf.credential)
    except MLSError:
        return None
