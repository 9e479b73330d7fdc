"""RFC 9420 section 6.3: encrypting a message and who sent it."""

import os
from dataclasses import dataclass, replace

from securechat_sdk.mls.codec import Reader, Struct
from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import PaddingNotZero, SenderNotMember
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    AuthenticatedContent,
    Content,
    ContentType,
    FramedContent,
    FramedContentAuthData,
    Member,
    PrivateMessage,
    ProposalContent,
    SenderData,
    WireFormat,
)
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.schedule.key_schedule import AeadKey
from securechat_sdk.mls.schedule.secret_tree import RatchetKind, SecretTree

_GUARD_SIZE = 4
_CONTENTS: dict[ContentType, type[Struct]] = {
    ContentType.APPLICATION: ApplicationData,
    ContentType.PROPOSAL: ProposalContent,
    ContentType.COMMIT: Commit,
}


@dataclass(frozen=True)
class Encrypted:
    """A message to send, and the keys without the one it used."""

    message: PrivateMessage
    keys: SecretTree


@dataclass(frozen=True)
class Decrypted:
    """What a message says, unverified, and the keys without the one it used.

    The signature is still to be checked; until then the old keys stay in force.
    """

    content: AuthenticatedContent
    keys: SecretTree


def encrypt(
    keys: SecretTree,
    sender_data_secret: Secret,
    content: AuthenticatedContent,
    *,
    padding: int = 0,
) -> Encrypted:
    """Encrypt a member's content with the sender's next key."""
    suite, framed = keys.suite, content.content
    if not isinstance(framed.sender, Member):
        raise SenderNotMember
    leaf = framed.sender.leaf_index
    key, rest = keys.next_key(leaf, _kind(framed.content_type))
    guard = os.urandom(_GUARD_SIZE)
    message = PrivateMessage(
        group_id=framed.group_id,
        epoch=framed.epoch,
        content_type=framed.content_type,
        authenticated_data=framed.authenticated_data,
        encrypted_sender_data=b"",
        ciphertext=b"",
    )
    plaintext = framed.content.encode() + content.auth.encode() + bytes(padding)
    nonce = _guarded(key.nonce, guard)
    ciphertext = suite.aead.seal(key.key, nonce, message.content_aad, plaintext)
    sender = SenderData(leaf_index=leaf, generation=key.generation, reuse_guard=guard)
    outer = sender_data_key(suite, sender_data_secret, ciphertext)
    sealed = suite.aead.seal(outer.key, outer.nonce, message.sender_data_aad, sender.encode())
    message = replace(message, encrypted_sender_data=sealed, ciphertext=ciphertext)
    return Encrypted(message, rest)


def open_sender_data(
    suite: CipherSuite, sender_data_secret: Secret, message: PrivateMessage
) -> SenderData:
    """Section 6.3.2; raises `DecryptionFailed` or `DecodeError`."""
    outer = sender_data_key(suite, sender_data_secret, message.ciphertext)
    sealed, aad = message.encrypted_sender_data, message.sender_data_aad
    return SenderData.decode(suite.aead.open(outer.key, outer.nonce, aad, sealed))


def decrypt(keys: SecretTree, sender: SenderData, message: PrivateMessage) -> Decrypted:
    """Section 6.3.1, for a sender who is known to be a member of the message's epoch."""
    kind = _kind(message.content_type)
    key, rest = keys.key_at(sender.leaf_index, kind, sender.generation)
    nonce = _guarded(key.nonce, sender.reuse_guard)
    aad, sealed = message.content_aad, message.ciphertext
    plaintext = keys.suite.aead.open(key.key, nonce, aad, sealed)
    return Decrypted(_read(plaintext, sender.leaf_index, message), rest)


def _read(plaintext: bytes, leaf: LeafIndex, message: PrivateMessage) -> AuthenticatedContent:
    """PrivateMessageContent: the content, its authentication, and nothing but zeros."""
    reader = Reader(plaintext)
    # The table says which structure belongs to the type.
    content: Content = _CONTENTS[message.content_type].read_from(reader)  # type: ignore[assignment]
    auth = FramedContentAuthData.read_for(message.content_type, reader)
    if any(reader.take(reader.remaining)):
        raise PaddingNotZero
    framed = FramedContent(
        group_id=message.group_id,
        epoch=message.epoch,
        sender=Member(leaf_index=leaf),
        authenticated_data=message.authenticated_data,
        content=content,
    )
    return AuthenticatedContent(wire_format=WireFormat.PRIVATE_MESSAGE, content=framed, auth=auth)


def sender_data_key(suite: CipherSuite, secret: Secret, ciphertext: bytes) -> AeadKey:
    """Section 6.3.2: derived from a sample of the message's ciphertext."""
    sample = ciphertext[: suite.hash.size]
    return AeadKey(
        suite.expand_with_label(secret, b"key", sample, suite.aead.key_size),
        suite.expand_with_label(secret, b"nonce", sample, suite.aead.nonce_size),
    )


def _kind(content_type: ContentType) -> RatchetKind:
    is_application = content_type is ContentType.APPLICATION
    return RatchetKind.APPLICATION if is_application else RatchetKind.HANDSHAKE


def _guarded(nonce: bytes, guard: bytes) -> bytes:
    """Section 6.3.1: a repeated generation still does not repeat the nonce."""
    head = bytes(a ^ b for a, b in zip(nonce, guard, strict=False))
    return head + nonce[_GUARD_SIZE:]
