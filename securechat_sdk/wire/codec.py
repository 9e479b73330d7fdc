"""Frames and contents to bytes and back; whatever the bytes, only `InvalidFrame` is raised."""

from typing import TypeVar

from msgspec import DecodeError
from msgspec.json import Decoder, Encoder

from securechat_sdk.wire.content import AnyContent, Envelope
from securechat_sdk.wire.errors import InvalidInput
from securechat_sdk.wire.frames import MAX_FRAME_BYTES, Command, ServerFrame

_T = TypeVar("_T")

_encoder = Encoder()
_commands: Decoder[Command] = Decoder(Command)
_server_frames: Decoder[ServerFrame] = Decoder(ServerFrame)
_contents: Decoder[AnyContent] = Decoder(AnyContent)
_envelopes: Decoder[Envelope] = Decoder(Envelope)


class InvalidFrame(InvalidInput):
    """The bytes are not what the protocol says; the detail names the place, never the value."""

    code = "invalid_frame"
    title = "This is not a valid frame."


def decode_command(frame: bytes) -> Command:
    """Read what a device sent."""
    return _decode(_commands, frame)


def decode_server_frame(frame: bytes) -> ServerFrame:
    """Read what a server sent: an answer or an event."""
    return _decode(_server_frames, frame)


def decode_content(plaintext: bytes) -> AnyContent:
    return _decode(_contents, plaintext)


def decode_envelope(authenticated_data: bytes) -> Envelope:
    return _decode(_envelopes, authenticated_data)


def encode_command(command: Command) -> bytes:
    return _encoder.encode(command)


def encode_event(frame: ServerFrame) -> bytes:
    """Write an answer or an event."""
    return _encoder.encode(frame)


def encode_content(content: AnyContent) -> bytes:
    return _encoder.encode(content)


def encode_envelope(envelope: Envelope) -> bytes:
    return _encoder.encode(envelope)


def _decode(decoder: Decoder[_T], data: bytes) -> _T:
    if len(data) > MAX_FRAME_BYTES:
        raise InvalidFrame("The frame is too large.")
    try:
        return decoder.decode(data)
    except (DecodeError, UnicodeDecodeError) as error:
        raise InvalidFrame(_without_values(error)) from None
    except RecursionError:
        raise InvalidFrame("The frame is nested too deeply.") from None


def _without_values(error: Exception) -> str:
    """Keep the library's sentence unless it repeats what the sender wrote."""
    sentence = str(error)
    return InvalidFrame.title if "'" in sentence else sentence
