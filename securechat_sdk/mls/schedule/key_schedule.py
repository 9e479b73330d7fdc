"""RFC 9420 section 8: from one epoch's secrets to the next."""

from dataclasses import dataclass, field

from securechat_sdk.mls.codec import Struct
from securechat_sdk.mls.crypto.kem import KeyPair
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret, same_tag
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import ConfirmationTagMismatch, MembershipTagMismatch
from securechat_sdk.mls.messages.welcome import secret

_EXTERNAL_INIT = b"MLS 1.0 external init secret"


@dataclass(frozen=True)
class AeadKey:
    """A key and nonce for one use: of a Welcome's GroupInfo, or of sender data."""

    key: Secret
    nonce: Secret


@dataclass(frozen=True)
class Joiner:
    """Section 8: the secret told to those who join, with the pre-shared keys mixed in."""

    suite: CipherSuite
    joiner_secret: Secret
    _member_secret: Secret = field(repr=False)

    @classmethod
    def of(cls, suite: CipherSuite, joiner_secret: Secret, psk_secret: Secret) -> "Joiner":
        member_secret = suite.hash.extract(joiner_secret, psk_secret)
        return cls(suite, joiner_secret, member_secret)

    @classmethod
    def advance(
        cls,
        suite: CipherSuite,
        init_secret: Secret,
        commit_secret: Secret,
        psk_secret: Secret,
        context: bytes,
    ) -> "Joiner":
        """From the epoch before; `context` is the new epoch's GroupContext."""
        extracted = suite.hash.extract(init_secret, commit_secret)
        joiner = suite.expand_with_label(extracted, b"joiner", context, suite.hash.size)
        return cls.of(suite, joiner, psk_secret)

    @property
    def welcome_secret(self) -> Secret:
        return self.suite.derive_secret(self._member_secret, b"welcome")

    @property
    def welcome_key(self) -> AeadKey:
        suite, secret_ = self.suite, self.welcome_secret
        return AeadKey(
            suite.expand_with_label(secret_, b"key", b"", suite.aead.key_size),
            suite.expand_with_label(secret_, b"nonce", b"", suite.aead.nonce_size),
        )

    def epoch_secrets(self, context: bytes) -> "EpochStart":
        suite = self.suite
        epoch = suite.expand_with_label(self._member_secret, b"epoch", context, suite.hash.size)
        return EpochStart.from_epoch_secret(suite, epoch)


class EpochSecrets(Struct):
    """Section 8, table 4: what an epoch keeps until it ends.

    The encryption secret is not among them: it becomes the secret tree and is forgotten.
    """

    sender_data_secret: secret
    exporter_secret: secret
    external_secret: secret
    confirmation_key: secret
    membership_key: secret
    resumption_psk: secret
    epoch_authenticator: secret
    init_secret: secret

    def external_key_pair(self, suite: CipherSuite) -> KeyPair:
        """Section 8.3: the key to which a joiner from outside encapsulates."""
        return suite.derive_key_pair(self.external_secret)

    def confirmation_tag(self, suite: CipherSuite, confirmed_transcript_hash: bytes) -> bytes:
        return suite.hash.mac(self.confirmation_key, confirmed_transcript_hash)

    def check_confirmation_tag(self, suite: CipherSuite, confirmed: bytes, tag: bytes) -> None:
        """Section 6.1: only who knows the epoch's secrets could have made the tag."""
        if not same_tag(self.confirmation_tag(suite, confirmed), tag):
            raise ConfirmationTagMismatch

    def membership_tag(self, suite: CipherSuite, content: bytes) -> bytes:
        return suite.hash.mac(self.membership_key, content)

    def check_membership_tag(self, suite: CipherSuite, content: bytes, tag: bytes | None) -> None:
        """Section 6.2: the message comes from inside the group."""
        if tag is None or not same_tag(self.membership_tag(suite, content), tag):
            raise MembershipTagMismatch

    def export(self, suite: CipherSuite, label: bytes, context: bytes, length: int) -> Secret:
        """MLS-Exporter, section 8.5."""
        derived = suite.derive_secret(self.exporter_secret, label)
        return suite.expand_with_label(derived, b"exported", suite.hash.digest(context), length)


@dataclass(frozen=True)
class EpochStart:
    """All secrets of an epoch at its beginning."""

    secrets: EpochSecrets
    encryption_secret: Secret

    @classmethod
    def from_epoch_secret(cls, suite: CipherSuite, epoch_secret: Secret) -> "EpochStart":
        def derive(label: bytes) -> Secret:
            return suite.derive_secret(epoch_secret, label)

        secrets = EpochSecrets(
            sender_data_secret=derive(b"sender data"),
            exporter_secret=derive(b"exporter"),
            external_secret=derive(b"external"),
            confirmation_key=derive(b"confirm"),
            membership_key=derive(b"membership"),
            resumption_psk=derive(b"resumption"),
            epoch_authenticator=derive(b"authentication"),
            init_secret=derive(b"init"),
        )
        return cls(secrets, derive(b"encryption"))


@dataclass(frozen=True)
class ExternalInitSecret:
    """Section 8.3: an init secret agreed with a group from outside."""

    init_secret: Secret
    kem_output: bytes


def new_external_init(suite: CipherSuite, external_pub: bytes) -> ExternalInitSecret:
    exported = suite.hpke.export_to(external_pub, b"", _EXTERNAL_INIT, suite.hash.size)
    return ExternalInitSecret(exported.secret, exported.kem_output)


def open_external_init(
    suite: CipherSuite, external_private: HpkePrivateKey, kem_output: bytes
) -> Secret:
    return suite.hpke.export_from(
        external_private, kem_output, b"", _EXTERNAL_INIT, suite.hash.size
    )
