"""Invented clients with real keys."""

from dataclasses import dataclass, replace

from securechat_sdk.mls.crypto.kem import KeyPair
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.messages.credentials import BasicCredential, Claim
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.key_packages import KeyPackageContent, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import (
    MLS10,
    Capabilities,
    KeyPackageSource,
    LeafNodeContent,
    Lifetime,
)

NOW = 1_800_000_000
DAY = 24 * 3600
CAPABILITIES = Capabilities(
    versions=(MLS10,), cipher_suites=(1,), extensions=(0x000A,), proposals=(), credentials=(1,)
)


def accept_anyone(_claim: Claim) -> None:
    """Judge nobody."""


@dataclass(frozen=True)
class Card:
    """A client's key package and the private keys behind it."""

    suite: CipherSuite
    signature_key: SignaturePrivateKey
    init: KeyPair
    encryption: KeyPair
    package: UncheckedKeyPackage

    def edited(self, **changes: object) -> UncheckedKeyPackage:
        """The key package with other content, signed again."""
        content = {name: getattr(self.package, name) for name in KeyPackageContent.names()}
        return KeyPackageContent(**{**content, **changes}).sign(self.suite, self.signature_key)

    def with_leaf(self, **changes: object) -> UncheckedKeyPackage:
        """The key package with another leaf, everything signed again."""
        leaf = self.package.leaf_node
        content = {name: getattr(leaf, name) for name in LeafNodeContent.names()}
        signed = LeafNodeContent(**{**content, **changes}).sign(self.suite, self.signature_key)
        return self.edited(leaf_node=signed)


def make_card(
    name: str,
    suite_number: int = 1,
    *,
    lifetime: Lifetime | None = None,
    capabilities: Capabilities | None = None,
    extensions: tuple[Extension, ...] = (),
) -> Card:
    suite = cipher_suite(suite_number)
    signature_key = suite.signature.generate()
    init, encryption = (suite.hpke.kem.generate_key_pair() for _ in range(2))
    leaf = LeafNodeContent(
        encryption_key=encryption.public,
        signature_key=suite.signature.public_key_of(signature_key),
        credential=BasicCredential(identity=name.encode()),
        capabilities=capabilities or replace(CAPABILITIES, cipher_suites=(suite_number,)),
        source=KeyPackageSource(
            lifetime=lifetime or Lifetime(not_before=NOW - DAY, not_after=NOW + 89 * DAY)
        ),
        extensions=(),
    ).sign(suite, signature_key)
    package = KeyPackageContent(
        version=MLS10,
        cipher_suite=suite_number,
        init_key=init.public,
        leaf_node=leaf,
        extensions=extensions,
    ).sign(suite, signature_key)
    return Card(suite, signature_key, init, encryption, package)
