"""What the server reads of an MLS message: its envelope, never its content. No rows, no clock.

Checked here: structure, wire format, group, epoch, the signatures of key packages and of a new
leaf, and whose they are. Not checked yet: the commit's own signature, which covers a
GroupContext that only the public tree gives (RFC 9420 section 6.1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from messaging.errors import (
    CommitInvalid,
    KeyPackageInvalid,
    MessageInvalid,
    ProposalNotSupported,
    WelcomeMissing,
)
from securechat_sdk.identity import DeviceCredential, judge, read_credential
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.messages.commits import Commit, InlineProposal, ProposalOrRef, UpdatePath
from securechat_sdk.mls.messages.framing import ContentType, Member, PrivateMessage, PublicMessage
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import KeyPackage, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import CommitSource, LeafNode, Place
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add
from securechat_sdk.mls.messages.welcome import EncryptedGroupSecrets, Welcome

ALLOWED_SUITES = frozenset({0x0001})


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
class ReadCommit:
    """A commit that adds the devices of these key packages, and the new leaf of its sender."""

    group: bytes
    epoch: int
    sender_leaf: LeafIndex
    added: tuple[ReadKeyPackage, ...]
    path: UpdatePath | None

    def check_new_leaf(self, owner: Owner, suite: int) -> None:
        """RFC 9420 section 7.3: made for this commit, signed for this place, by its sender."""
        if self.path is None:
            return
        leaf = self.path.leaf_node
        if not isinstance(leaf.source, CommitSource) or not owner.owns(leaf):
            raise CommitInvalid("The new leaf is not the sender's.")
        place = Place(self.group, self.sender_leaf)
        try:
            leaf.check_signature(cipher_suite(suite), place=place)
        except MLSError as error:
            raise CommitInvalid(str(error)) from None


def read_key_package(data: bytes, *, now: int) -> ReadKeyPackage:
    """Check what RFC 9420 section 10.1 asks for; raises `KeyPackageInvalid`."""
    try:
        body = MLSMessage.decode(data).body
        if not isinstance(body, UncheckedKeyPackage):
            raise KeyPackageInvalid("This is not a key package.")
        return _checked(body, now)
    except MLSError as error:
        raise KeyPackageInvalid(str(error)) from None


def read_message(data: bytes) -> ReadMessage:
    """Raises `MessageInvalid` unless it is application data in a PrivateMessage."""
    try:
        body = MLSMessage.decode(data).body
    except MLSError as error:
        raise MessageInvalid(str(error)) from None
    if not isinstance(body, PrivateMessage):
        raise MessageInvalid("Application data travels as PrivateMessage.")
    if body.content_type is not ContentType.APPLICATION:
        raise MessageInvalid("Handshakes travel as PublicMessage.")
    return ReadMessage(group=body.group_id, epoch=body.epoch)


def read_commit(data: bytes, *, now: int) -> ReadCommit:
    """Raises `CommitInvalid` or `ProposalNotSupported`."""
    try:
        body = MLSMessage.decode(data).body
    except MLSError as error:
        raise CommitInvalid(str(error)) from None
    if not isinstance(body, PublicMessage):
        raise CommitInvalid("A commit travels as PublicMessage.")
    content = body.content
    if not isinstance(content.content, Commit):
        raise CommitInvalid("This is no commit.")
    if not isinstance(content.sender, Member):
        raise ProposalNotSupported("In this version only members commit.")
    commit = content.content
    _check_path_is_there(commit)
    return ReadCommit(
        group=content.group_id,
        epoch=content.epoch,
        sender_leaf=content.sender.leaf_index,
        added=tuple(_added(proposal, now) for proposal in commit.proposals),
        path=commit.path,
    )


def split_welcome(data: bytes, added: Iterable[ReadKeyPackage]) -> dict[bytes, bytes]:
    """Return, for each key package's reference, a Welcome with this one's secrets alone.

    Raises `WelcomeMissing` unless the Welcome is for exactly the key packages that were added.
    """
    welcome = _read_welcome(data)
    expected = {package.reference: package.cipher_suite for package in added}
    references = welcome.key_package_references
    if sorted(references) != sorted(expected):
        raise WelcomeMissing("The Welcome is not for exactly the added key packages.")
    if set(expected.values()) != {welcome.cipher_suite}:
        raise WelcomeMissing("The Welcome is for another cipher suite.")
    return {secrets.new_member: _welcome_of(welcome, secrets) for secrets in welcome.secrets}


def _read_welcome(data: bytes) -> Welcome:
    try:
        body = MLSMessage.decode(data).body
    except MLSError as error:
        raise WelcomeMissing(str(error)) from None
    if not isinstance(body, Welcome):
        raise WelcomeMissing("This is no Welcome.")
    return body


def _welcome_of(welcome: Welcome, secrets: EncryptedGroupSecrets) -> bytes:
    single = Welcome(
        cipher_suite=welcome.cipher_suite,
        secrets=(secrets,),
        encrypted_group_info=welcome.encrypted_group_info,
    )
    return MLSMessage.of(single).encode()


def _added(item: ProposalOrRef, now: int) -> ReadKeyPackage:
    if not isinstance(item, InlineProposal) or not isinstance(item.proposal, Add):
        raise ProposalNotSupported
    try:
        return _checked(item.proposal.key_package, now)
    except MLSError as error:
        raise CommitInvalid(str(error)) from None


def _checked(key_package: UncheckedKeyPackage, now: int) -> ReadKeyPackage:
    return ReadKeyPackage(key_package.check(now=now, suites=ALLOWED_SUITES, judge=judge))


def _check_path_is_there(commit: Commit) -> None:
    """RFC 9420 section 12.4: only a commit that adds may go without a path."""
    if commit.path is None and not commit.proposals:
        raise CommitInvalid("A commit without proposals brings a path.")


def _device_credential(leaf: LeafNode) -> DeviceCredential | None:
    try:
        return read_credential(leaf.credential)
    except MLSError:
        return None
