"""Recognises frames that were shown before: digests under a key, nothing of the face in them."""

import hmac
from collections.abc import Iterable, Sequence

DIGEST_BYTES = 16
SAME = 0.9  # of the frames, and all of one earlier capture


def digests_of(frames: Sequence[bytes], key: bytes) -> bytes:
    """One digest a frame; without the key nobody can tell whether a picture is among them."""
    return b"".join(hmac.digest(key, frame, "sha256")[:DIGEST_BYTES] for frame in frames)


def was_shown(digests: bytes, earlier: Iterable[bytes]) -> bool:
    """Whether almost all of these frames stand in one earlier recording.

    A camera never gives the same bytes twice, so one would be enough; a looping video, as used for
    tests, repeats some by chance. Whoever encodes the pictures anew is not recognised here.
    """
    now = _split(digests)
    return any(
        sum(one in before for one in now) >= SAME * len(now)
        for before in (set(_split(digests)) for digests in earlier)
    )


def _split(digests: bytes) -> list[bytes]:
    return [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]
