"""The short way of the usual frames is Autobahn's way, and takes nothing else."""

import pytest
from autobahn.websocket.protocol import PreparedMessage
from websockets.frames import Frame, Opcode

from securechat.frames import text_frame, text_of

SIZES = [0, 1, 5, 125, 126, 127, 128, 65_535]


@pytest.mark.parametrize("size", [*SIZES, 65_536, 1_000_000])
def test_a_frame_has_the_bytes_that_autobahn_would_send(size: int) -> None:
    text = b"x" * size

    theirs = PreparedMessage(text, isBinary=False, applyMask=False, doNotCompress=True)

    assert text_frame(text) == theirs.payloadHybi


@pytest.mark.parametrize("size", SIZES)
def test_what_a_client_sends_is_read(size: int) -> None:
    text = ("Ünïcödé 💬 " * (size // 8 + 1)).encode()[:size].decode(errors="ignore")

    assert text_of(sent(text.encode())) == text


@pytest.mark.parametrize(
    "data",
    [
        sent_in_pieces
        for whole in [b"\x81\x85\x01\x02\x03\x04" + b"\x00" * 5]
        for sent_in_pieces in [b"", whole[:1], whole[:5], whole[:-1], whole + b"\x81", whole * 2]
    ],
)
def test_what_is_not_exactly_one_frame_is_left_to_autobahn(data: bytes) -> None:
    assert text_of(data) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x81\x05hello", id="not masked"),
        pytest.param(b"\x81\xfe\x00\x05" + b"\x00" * 9, id="not the shortest length"),
        pytest.param(b"\x81\xff" + (65_536).to_bytes(8) + b"\x00" * 65_540, id="long"),
        pytest.param(b"\x81\xff" + b"\x00" * 131, id="as long as the sign for long"),
        pytest.param(b"\x01\x80" + b"\x00" * 4, id="a beginning"),
        pytest.param(b"\x80\x80" + b"\x00" * 4, id="an end"),
        pytest.param(b"\x82\x80" + b"\x00" * 4, id="binary"),
        pytest.param(b"\x88\x80" + b"\x00" * 4, id="close"),
        pytest.param(b"\x89\x80" + b"\x00" * 4, id="ping"),
        pytest.param(b"\xc1\x80" + b"\x00" * 4, id="compressed"),
        pytest.param(b"\x81\x81\x00\x00\x00\x00\xff", id="not UTF-8"),
        pytest.param(b"\x81\x83\x00\x00\x00\x00\xed\xa0\x80", id="half a character"),
    ],
)
def test_what_is_unusual_or_forbidden_is_left_to_autobahn(data: bytes) -> None:
    assert text_of(data) is None


def sent(text: bytes) -> bytes:
    return Frame(Opcode.TEXT, text).serialize(mask=True)
