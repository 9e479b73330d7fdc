"""Frames that Python and TypeScript must both read and write."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat_sdk.wire.codec import (
    InvalidFrame,
    decode_command,
    decode_content,
    decode_envelope,
    decode_server_frame,
    encode_command,
    encode_content,
    encode_envelope,
    encode_event,
)
from securechat_sdk.wire.content import Text
from securechat_sdk.wire.frames import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, SendMessage

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "decode", "encode"),
    [
        ("commands", decode_command, encode_command),
        ("server_frames", decode_server_frame, encode_event),
        ("contents", decode_content, encode_content),
        ("envelopes", decode_envelope, encode_envelope),
    ],
)
def test_golden_frames_are_read_and_written_again_as_they_were(
    name: str, decode: Callable[[bytes], Any], encode: Callable[[Any], bytes]
) -> None:
    for frame in golden(name):
        value = decode(json.dumps(frame).encode())

        assert json.loads(encode(value)) == frame
        assert decode(encode(value)) == value


@pytest.mark.parametrize("frame", golden("refused_commands"), ids=lambda frame: frame[:40])
def test_what_is_no_command_is_refused(frame: str) -> None:
    with pytest.raises(InvalidFrame):
        decode_command(frame.encode())


def test_a_refusal_names_the_place_and_does_not_repeat_the_value() -> None:
    frame = {**golden("commands")[0], "type": "my secret"}

    with pytest.raises(InvalidFrame) as unknown:
        decode_command(json.dumps(frame).encode())
    with pytest.raises(InvalidFrame) as misplaced:
        decode_command(json.dumps({**golden("commands")[0], "message_id": "my secret"}).encode())

    assert "my secret" not in unknown.value.detail + misplaced.value.detail
    assert "message_id" in misplaced.value.detail


def test_frames_and_messages_have_a_largest_size() -> None:
    command = golden("commands")[0]

    def sized(size: int) -> bytes:
        return encode_command(
            SendMessage(
                request_id=1,
                conversation_id=command["conversation_id"],
                message_id=command["message_id"],
                ciphertext=bytes(size),
            )
        )

    assert decode_command(sized(MAX_MESSAGE_BYTES))
    with pytest.raises(InvalidFrame):
        decode_command(sized(MAX_MESSAGE_BYTES + 1))
    with pytest.raises(InvalidFrame):
        decode_command(b" " * MAX_FRAME_BYTES + sized(1))


def test_a_newer_clients_words_are_read_without_what_is_unknown() -> None:
    content = decode_content(b'{"type": "text", "v": 2, "text": "hello", "mood": "good"}')

    assert content == Text(v=2, text="hello")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_cause_anything_but_a_refusal(data: bytes) -> None:
    for decode in (decode_command, decode_server_frame, decode_content, decode_envelope):
        try:
            decode(data)
        except InvalidFrame:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_change_to_a_command_causes_anything_but_a_refusal(data: st.DataObject) -> None:
    frame = dict(data.draw(st.sampled_from(golden("commands"))))
    frame[data.draw(st.sampled_from([*frame, "other"]))] = data.draw(JSON)
    with suppress(InvalidFrame):
        decode_command(json.dumps(frame).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "../etc/passwd"},
        {"name": "a\\b"},
        {"name": "line\nbreak"},
        {"name": "ends\n"},
        {"name": "photo\u202egnp.exe"},
        {"name": "n" * 256},
        {"media_type": ""},
        {"media_type": "text"},
        {"media_type": "text/html; charset=utf-8"},
        {"size": -1},
        {"size": 2**53},
        {"size": 1.5},
        {"key": "AAECAw=="},
        {"sha256": "AAECAw=="},
        {"attachment_id": "1"},
        {"lifetime": 9},
        {"lifetime": 10 * 31_622_400 + 1},
        {"lifetime": 60.5},
    ],
)
def test_a_file_of_another_form_is_refused(change: dict[str, object]) -> None:
    (file,) = [content for content in golden("contents") if content["type"] == "file"]

    with pytest.raises(InvalidFrame):
        decode_content(json.dumps(file | change).encode())


@pytest.mark.parametrize(
    "content",
    [
        {"type": "reaction", "about": 0, "emoji": "x"},
        {"type": "reaction", "about": 1.5, "emoji": "x"},
        {"type": "reaction", "about": 2**53, "emoji": "x"},
        {"type": "reaction", "about": 7, "emoji": ""},
        {"type": "reaction", "about": 7, "emoji": "x" * 17},
        {"type": "reaction", "about": 7},
        {"type": "reaction", "emoji": "x"},
        {"type": "edited", "about": 7},
        {"type": "edited", "about": 7, "text": ""},
        {"type": "edited", "text": "hi"},
        {"type": "deleted", "about": -1},
        {"type": "deleted"},
        {"type": "text", "text": "hi", "reply_to": 0},
    ],
)
def test_what_is_about_no_message_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(InvalidFrame):
        decode_content(json.dumps(content).encode())


def test_a_file_does_not_print_what_opens_it() -> None:
    (file,) = [content for content in golden("contents") if content["type"] == "file"]

    printed = repr(decode_content(json.dumps(file).encode()))

    assert file["name"] not in printed
    assert "key" not in printed
