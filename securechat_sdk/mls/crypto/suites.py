"""The cipher suites and RFC 9420 section 5's labelled operations on them."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from securechat_sdk.mls.codec import encode_length, encode_opaque
from securechat_sdk.mls.crypto.aead import AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, Aead
from securechat_sdk.mls.crypto.hash import SHA256, SHA384, SHA512, Hash
from securechat_sdk.mls.crypto.hpke import Hpke, HPKECiphertext
from securechat_sdk.mls.crypto.kem import (
    DHKEM_P256,
    DHKEM_P384,
    DHKEM_P521,
    DHKEM_X448,
    DHKEM_X25519,
    Kem,
    KeyPair,
)
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import (
    ECDSA_P256,
    ECDSA_P384,
    ECDSA_P521,
    ED448,
    ED25519,
    SignatureScheme,
)
from securechat_sdk.mls.crypto.xwing import MLKEM768_X25519
from securechat_sdk.mls.errors import UnsupportedSuite

_PREFIX = b"MLS 1.0 "
KEY_PACKAGE_REFERENCE = b"MLS 1.0 KeyPackage Reference"
PROPOSAL_REFERENCE = b"MLS 1.0 Proposal Reference"

Encryptor = Callable[[bytes, bytes], HPKECiphertext]
"""Encrypts to the holder of a key."""


@dataclass(frozen=True)
class CipherSuite:
    """One row of the cipher suite registry (section 17.1), with the operations of section 5."""

    number: int
    name: str
    hpke: Hpke
    aead: Aead
    hash: Hash
    signature: SignatureScheme

    def ref_hash(self, label: bytes, value: bytes) -> bytes:
        """RefHash, section 5.2; the label is used as it is."""
        return self.hash.digest(encode_opaque(label) + encode_opaque(value))

    def sign_with_label(self, private: SignaturePrivateKey, label: bytes, content: bytes) -> bytes:
        """SignWithLabel, section 5.1.2."""
        return self.signature.sign(private, labelled_content(_PREFIX + label, content))

    def verify_with_label(
        self, public: bytes, label: bytes, content: bytes, signature: bytes
    ) -> None:
        """VerifyWithLabel, section 5.1.2; raises `InvalidSignature` or `InvalidKey`."""
        self.signature.verify(public, signature, labelled_content(_PREFIX + label, content))

    def encrypt_with_label(
        self, public: bytes, label: bytes, context: bytes, plaintext: bytes
    ) -> HPKECiphertext:
        """EncryptWithLabel, section 5.1.3."""
        return self.encryptor_with_label(label, context)(public, plaintext)

    def encryptor_with_label(self, label: bytes, context: bytes) -> Encryptor:
        """EncryptWithLabel to many in the same context."""
        seal = self.hpke.sealer(labelled_content(_PREFIX + label, context))
        return lambda public, plaintext: seal(public, b"", plaintext)

    def decrypt_with_label(
        self, private: HpkePrivateKey, label: bytes, context: bytes, sealed: HPKECiphertext
    ) -> Secret:
        """DecryptWithLabel, section 5.1.3; raises `DecryptionFailed`."""
        return self.hpke.open(private, sealed, labelled_content(_PREFIX + label, context), b"")

    def expand_with_label(self, secret: bytes, label: bytes, context: bytes, length: int) -> Secret:
        """ExpandWithLabel, section 8."""
        name = _PREFIX + label
        info = length.to_bytes(2) + encode_length(len(name)) + name + encode_opaque(context)
        return self.hash.expand(secret, info, length)

    def derive_secret(self, secret: bytes, label: bytes) -> Secret:
        """DeriveSecret, section 8."""
        return self.expand_with_label(secret, label, b"", self.hash.size)

    def derive_tree_secret(
        self, secret: bytes, label: bytes, generation: int, length: int
    ) -> Secret:
        """DeriveTreeSecret, section 9."""
        return self.expand_with_label(secret, label, generation.to_bytes(4), length)

    def derive_key_pair(self, secret: Secret) -> KeyPair:
        return self.hpke.kem.derive_key_pair(secret)

    def random_secret(self) -> Secret:
        return Secret(os.urandom(self.hash.size))


def labelled_content(label: bytes, content: bytes) -> bytes:
    """SignContent and EncryptContext, which have the same form."""
    return encode_opaque(label) + encode_opaque(content)


def _suite(  # noqa: PLR0917  a row of the table below
    number: int, name: str, kem: Kem, aead: Aead, hash_: Hash, signature: SignatureScheme
) -> CipherSuite:
    return CipherSuite(number, name, Hpke(kem, hash_, aead), aead, hash_, signature)


# fmt: off
SUITES = {
    suite.number: suite
    for suite in (
        _suite(0x0001, "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
               DHKEM_X25519, AES_128_GCM, SHA256, ED25519),
        _suite(0x0002, "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
               DHKEM_P256, AES_128_GCM, SHA256, ECDSA_P256),
        _suite(0x0003, "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
               DHKEM_X25519, CHACHA20_POLY1305, SHA256, ED25519),
        _suite(0x0004, "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448",
               DHKEM_X448, AES_256_GCM, SHA512, ED448),
        _suite(0x0005, "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",
               DHKEM_P521, AES_256_GCM, SHA512, ECDSA_P521),
        _suite(0x0006, "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
               DHKEM_X448, CHACHA20_POLY1305, SHA512, ED448),
        _suite(0x0007, "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
               DHKEM_P384, AES_256_GCM, SHA384, ECDSA_P384),
        # draft-ietf-mls-pq-ciphersuites under a private number until IANA assigns one
        _suite(0xF04E, "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519",
               MLKEM768_X25519, AES_256_GCM, SHA384, ED25519),
    )
}
# fmt: on


def cipher_suite(number: int) -> CipherSuite:
    """The suite of that number; raises `UnsupportedSuite`."""
    try:
        return SUITES[number]
    except KeyError:
        raise UnsupportedSuite from None
