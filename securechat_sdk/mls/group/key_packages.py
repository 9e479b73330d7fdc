"""RFC 9420 section 10, a client's own side: making key packages and keeping what opens them."""

from dataclasses import dataclass
from typing import Annotated

from securechat_sdk.mls.codec import Opaque, Struct
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.messages.credentials import Credential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.key_packages import KeyPackageContent, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import (
    MLS10,
    Capabilities,
    KeyPackageSource,
    LeafNodeContent,
    Lifetime,
)

hpke_private_key = Annotated[HpkePrivateKey, Opaque(HpkePrivateKey)]
signature_private_key = Annotated[SignaturePrivateKey, Opaque(SignaturePrivateKey)]


@dataclass(frozen=True)
class Client:
    """What a client says of itself in every leaf, and the key with which it says it."""

    suite: CipherSuite
    signature_key: SignaturePrivateKey
    credential: Credential
    capabilities: Capabilities
    extensions: tuple[Extension, ...] = ()

    def leaf_content(self, encryption_key: bytes, lifetime: Lifetime) -> LeafNodeContent:
        return LeafNodeContent(
            encryption_key=encryption_key,
            signature_key=self.suite.signature.public_key_of(self.signature_key),
            credential=self.credential,
            capabilities=self.capabilities,
            source=KeyPackageSource(lifetime=lifetime),
            extensions=self.extensions,
        )


class OwnKeyPackage(Struct):
    """A key package with its private keys. Use it once, then forget it."""

    package: UncheckedKeyPackage
    init_key: hpke_private_key
    encryption_key: hpke_private_key
    signature_key: signature_private_key

    @property
    def suite(self) -> CipherSuite:
        return cipher_suite(self.package.cipher_suite)


def make_key_package(
    client: Client, lifetime: Lifetime, extensions: tuple[Extension, ...] = ()
) -> OwnKeyPackage:
    """Fresh keys, signed; publish `package` and keep the rest."""
    kem = client.suite.hpke.kem
    init, encryption = kem.generate_key_pair(), kem.generate_key_pair()
    leaf = client.leaf_content(encryption.public, lifetime)
    package = KeyPackageContent(
        version=MLS10,
        cipher_suite=client.suite.number,
        init_key=init.public,
        leaf_node=leaf.sign(client.suite, client.signature_key),
        extensions=extensions,
    ).sign(client.suite, client.signature_key)
    return OwnKeyPackage(
        package=package,
        init_key=init.private,
        encryption_key=encryption.private,
        signature_key=client.signature_key,
    )
