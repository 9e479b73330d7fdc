"""The frames that nearly all traffic of a socket consists of (RFC 6455 section 5).

Autobahn takes many more steps for each. Whatever is in any way unusual is left to it.
"""

FINAL_TEXT = 0x81
MASKED = 0x80
LONGEST_SHORT = 125
TWO_BYTES_FOLLOW = 126
EIGHT_BYTES_FOLLOW = 127
MOST_IN_TWO_BYTES = 0xFFFF


def text_frame(text: bytes) -> bytes:
    """Return the text as a server sends it: whole and not masked."""
    size = len(text)
    if size <= LONGEST_SHORT:
        return bytes((FINAL_TEXT, size)) + text
    if size <= MOST_IN_TWO_BYTES:
        return b"%c%c%b%b" % (FINAL_TEXT, TWO_BYTES_FOLLOW, size.to_bytes(2), text)
    return b"%c%c%b%b" % (FINAL_TEXT, EIGHT_BYTES_FOLLOW, size.to_bytes(8), text)


def text_of(data: bytes) -> str | None:
    """Return the text if these are the bytes of exactly one whole masked text frame below 64 KiB.

    None stands for anything else, also for what no client may send.
    """
    if len(data) < 6 or data[0] != FINAL_TEXT or data[1] < MASKED:  # noqa: PLR2004 - the shortest: head and mask
        return None
    size, start = data[1] - MASKED, 6
    if size == TWO_BYTES_FOLLOW:
        size, start = int.from_bytes(data[2:4]), 8
        if size <= LONGEST_SHORT:  # not in its shortest form
            return None
    if len(data) != start + size or data[1] == MASKED + EIGHT_BYTES_FOLLOW:
        return None
    try:
        return _unmasked(data[start:], data[start - 4 : start]).decode()
    except UnicodeDecodeError:
        return None


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """One exclusive or of two long numbers is much faster than one of each byte."""
    size = len(payload)
    masks = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(masks)).to_bytes(size)
