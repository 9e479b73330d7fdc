"""RFC 9420 section 8.4: many pre-shared keys become one secret."""

from collections.abc import Sequence
from dataclasses import dataclass

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.messages.psks import PreSharedKeyID, PSKLabel


@dataclass(frozen=True)
class NamedPsk:
    """A pre-shared key and its name."""

    id: PreSharedKeyID
    secret: Secret


def psk_secret(suite: CipherSuite, psks: Sequence[NamedPsk]) -> Secret:
    """All keys in their order; without any, zeros."""
    zeros = Secret(bytes(suite.hash.size))
    result = zeros
    for index, psk in enumerate(psks):
        extracted = suite.hash.extract(zeros, psk.secret)
        label = PSKLabel(id=psk.id, index=index, count=len(psks)).encode()
        mixed = suite.expand_with_label(extracted, b"derived psk", label, suite.hash.size)
        result = suite.hash.extract(mixed, result)
    return result
