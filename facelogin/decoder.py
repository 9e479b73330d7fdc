"""Decodes pictures in a process of its own, which has little memory and time, and no network.

The pool's process has the template key and the frames of one capture in its memory, and a
connection to the database; the decoder has one picture at a time. A capture gets a fresh one;
single looks share one, until a picture is refused.
"""

import os
import selectors
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from facelogin import decoding, jpeg, sandbox
from facelogin.decoding import Picture
from facelogin.jpeg import BadJpegError

MEMORY = 96 * 1024 * 1024  # beyond the libraries: a frame of 1280 x 1280 takes 5 MB
SECONDS_OF_WORK = 20  # of the processor, in all; a frame takes 0.005
PATIENCE = 2.0  # seconds for one picture; the first waits for the start as well
START = 15.0
PICTURES = 500  # of single looks, until a fresh process

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from facelogin import decoder; decoder.serve()"
)
_ROOT = Path(__file__).resolve().parent.parent
_LENGTH = struct.Struct(">I")
_SIZE = struct.Struct(">HH")
_REFUSED = _SIZE.pack(0, 0)
_LARGEST = decoding.LARGEST_SIDE**2 * 3


class Decoder:
    """One decoding process; ``decode`` raises ``BadJpegError`` for whatever it does not survive."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (a program of ours, no word of it from outside)
            [sys.executable, "-I", "-c", _PROGRAM, str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            cwd="/",
            close_fds=True,
        )
        self.held: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def decode(self, data: bytes) -> Picture:
        jpeg.check(data)
        try:
            if not self.held:
                self.held = self._hello()
            self._send(_LENGTH.pack(len(data)) + data)
            height, width = _SIZE.unpack(self._receive(_SIZE.size, PATIENCE))
            size = height * width * 3
            if not 0 < size <= _LARGEST:
                raise BadJpegError("A frame is a well-formed JPEG.")
            pixels = self._receive(size, PATIENCE)
        except OSError as error:
            self.close()
            raise BadJpegError("A frame is a well-formed JPEG.") from error
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait()

    def _hello(self) -> tuple[str, ...]:
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size, START))
        return tuple(self._receive(min(length, 1000), PATIENCE).decode().split("\n"))

    def _send(self, data: bytes) -> None:
        if self.process.stdin is None:
            raise BrokenPipeError
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _receive(self, size: int, seconds: float) -> bytes:
        """Exactly so many bytes; ``OSError`` when they do not come in time, or never will."""
        if self.process.stdout is None:
            raise BrokenPipeError
        deadline = time.monotonic() + seconds
        received = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while len(received) < size:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                part = os.read(self.process.stdout.fileno(), size - len(received))
                if not part:
                    raise BrokenPipeError
                received += part
        return bytes(received)


class SharedDecoder:
    """For single pictures: one process for many, and another after each that is refused."""

    def __init__(self) -> None:
        self.decoder: Decoder | None = None
        self.left = 0

    def get_ready(self) -> Decoder:
        """Start a process before the first picture comes: it takes longer than a look."""
        if self.decoder is None:
            self.decoder, self.left = Decoder(), PICTURES
        return self.decoder

    def decode(self, data: bytes) -> Picture:
        decoder = self.get_ready()
        self.left -= 1
        try:
            return decoder.decode(data)
        except BadJpegError:
            self.left = 0
            raise
        finally:
            if self.left == 0:
                decoder.close()
                self.decoder = None
                self.get_ready()


def serve() -> None:
    """The other side: pictures in, pixels out, until nobody sends any more."""
    is_alone = sandbox.leave_the_network()
    decoding.warm_up()
    held = sandbox.confine(memory=MEMORY, seconds=SECONDS_OF_WORK)
    told = "\n".join([*held, *(["no network"] if is_alone else [])]).encode()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(_LENGTH.pack(len(told)) + told)
    sink.flush()
    while header := source.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(header)
        sink.write(_answer(source.read(length)))
        sink.flush()


def _answer(data: bytes) -> bytes:
    try:
        picture = decoding.decode(data)
    except (BadJpegError, MemoryError):
        return _REFUSED
    height, width = picture.shape[:2]
    return _SIZE.pack(height, width) + picture.tobytes()
