"""Who a leaf belongs to: the product's credential, judged offline by every member.

The identity bytes of a basic credential are one `DeviceCredential`: account, device, the account's
public identity key, and that key's signature over the leaf's signature key. So the server, which
never holds an account's identity key, can add neither a device nor a person silently.
"""

from typing import Annotated, Self

from securechat_sdk.mls.codec import Fixed, Struct, opaque, uint8
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.crypto.suites import labelled_content
from securechat_sdk.mls.errors import (
    CredentialRefused,
    DecodeError,
    InvalidKey,
    InvalidSignature,
)
from securechat_sdk.mls.messages.credentials import BasicCredential, Claim, Credential, Judge
from securechat_sdk.mls.messages.extensions import (
    AllowedSender,
    Extension,
    Extensions,
    ExtensionType,
    ExternalSenders,
)
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.public_group.policy import Policy

VERSION = 1
BINDING_LABEL = b"SecureChat 1.0 DeviceBinding"

_ID_SIZE = 16
_KEY_SIZE = 32
_SIGNATURE_SIZE = 64

identifier = Annotated[bytes, Fixed(_ID_SIZE)]


class MalformedDeviceCredential(CredentialRefused):
    """The identity is not a device credential of a known version."""


class DeviceNotBound(CredentialRefused):
    """The account's identity key did not sign this signature key for this device."""


class WrongSuccessor(CredentialRefused):
    """The credential belongs to another device or identity than the one it would replace."""


class DeviceBinding(Struct):
    """What the account's identity key signs."""

    version: uint8
    account_id: identifier
    device_id: identifier
    identity_key: opaque
    signature_key: opaque

    @property
    def signed_bytes(self) -> bytes:
        return labelled_content(BINDING_LABEL, self.encode())


class DeviceCredential(Struct):
    """The identity bytes of a device's basic credential."""

    version: uint8
    account_id: identifier
    device_id: identifier
    identity_key: opaque
    signature: opaque

    @classmethod
    def parse(cls, identity: bytes) -> Self:
        """Read one; raises `MalformedDeviceCredential`. The binding is still to be checked."""
        try:
            credential = cls.decode(identity)
        except DecodeError:
            raise MalformedDeviceCredential from None
        sizes = (len(credential.identity_key), len(credential.signature))
        if credential.version != VERSION or sizes != (_KEY_SIZE, _SIGNATURE_SIZE):
            raise MalformedDeviceCredential
        return credential

    def check(self, signature_key: bytes) -> None:
        """Raises `DeviceNotBound` unless the identity key signed this key for this device."""
        signed = self._binding(signature_key).signed_bytes
        try:
            ED25519.verify(self.identity_key, self.signature, signed)
        except (InvalidSignature, InvalidKey):
            raise DeviceNotBound from None

    @property
    def credential(self) -> BasicCredential:
        """The credential as it stands in a leaf."""
        return BasicCredential(identity=self.encode())

    def is_same_device(self, other: "DeviceCredential") -> bool:
        mine = (self.account_id, self.device_id, self.identity_key)
        return mine == (other.account_id, other.device_id, other.identity_key)

    def _binding(self, signature_key: bytes) -> DeviceBinding:
        return DeviceBinding(
            version=self.version,
            account_id=self.account_id,
            device_id=self.device_id,
            identity_key=self.identity_key,
            signature_key=signature_key,
        )


def issue(
    identity_private_key: SignaturePrivateKey,
    account_id: bytes,
    device_id: bytes,
    signature_key: bytes,
) -> DeviceCredential:
    """Bind a device's signature key to an account."""
    identity_key = ED25519.public_key_of(identity_private_key)
    binding = DeviceBinding(
        version=VERSION,
        account_id=account_id,
        device_id=device_id,
        identity_key=identity_key,
        signature_key=signature_key,
    )
    return DeviceCredential(
        version=VERSION,
        account_id=account_id,
        device_id=device_id,
        identity_key=identity_key,
        signature=ED25519.sign(identity_private_key, binding.signed_bytes),
    )


def read_credential(credential: Credential) -> DeviceCredential:
    """The device credential inside an MLS credential; raises `MalformedDeviceCredential`."""
    if not isinstance(credential, BasicCredential):
        raise MalformedDeviceCredential
    return DeviceCredential.parse(credential.identity)


def judge(claim: Claim) -> None:
    """The part of the judgement that needs no memory: a true chain, and the same device as before.

    Whether the identity key is the one pinned for the account is the caller's to add.
    """
    credential = read_credential(claim.credential)
    credential.check(claim.signature_key)
    if claim.predecessor is None:
        return
    if not credential.is_same_device(read_credential(claim.predecessor)):
        raise WrongSuccessor


SESSION_LABEL = b"SecureChat 1.0 SessionBinding"


def session_binding(challenge: bytes, device_id: bytes) -> bytes:
    """What a device's authentication key signs to prove that a session sits on it."""
    return labelled_content(SESSION_LABEL, challenge + device_id)


SERVER_IDENTITY = b"SecureChat 1.0 Server"


def server_sender(signature_key: bytes) -> AllowedSender:
    """The server as a group lists it: one who may propose from outside, and is nobody's device."""
    return AllowedSender(
        signature_key=signature_key, credential=BasicCredential(identity=SERVER_IDENTITY)
    )


def group_extensions(server: AllowedSender) -> Extensions:
    """The extensions of every conversation's GroupContext: the server may propose, nobody else."""
    senders = ExternalSenders(senders=(server,))
    return (
        Extension(extension_type=ExtensionType.EXTERNAL_SENDERS, extension_data=senders.encode()),
    )


def device_of(leaf: LeafNode) -> bytes:
    """The device behind a leaf; raises `MalformedDeviceCredential`, so the server gets no leaf."""
    return read_credential(leaf.credential).device_id


def conversation_policy(
    server: AllowedSender, *, now: int | None, judge_device: Judge = judge
) -> Policy:
    """The product's rules for a group: devices as members, and this server as external sender."""

    def judge_claim(claim: Claim) -> None:
        if claim != Claim(server.credential, server.signature_key):
            judge_device(claim)

    return Policy(judge_claim, now, client_of=device_of)
