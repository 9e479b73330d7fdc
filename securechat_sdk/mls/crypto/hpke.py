"""HPKE in base mode (RFC 9180): seal, open and export to the holder of a key."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class _Context:
    key: Secret
    nonce: Secret
    exporter_secret: Secret


@dataclass(frozen=True)
class Hpke:
    """One combination of KEM, KDF and AEAD; every context encrypts once at most."""

    kem: Kem
    kdf: Hash
    aead: Aead

    @property
    def suite_id(self) -> bytes:
        ids = (self.kem.hpke_id, self.kdf.hpke_id, self.aead.hpke_id)
        return b"HPKE" + b"".join(number.to_bytes(2) for number in ids)

    def seal(self, public: bytes, info: bytes, aad: bytes, plaintext: bytes) -> HPKECiphertext:
        shared = self.kem.encapsulate(public)
        context = self._schedule(shared.secret, info)
        ciphertext = self.aead.seal(context.key, context.nonce, aad, plaintext)
        return HPKECiphertext(shared.output, ciphertext)

    def open(
        self, private: HpkePrivateKey, sealed: HPKECiphertext, info: bytes, aad: bytes
    ) -> Secret:
        context = self._schedule(self.kem.decapsulate(private, sealed.kem_output), info)
        return Secret(self.aead.open(context.key, context.nonce, aad, sealed.ciphertext))

    def export_to(self, public: bytes, info: bytes, label: bytes, length: int) -> Exported:
        shared = self.kem.encapsulate(public)
        context = self._schedule(shared.secret, info)
        return Exported(self._export(context, label, length), shared.output)

    def export_from(
        self, private: HpkePrivateKey, kem_output: bytes, info: bytes, label: bytes, length: int
    ) -> Secret:
        context = self._schedule(self.kem.decapsulate(private, kem_output), info)
        return self._export(context, label, length)

    def _schedule(self, shared: Secret, info: bytes) -> _Context:
        """RFC 9180 section 5.1, without a pre-shared key."""
        kdf, suite_id = self.kdf, self.suite_id
        context = (
            _BASE_MODE
            + labeled_extract(kdf, suite_id, b"", b"psk_id_hash", b"")
            + labeled_extract(kdf, suite_id, b"", b"info_hash", info)
        )
        secret = labeled_extract(kdf, suite_id, shared, b"secret", b"")

        def expand(label: bytes, length: int) -> Secret:
            return labeled_expand(kdf, suite_id, secret, label, context, length)

        return _Context(
            expand(b"key", self.aead.key_size),
            expand(b"base_nonce", self.aead.nonce_size),
            expand(b"exp", kdf.size),
        )

    def _export(self, context: _Context, label: bytes, length: int) -> Secret:
        secret = context.exporter_secret
        return labeled_expand(self.kdf, self.suite_id, secret, b"sec", label, length)
