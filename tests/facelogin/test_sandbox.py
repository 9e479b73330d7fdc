"""What the decoding process and the worker may no longer do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import services

pytest.importorskip("cv2", reason="the face worker's packages are not installed")

import cv2
import numpy as np

from facelogin import decoder, decoding
from facelogin.decoder import Decoder, SharedDecoder
from facelogin.jpeg import BadJpegError
from tests.facelogin.pictures import GOOD

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def frame() -> bytes:
    random = np.random.default_rng(1)
    small = random.integers(0, 255, (12, 16, 3), np.uint8)
    picture = cv2.resize(small, (640, 480), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture
def running() -> Iterator[Decoder]:
    with Decoder() as process:
        yield process


def test_a_picture_comes_back_as_this_process_would_decode_it(
    running: Decoder, frame: bytes
) -> None:
    assert (running.decode(frame) == decoding.decode(frame)).all()
    assert {"memory", "time", "no files or sockets", "no writing", "no core"} <= set(running.held)


def test_a_picture_that_does_not_decode_is_refused_and_the_next_one_is_decoded(
    running: Decoder, frame: bytes
) -> None:
    with pytest.raises(BadJpegError):
        running.decode(GOOD)

    assert running.decode(frame).shape == (480, 640, 3)


def test_a_decoder_that_died_refuses_and_single_looks_get_another_one(frame: bytes) -> None:
    shared = SharedDecoder()
    assert shared.decode(frame).shape == (480, 640, 3)
    shared.get_ready().process.kill()

    with pytest.raises(BadJpegError):
        shared.decode(frame)

    assert shared.decode(frame).shape == (480, 640, 3)
    shared.get_ready().close()


def test_a_decoder_that_does_not_answer_is_not_waited_for(
    running: Decoder, frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.decode(frame)
    monkeypatch.setattr(decoder, "PATIENCE", 0.2)
    subprocess.run(["kill", "-STOP", str(running.process.pid)], check=True)

    with pytest.raises(BadJpegError):
        running.decode(frame)

    assert running.process.returncode is not None


def outcome(program: str) -> str:
    """Run it in a process of its own; the last line that it printed."""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return (run.stdout.splitlines() or [f"{run.returncode} {run.stderr}"])[-1]


CONFINED = """
import socket, time
from facelogin import sandbox
sandbox.leave_the_network()
sandbox.confine(memory=64 * 1024 * 1024, seconds=1)
try:
    {attempt}
    print("was possible")
except (OSError, MemoryError) as refused:
    print(type(refused).__name__)
"""


@pytest.mark.parametrize(
    ("attempt", "refused"),
    [
        ("bytearray(128 * 1024 * 1024)", "MemoryError"),
        ("open('/etc/passwd')", "OSError"),
        ("socket.socket()", "OSError"),
        ("socket.create_connection(('127.0.0.1', 9))", "OSError"),
    ],
)
def test_what_a_confined_process_tries_is_refused(attempt: str, refused: str) -> None:
    assert outcome(CONFINED.format(attempt="bytearray(1024 * 1024)")) == "was possible"
    assert outcome(CONFINED.format(attempt=attempt)) == refused


def test_a_confined_process_that_computes_for_ever_is_ended() -> None:
    assert outcome(CONFINED.format(attempt="all(iter(lambda: True, False))")).startswith("-")


GUARDED = """
import socket, urllib.request
from facelogin import network
network.allow_only({broker!r}, database_host="one.test,localhost")
try:
    {attempt}
except network.NetworkRefusedError:
    print("refused")
except OSError as error:
    print("refused" if "NetworkRefused" in repr(error) else "tried")
"""


@pytest.mark.parametrize(
    ("broker", "attempt", "expected"),
    [
        ("files://localhost", "socket.create_connection(('127.0.0.1', 9))", "refused"),
        ("files://localhost", "socket.getaddrinfo('example.org', 443)", "refused"),
        ("files://localhost", "urllib.request.urlopen('http://example.org/w.h5')", "refused"),
        ("files://localhost", "socket.socket(socket.AF_UNIX).connect('/nowhere')", "tried"),
        ("redis://127.0.0.1:9/0", "socket.create_connection(('127.0.0.1', 9))", "tried"),
        ("redis://localhost:9/0", "socket.create_connection(('localhost', 9))", "tried"),
        ("redis://127.0.0.1:9/0", "socket.create_connection(('127.0.0.1', 10))", "refused"),
        ("redis://127.0.0.1:9/0", "socket.create_connection(('127.0.0.2', 9))", "refused"),
        ("files://localhost", "socket.create_connection(('localhost', 9))", "refused"),
        ("files://localhost", "socket.getaddrinfo('localhost', 9); raise OSError", "tried"),
        ("files://localhost", "socket.getaddrinfo('one.test', 9)", "tried"),
        ("files://localhost", "socket.getaddrinfo('two.test', 9)", "refused"),
    ],
)
def test_a_worker_calls_its_queue_and_nobody_else(broker: str, attempt: str, expected: str) -> None:
    assert outcome(GUARDED.format(broker=broker, attempt=attempt)) == expected


ASKS_DATABASE = """
import psycopg
from facelogin import network
network.allow_only("files://localhost", database_host="localhost")
with psycopg.connect("host=localhost port={port} user=postgres dbname=postgres") as connection:
    print(connection.execute("SELECT 'answered'").fetchone()[0])
"""


def test_a_worker_reaches_its_database_by_the_name_of_its_host() -> None:
    port = services.free_port()
    try:
        with services.postgresql(port=port):
            assert outcome(ASKS_DATABASE.format(port=port)) == "answered"
    except services.ServiceMissing as missing:
        pytest.skip(f"{missing} is not installed")
