"""The smallest relay on Daphne: frames from socket to socket, nothing checked, nothing stored.

And those who speak to it.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import services
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.load import Load, Measured, Pair, run
from benchmarks.peers.server import CONNECT_AT_A_TIME, Peer, measured, started
from benchmarks.product import ROOT

Send = Callable[[dict[str, Any]], Awaitable[None]]  # Any: messages as ASGI has them
online: dict[str, Send] = {}


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
) -> None:
    """Speak to the socket named by its path; a frame is ``receiver:anything``, ``*`` is all."""
    if scope["type"] != "websocket":
        raise ValueError(f"Only sockets are served, no {scope['type']}")
    name = scope["path"].strip("/")
    while (event := await receive())["type"] != "websocket.disconnect":
        if event["type"] == "websocket.connect":
            online[name] = send
            await send({"type": "websocket.accept"})
            continue
        receiver, _, data = event["text"].partition(":")
        arrived = f'{{"type":"entry_appended","data":"{data}"}}'
        for one in [*online.values()] if receiver == "*" else [online[receiver]]:
            await one({"type": "websocket.send", "text": arrived})
        await send({"type": "websocket.send", "text": '{"type":"accepted"}'})
    online.pop(name, None)


@contextlib.contextmanager
def daphne(_names: list[str]) -> Iterator[Peer]:
    with TemporaryDirectory(prefix="securechat-daphne-") as folder:
        port = services.free_port()
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
        command += ["--no-server-name", "-v", "0", "benchmarks.peers.bare:application"]
        with started(
            command,
            port=port,
            log=Path(folder) / "output",
            environment={"PYTHONPATH": str(ROOT)},
        ) as pid:
            yield Peer(port=port, pid=pid)


@dataclass(frozen=True)
class Client:
    """One socket, and its name."""

    name: str
    socket: ClientConnection


@contextlib.asynccontextmanager
async def clients(names: Sequence[str], port: int) -> AsyncIterator[list[Client]]:
    """Connect all, some at a time."""
    opened: list[Client] = []
    try:
        for start in range(0, len(names), CONNECT_AT_A_TIME):
            some = names[start : start + CONNECT_AT_A_TIME]
            opened += await asyncio.gather(*(_open(name, port) for name in some))
        yield opened
    finally:
        await asyncio.gather(*(one.socket.close() for one in opened), return_exceptions=True)


async def _open(name: str, port: int) -> Client:
    address = f"ws://127.0.0.1:{port}/{name}"
    return Client(name, await connect(address, compression=None, ping_interval=None))


async def talk(running: Measured, people: Sequence[Client], *, messages: int, size: int) -> Load:
    """Send one message after the other in each pair, the next when the one before is accepted."""
    pairs = [
        Pair(writer.socket, reader.socket, [f"{reader.name}:{'x' * size}"] * messages)
        for writer, reader in zip(people[::2], people[1::2], strict=True)
    ]
    return await run(running, pairs)


async def tell_all(
    running: Measured, people: Sequence[Client], *, messages: int, size: int
) -> Load:
    """Let one write to all, and wait until all have read."""
    load = Load()

    async def read(reader: Client) -> None:
        count = 0
        while count < messages:
            count += '"type":"entry_appended"' in str(await reader.socket.recv())
        load.delivered += count

    async def write() -> None:
        for _ in range(messages):
            await people[0].socket.send(f"*:{'x' * size}")
            load.accepted += 1

    return await measured(running, load, [write(), *map(read, people)])
