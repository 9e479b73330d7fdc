"""Hash, HMAC and HKDF of a cipher suite (RFC 5869), in their one-shot forms."""

import hashlib
import hmac
from dataclasses import dataclass

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.errors import OutOfRange

_MOST_BLOCKS = 255
_FUNCTIONS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass(frozen=True)
class Hash:
    """One hash function and what HKDF makes of it."""

    name: str
    size: int
    hpke_id: int

    def digest(self, data: bytes) -> bytes:
        return _FUNCTIONS[self.name](data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self.name)

    def extract(self, salt: bytes, secret: bytes) -> Secret:
        return Secret(hmac.digest(salt, secret, self.name))

    def expand(self, secret: bytes, info: bytes, length: int) -> Secret:
        if length <= self.size:
            return Secret(hmac.digest(secret, info + b"\x01", self.name)[:length])
        if length > _MOST_BLOCKS * self.size:
            raise OutOfRange("HKDF gives at most 255 blocks")
        output, block = b"", b""
        for counter in range(1, -(-length // self.size) + 1):
            block = hmac.digest(secret, block + info + counter.to_bytes(1), self.name)
            output += block
        return Secret(output[:length])


SHA256 = Hash("sha256", 32, 0x0001)
SHA384 = Hash("sha384", 48, 0x0002)
SHA512 = Hash("sha512", 64, 0x0003)
