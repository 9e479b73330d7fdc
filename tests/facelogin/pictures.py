"""Pictures made of bytes, for what must be decided before anything is decoded."""

import struct
import zlib


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def frame_header(
    *, width: int = 640, height: int = 480, marker: int = 0xC0, precision: int = 8, colours: int = 3
) -> bytes:
    body = struct.pack(">BHHB", precision, height, width, colours) + b"\1\x22\0" * colours
    return segment(marker, body)


def picture(*headers: bytes) -> bytes:
    """A JPEG as far as its headers go."""
    scan = segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0") + b"\x12\x34\x56"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"".join(headers) + scan + b"\xff\xd9"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(width + 1)) for _ in range(height)) + rows.flush()
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


GOOD = picture(frame_header())
