"""The smallest relay on Daphne: frames from socket to socket, nothing checked, nothing stored."""

import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import services

from benchmarks.peers.server import Peer, started
from benchmarks.product import ROOT

Send = Callable[[dict[str, Any]], Awaitable[None]]  # Any: messages as ASGI has them
online: dict[str, Send] = {}


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
) -> None:
    """Speak to the socket named by its path; a frame is ``receiver:anything``."""
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
        await online[receiver]({"type": "websocket.send", "text": arrived})
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
