"""A small Matrix client for load: everybody polls all the time, as people's clients do."""

import asyncio
import itertools
import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from benchmarks.load import Load, Measured
from benchmarks.peers.server import CONNECT_AT_A_TIME, measured

HOST = "localhost"
PASSWORD = "benchmark"
API = "/_matrix/client/v3"
POLL_MS = 30_000
FILTER = json.dumps({"presence": {"types": []}, "room": {"timeline": {"limit": 1000}}})

logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request

# Any: JSON.


@dataclass
class Client:
    """One person who is online."""

    name: str
    http: httpx.AsyncClient
    token: str = ""
    since: str = ""
    arrived: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = await self.http.request(
            method, f"{API}/{path}", json=body, params=query, headers=headers
        )
        answer.raise_for_status()
        return answer.json()

    async def log_in(self) -> None:
        who = {"type": "m.id.user", "user": self.name}
        wanted = {"type": "m.login.password", "identifier": who, "password": PASSWORD}
        self.token = (await self.ask("POST", "login", wanted))["access_token"]
        self.since = (await self.ask("GET", "sync", filter=FILTER))["next_batch"]

    async def listen(self) -> None:
        """Poll without end, and note each message."""
        while True:
            news = await self.ask("GET", "sync", since=self.since, timeout=POLL_MS, filter=FILTER)
            self.since = news["next_batch"]
            for room in news.get("rooms", {}).get("join", {}).values():
                for event in room["timeline"]["events"]:
                    if event["type"] == "m.room.message":
                        self.arrived.put_nowait(None)

    async def begin(self, *others: "Client") -> str:
        """Make a room, and have the others come in."""
        wanted = {"preset": "public_chat"}  # whoever knows its name may come
        room = str((await self.ask("POST", "createRoom", wanted))["room_id"])
        for other in others:
            await other.ask("POST", f"join/{quote(room)}", {})
        return room

    async def write(self, room: str, size: int) -> None:
        path = f"rooms/{quote(room)}/send/m.room.message/{next(self.numbers)}"
        await self.ask("PUT", path, {"msgtype": "m.text", "body": "x" * size})


@asynccontextmanager
async def clients(names: Sequence[str], port: int) -> AsyncIterator[list[Client]]:
    """Log all in, some at a time, and let each poll."""
    async with (
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            timeout=None,
        ) as http,
        asyncio.TaskGroup() as polling,
    ):
        people = [Client(name, http) for name in names]
        for start in range(0, len(people), CONNECT_AT_A_TIME):
            some = people[start : start + CONNECT_AT_A_TIME]
            await asyncio.gather(*(one.log_in() for one in some))
        tasks = [polling.create_task(one.listen()) for one in people]
        yield people
        for task in tasks:
            task.cancel()


async def talk(running: Measured, people: Sequence[Client], *, messages: int, size: int) -> Load:
    """Send one message after the other in each pair, the next when the one before has arrived."""
    load = Load()
    pairs = list(zip(people[::2], people[1::2], strict=True))
    rooms = await asyncio.gather(*(writer.begin(reader) for writer, reader in pairs))

    async def write_and_read(writer: Client, reader: Client, room: str) -> None:
        for _ in range(messages):
            begin = time.perf_counter()
            await writer.write(room, size)
            await reader.arrived.get()
            load.to_receive.append(time.perf_counter() - begin)
            load.accepted += 1
            load.delivered += 1

    work = (write_and_read(*pair, room) for pair, room in zip(pairs, rooms, strict=True))
    return await measured(running, load, work)


async def tell_all(
    running: Measured, people: Sequence[Client], *, messages: int, size: int
) -> Load:
    """Let one write into a room in which all are online, and wait until all have read."""
    load = Load()
    room = await people[0].begin(*people[1:])

    async def read(reader: Client) -> None:
        for _ in range(messages):
            await reader.arrived.get()
            load.delivered += 1

    async def write() -> None:
        for _ in range(messages):
            await people[0].write(room, size)
            load.accepted += 1

    return await measured(running, load, [write(), *map(read, people)])
