"""What one client can do to the bounded server, against a real one in a process of its own."""

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from securechat.server import MAX_BODY_BYTES
from securechat.uploads import MAX_PART_BYTES

ANY_ID = "00000000-0000-4000-8000-000000000000"
UNREAD_ID = "ffffffff-ffff-4fff-8fff-ffffffffffff"

# An application that measures bodies, and floods each socket; limits in time are shortened.
APPLICATION = """
import asyncio
import sys
import securechat.bodies as bodies
import securechat.server as server
bodies.MOST_UNFINISHED_BYTES = 5 * 1024 * 1024
server.HEADER_SECONDS = 1
server.BODY_SECONDS = 4
server.STALLED_WRITER_SECONDS = 1
server.LINGERING_SECONDS = 2
server.SECONDS_BETWEEN_DROPS = 0.05

async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/flood":
            for _ in range(300):
                await send({"type": "websocket.send", "bytes": b"x" * 1_000_000})
        if scope["path"] == "/busy":
            await asyncio.sleep(3)  # before it takes any of what is sent
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": str(len(message["text"]))})
        return
    size, more = 0, scope["path"] != "/api/v1/attachments/ffffffff-ffff-4fff-8fff-ffffffffffff"
    if scope["method"] == "PATCH":
        await asyncio.sleep(1)  # before it asks for any of the body
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

server.BoundedServer(application, address="127.0.0.1", port=int(sys.argv[1])).run()
"""


@dataclass(kw_only=True)
class Running:
    port: int
    process: subprocess.Popen[bytes]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> list[str]:
        folder = Path(f"/proc/{self.process.pid}/fd")
        return [str(handle.readlink()) for handle in folder.iterdir() if handle.is_symlink()]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", APPLICATION, str(port)]
    quiet = subprocess.DEVNULL  # the capture files of pytest would be among its open files
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        running = Running(port=port, process=process)
        deadline = time.monotonic() + 30
        while True:
            try:
                running.connect().close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield running
        process.terminate()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer to its end; return the status and the body."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def post(length: int) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {length}", "", ""]
    return "\r\n".join(lines).encode()


def test_a_body_within_the_limit_is_taken_and_never_touches_the_disk(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(post(MAX_BODY_BYTES) + b"x" * (MAX_BODY_BYTES - 1))
        time.sleep(0.3)
        files = server.open_files()
        connection.sendall(b"x")
        status, body = answer(connection)

    assert (status, body) == (200, str(MAX_BODY_BYTES).encode())
    assert not [name for name in files if "deleted" in name or name.startswith("/tmp")]


def test_a_body_declared_too_large_is_refused_before_it_is_sent(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(post(MAX_BODY_BYTES + 1))
        status, body = answer(connection)

    assert status == 413
    assert json.loads(body)["code"] == "too_large"


def test_a_body_without_a_declared_length_is_refused_where_it_passes_the_limit(
    server: Running,
) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%b\r\n" % (65536, b"x" * 65536)
        for _ in range(MAX_BODY_BYTES // 65536 + 1):
            connection.sendall(chunk)
        status, _ = answer(connection)

    assert status == 413


def test_of_too_many_unfinished_bodies_the_one_that_began_first_is_refused(
    server: Running,
) -> None:
    connections = [server.connect() for _ in range(3)]
    for connection in connections:
        connection.sendall(post(MAX_BODY_BYTES) + b"x" * (MAX_BODY_BYTES - 1))
        time.sleep(0.3)
    for connection in connections[1:]:
        connection.sendall(b"x")
    answers = [answer(connection) for connection in connections]
    for connection in connections:
        connection.close()

    assert [status for status, _ in answers] == [503, 200, 200]
    assert json.loads(answers[0][1])["code"] == "overloaded"


def test_a_body_may_take_long_as_long_as_it_goes_on(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(post(6))
        for byte in b"abcdef":
            time.sleep(0.9)
            connection.sendall(bytes([byte]))
        status, body = answer(connection)

    assert (status, body) == (200, b"6")


def test_a_body_that_does_not_go_on_is_cut(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(post(MAX_BODY_BYTES) + b"x" * (MAX_BODY_BYTES - 1))
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def patch(length: int, *, attachment: str = ANY_ID, close: bool = True) -> bytes:
    lines = [
        f"PATCH /api/v1/attachments/{attachment} HTTP/1.1",
        "Host: x",
        f"Content-Length: {length}",
        *(["Connection: close"] if close else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def test_a_part_of_a_file_is_read_no_faster_than_it_is_asked_for(server: Running) -> None:
    before, connections = server.resident_bytes(), [server.connect() for _ in range(8)]
    for connection in connections:
        connection.sendall(patch(MAX_PART_BYTES))
        connection.setblocking(False)
    sent = dict.fromkeys(connections, 0)
    deadline = time.monotonic() + 0.8
    while time.monotonic() < deadline:
        for connection in connections:
            with contextlib.suppress(BlockingIOError):
                sent[connection] += connection.send(bytes(MAX_PART_BYTES - sent[connection]))
        time.sleep(0.01)
    grown = server.resident_bytes() - before
    statuses = []
    for connection in connections:
        connection.settimeout(30)
        connection.sendall(bytes(MAX_PART_BYTES - sent[connection]))
        statuses.append(answer(connection))
        connection.close()

    assert grown < 8 * 1024 * 1024, "of 64 MiB"
    assert statuses == [(200, str(MAX_PART_BYTES).encode())] * 8


def test_a_connection_goes_on_after_a_part(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(patch(300_000, close=False) + bytes(300_000) + post(5) + b"12345")
        received = b""
        while chunk := connection.recv(65536):
            received += chunk

    assert received.count(b"HTTP/1.1 200") == 2
    assert received.endswith(b"\r\n\r\n5")
    assert b"\r\n\r\n300000HTTP" in received


@pytest.mark.parametrize("attachment", [ANY_ID, UNREAD_ID])
def test_a_part_that_is_too_large_is_refused(server: Running, attachment: str) -> None:
    with server.connect() as connection:
        connection.sendall(patch(MAX_PART_BYTES + 1, attachment=attachment))
        status, body = answer(connection)

    assert status == 413
    assert json.loads(body)["code"] == "too_large"


@contextlib.contextmanager
def sending_on(server: Running, size: int) -> Iterator[socket.socket]:
    """Connect as one who sends a whole part although the answer came before its first byte."""
    with server.connect() as connection:
        connection.sendall(patch(size, attachment=UNREAD_ID, close=False))
        connection.sendall(bytes(size))
        yield connection


def test_who_is_still_sending_hears_the_answer(server: Running) -> None:
    with sending_on(server, 1024 * 1024) as connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        connection.shutdown(socket.SHUT_WR)

        assert fate_of(connection, seconds=3) == 0, "no reset"

    assert received.startswith(b"HTTP/1.1 200")
    assert b"\r\nConnection: close\r\n" in received


def fate_of(connection: socket.socket, *, seconds: float) -> int:
    """Return how the connection ended in this time: 0, or the error it was cut with."""
    time.sleep(seconds)
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def test_who_sends_on_for_long_after_the_answer_is_cut(server: Running) -> None:
    with (
        pytest.raises(OSError, match=r"reset|Broken pipe"),
        sending_on(server, MAX_PART_BYTES) as connection,
    ):
        connection.sendall(bytes(MAX_PART_BYTES))


def test_what_follows_answers_is_read_for_all_connections_at_one_pace(server: Running) -> None:
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(sending_on(server, 1024 * 1024)) for _ in range(8)]
        for connection in many:
            connection.shutdown(socket.SHUT_WR)

        time.sleep(3.5)
        cut = [fate_of(connection, seconds=0) for connection in many]

    assert cut.count(errno.ECONNRESET) >= 4, "of 8 MiB about 2.5 are read in the time"


def test_what_follows_an_answered_part_is_no_request(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(patch(1000, attachment=UNREAD_ID, close=False))
        time.sleep(0.3)
        connection.sendall(b"POST / HTTP/1.1\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.count(b"HTTP/1.1") == 1


def test_headers_that_drip_in_are_cut(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")

        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            drip(connection, seconds=10)


def drip(connection: socket.socket, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection.sendall(b"X-Drip: 1\r\n")
        time.sleep(0.2)


def test_a_reader_that_does_not_read_is_dropped_and_costs_little_memory(server: Running) -> None:
    before = peak = server.resident_bytes()

    with connect(f"ws://127.0.0.1:{server.port}/flood", max_size=None, max_queue=1) as lazy:
        for _ in range(30):
            time.sleep(0.1)
            peak = max(peak, server.resident_bytes())
        with pytest.raises(ConnectionClosed):
            deque(lazy)  # reads what is there, until it learns that it was dropped

    assert peak - before < 32 * 1024 * 1024


def test_an_oversized_frame_closes_the_socket_with_the_right_code(server: Running) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/") as client:
        client.send("x" * (1024 * 1024 + 1))

        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=15)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_many_frames_at_once_are_all_served_in_order(server: Running) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/") as client:
        for length in range(1, 201):
            client.send("x" * length)
        answers = [client.recv(timeout=15) for _ in range(200)]

    assert answers == [str(length) for length in range(1, 201)]


def test_large_frames_that_wait_to_be_served_wait_on_the_way_and_not_in_memory(
    server: Running,
) -> None:
    frame, before = "x" * 1_000_000, server.resident_bytes()

    with connect(f"ws://127.0.0.1:{server.port}/busy") as client, ThreadPoolExecutor(1) as sender:
        sent = sender.submit(send_all, client, [frame] * 30)
        time.sleep(2)
        waiting = server.resident_bytes() - before
        answers = [client.recv(timeout=15) for _ in range(30)]
        sent.result(15)

    assert waiting < 12 * 1024 * 1024
    assert answers == ["1000000"] * 30


def test_who_floods_with_pings_is_dropped_and_who_pings_now_and_then_is_not(
    server: Running,
) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/") as client:
        for _ in range(10):
            assert client.ping().wait(15)

        with pytest.raises(ConnectionClosed):
            flood_with_pings(client)


def send_all(client: ClientConnection, frames: list[str]) -> None:
    for frame in frames:
        client.send(frame)


def flood_with_pings(client: ClientConnection) -> None:
    for _ in range(1000):
        client.ping().wait(0.05)
