"""RFC 9420 section 8.2: the hashes over everything that was ever committed."""

from securechat_sdk.mls.codec import encode_opaque
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.messages.framing import AuthenticatedContent


def confirmed_transcript_hash(
    suite: CipherSuite, interim_before: bytes, commit: AuthenticatedContent
) -> bytes:
    """Covers the commit and its signature, not its confirmation tag."""
    head = commit.wire_format.to_bytes(2) + commit.content.encode()
    signature = encode_opaque(commit.auth.signature)
    return suite.hash.digest(interim_before + head + signature)


def interim_transcript_hash(suite: CipherSuite, confirmed: bytes, tag: bytes) -> bytes:
    """Covers the confirmation tag too."""
    return suite.hash.digest(confirmed + encode_opaque(tag))
