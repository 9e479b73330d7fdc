"""HPKE in base mode (RFC 9180): seal, open and export to the holder of a key."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from securechat_sdk.mls.codec import Struct, opaque
from securechat_sdk.mls.crypto.aead import Aead
from securechat_sdk.mls.crypto.hash import Hash
from securechat_sdk.mls.crypto.kem import Kem, labeled_expand, labeled_extract
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret

_BASE_MODE = b"\x00"


class HPKECiphertext(Struct):
    """RFC 9420 section 7.6: what travels, the KEM's output and the ciphertext."""

    kem_output: opaque
    ciphertext: opaque


@dataclass(frozen=True)
class Exported:
    """A secret shared with the holder of a key, and the KEM's output that travels."""

    secret: Secret
    kem_output: bytes


Seal = Callable[[bytes, bytes, bytes], HPKECiphertext]
"""Encrypts to the holder of a key, with associated data, under an `info` that was given before."""

_Expand = Callable[[bytes, int], Secret]


@dataclass(frozen=True)
class Hpke:
    """One combination of KEM, KDF and AEAD; every context encrypts once at most."""

    kem: Kem
    kdf: Hash
    aead: Aead

    @cached_property
    def suite_id(self) -> bytes:
        ids = (self.kem.hpke_id, self.kdf.hpke_id, self.aead.hpke_id)
        return b"HPKE" + b"".join(number.to_bytes(2) for number in ids)

    def seal(self, public: bytes, info: bytes, aad: bytes, plaintext: bytes) -> HPKECiphertext:
        return self.sealer(info)(public, aad, plaintext)

    def sealer(self, info: bytes) -> Seal:
        """For as many as there are: the `info`, which may hold a whole tree, is hashed once."""
        context = self._context(info)

        def seal(public: bytes, aad: bytes, plaintext: bytes) -> HPKECiphertext:
            shared = self.kem.encapsulate(public)
            expand = self._schedule(shared.secret, context)
            ciphertext = self.aead.seal(*self._aead_key(expand), aad, plaintext)
            return HPKECiphertext(shared.output, ciphertext)

        return seal

    def open(
        self, private: HpkePrivateKey, sealed: HPKECiphertext, info: bytes, aad: bytes
    ) -> Secret:
        shared = self.kem.decapsulate(private, sealed.kem_output)
        expand = self._schedule(shared, self._context(info))
        return Secret(self.aead.open(*self._aead_key(expand), aad, sealed.ciphertext))

    def export_to(self, public: bytes, info: bytes, label: bytes, length: int) -> Exported:
        shared = self.kem.encapsulate(public)
        return Exported(self._export(shared.secret, info, label, length), shared.output)

    def export_from(
        self, private: HpkePrivateKey, kem_output: bytes, info: bytes, label: bytes, length: int
    ) -> Secret:
        shared = self.kem.decapsulate(private, kem_output)
        return self._export(shared, info, label, length)

    @cached_property
    def _psk_id_hash(self) -> Secret:
        return labeled_extract(self.kdf, self.suite_id, b"", b"psk_id_hash", b"")

    def _context(self, info: bytes) -> bytes:
        """RFC 9180 section 5.1: the key schedule's context, without a pre-shared key."""
        info_hash = labeled_extract(self.kdf, self.suite_id, b"", b"info_hash", info)
        return _BASE_MODE + self._psk_id_hash + info_hash

    def _schedule(self, shared: Secret, context: bytes) -> _Expand:
        """RFC 9180 section 5.1."""
        kdf, suite_id = self.kdf, self.suite_id
        secret = labeled_extract(kdf, suite_id, shared, b"secret", b"")
        return lambda label, length: labeled_expand(kdf, suite_id, secret, label, context, length)

    def _aead_key(self, expand: _Expand) -> tuple[Secret, Secret]:
        return expand(b"key", self.aead.key_size), expand(b"base_nonce", self.aead.nonce_size)

    def _export(self, shared: Secret, info: bytes, label: bytes, length: int) -> Secret:
        secret = self._schedule(shared, self._context(info))(b"exp", self.kdf.size)
        return labeled_expand(self.kdf, self.suite_id, secret, b"sec", label, length)
