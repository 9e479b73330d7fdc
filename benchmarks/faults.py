"""What survives when everything fails: lost, duplicated, gaps and reordered must be 0.

``python -m benchmarks.faults --kills 20 --json``. Three web processes, the worker, PostgreSQL and
Redis are under load, while web processes and the worker are killed (-9), PostgreSQL is crashed,
and Redis is flushed and frozen. With ``--database sqlite`` there is one web process, and each
fault is a power cut (`benchmarks.power`).

Devices behave as clients do: they repeat what was not acknowledged under the same id, come back
with a new socket to any process, and fetch what they missed by position. In the end what each of
them was told and has seen is compared with the log.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks import power
from benchmarks.product import Product, Program, product, report

CONVERSATIONS = 6
DEVICES_EACH = 3
SECONDS_BETWEEN_FAULTS = 2.0
SECONDS_BETWEEN_LINES = 60.0
SECONDS_TO_ANSWER = 15.0
SECONDS_TO_RECOVER = 90.0
NOT_STORED = {"unavailable", "overloaded"}  # try again; anything else is a bug of this program

# Any: JSON.


@dataclass
class Device:
    """A device of a conversation: what it was told is stored, and what it has seen."""

    conversation_id: UUID
    device_id: UUID
    token: str
    running: Product
    acknowledged: dict[UUID, int] = field(default_factory=dict)
    seen: list[tuple[int, str]] = field(default_factory=list)
    repeats: int = 0
    pause: float = 0.0

    @property
    def cursor(self) -> int:
        return self.seen[-1][0] if self.seen else 0

    async def take_part(self, stop: asyncio.Event) -> None:
        """Send without end, whatever happens to the socket."""
        unanswered: tuple[UUID, str] | None = None
        while not stop.is_set():
            try:
                async with asyncio.timeout(SECONDS_TO_ANSWER):
                    connection = await self._connect()
                try:
                    await self._catch_up()
                    while not stop.is_set():
                        unanswered = unanswered or self._next_message()
                        await self._send(connection, *unanswered)
                        unanswered = None
                        await asyncio.sleep(self.pause)
                finally:
                    await _hang_up(connection)
            except (OSError, WebSocketException, TimeoutError, ValueError):
                self.repeats += 1
                await asyncio.sleep(random.uniform(0.05, 0.3))

    def _next_message(self) -> tuple[UUID, str]:
        from benchmarks.devices import frame_to_send

        message_id = uuid4()
        return message_id, frame_to_send(self.conversation_id, 1, message_id)

    async def _connect(self) -> ClientConnection:
        port = random.choice(self.running.web).port
        answer = await self._ask(port, "socket-tickets", method="POST")
        address = f"ws://127.0.0.1:{port}/ws/v1/?ticket={answer['ticket']}"
        connection = await connect(address, max_size=None, compression=None, ping_interval=None)
        await connection.recv()  # ready
        return connection

    async def _send(self, connection: ClientConnection, message_id: UUID, frame: str) -> None:
        await connection.send(frame)
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            while True:
                event = json.loads(await connection.recv())
                match event["type"]:
                    case "accepted":
                        self.acknowledged[message_id] = event["position"]
                        return
                    case "refused" if event["code"] in NOT_STORED:
                        raise TimeoutError
                    case "refused":
                        raise SystemExit(f"refused: {event}")
                    case "entry_appended":
                        await self._see(event)

    async def _see(self, entry: dict[str, Any]) -> None:
        if entry["position"] > self.cursor + 1:
            await self._catch_up()
        if entry["position"] == self.cursor + 1:
            self.seen.append((entry["position"], entry["message_id"]))

    async def _catch_up(self) -> None:
        while True:
            path = f"conversations/{self.conversation_id}/entries?after={self.cursor}"
            page = await self._ask(random.choice(self.running.web).port, path)
            for entry in page["entries"]:
                self.seen.append((entry["position"], entry["message_id"]))
            if self.cursor >= page["last_position"] or not page["entries"]:
                return

    async def catch_up_in_the_end(self) -> None:
        for _ in range(100):
            try:
                await self._catch_up()
            except (OSError, TimeoutError, ValueError):
                await asyncio.sleep(0.2)
            else:
                return
        raise SystemExit("The server did not come back.")

    async def _ask(self, port: int, path: str, method: str = "GET") -> dict[str, Any]:
        address = f"http://127.0.0.1:{port}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Host": "localhost"}
        request = Request(address, method=method, headers=headers)
        return await asyncio.to_thread(_fetch, request)


def _fetch(request: Request) -> dict[str, Any]:
    try:
        with urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
            body: dict[str, Any] = json.load(answer)
            return body
    except URLError as error:
        raise OSError(str(error)) from None


async def _hang_up(connection: ClientConnection) -> None:
    connection.transport.abort()


def prepare(running: Product, pause: float) -> list[Device]:
    from accounts.models import Scope
    from accounts.services.tokens import issue_token
    from benchmarks.devices import conversation_of, enrol_many

    devices = []
    for _ in range(CONVERSATIONS):
        members = enrol_many(DEVICES_EACH)
        conversation = conversation_of(members)
        for member in members:
            _, token = issue_token(
                device=member.device, name="faults", scopes=list(Scope), expires_in_days=1
            )
            devices.append(Device(conversation.pk, member.device.pk, token, running, pause=pause))
    return devices


async def break_things(
    running: Product,
    worker: Program,
    happened: Counter[str],
    *,
    kills: int,
    seconds_between: float,
) -> None:
    """Let so many faults happen, and count them; each is one of five kinds."""
    kinds = ["web", "database", "web", "redis_flushed", "worker", "web", "redis_frozen"]
    starting: set[asyncio.Task[None]] = set()
    for number in range(kills):
        await asyncio.sleep(seconds_between)
        kind = kinds[number % len(kinds)]
        happened[kind] += 1
        match kind:
            case "web":
                if sum(one.listens() for one in running.web) < 2:  # leave one to carry the load
                    await asyncio.gather(*starting)
                victim = random.choice([one for one in running.web if one.listens()])
                starting.add(asyncio.create_task(restart(victim)))
            case "worker":
                worker.kill()
                worker.start()
            case "database":
                running.crash_database()
            case "redis_flushed":
                await asyncio.to_thread(flush, running)
            case _:
                await freeze(running)
    await asyncio.gather(*starting)


class Machine:
    """What runs on one machine with SQLite, and can have its power cut."""

    def __init__(self, running: Product) -> None:
        from django.db import connection

        (self._web,) = running.web
        self._database = Path(connection.settings_dict["NAME"])
        self._journal = running.folder / "journal"
        self._chance = random.Random(1)
        self._web.kill()
        self._web.recorder = power.recorder(self._database, self._journal)
        self._start()

    def cut_power(self) -> None:
        """Let it be off for a moment; the web process then starts on what the disk has kept."""
        self._web.kill()
        power.cut(self._database, self._before, self._journal, self._chance)
        if not power.is_sound(self._database):
            raise SystemExit("SQLite finds its database damaged.")
        self._start()

    def _start(self) -> None:
        self._before = power.files_of(self._database)
        self._web.start()
        self._web.wait()


async def cut_power(
    machine: Machine, happened: Counter[str], *, kills: int, seconds_between: float
) -> None:
    for _ in range(kills):
        await asyncio.sleep(seconds_between)
        await asyncio.to_thread(machine.cut_power)
        happened["power"] += 1


async def everyone_sends(devices: Sequence[Device]) -> None:
    """Wait until each device has had something acknowledged from now on: all is well again."""
    before = [len(device.acknowledged) for device in devices]
    deadline = time.monotonic() + SECONDS_TO_RECOVER
    while any(len(one.acknowledged) == had for one, had in zip(devices, before, strict=True)):
        if time.monotonic() > deadline:
            raise SystemExit("The product did not recover.")
        await asyncio.sleep(0.1)


async def tell(devices: Sequence[Device], happened: Counter[str]) -> None:
    """Say every minute how far a long run has come."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_LINES)
        acknowledged = sum(len(device.acknowledged) for device in devices)
        print(f"{happened.total()} faults, {acknowledged:,} acknowledged", file=sys.stderr)


@contextmanager
def at_work(worker: Program) -> Iterator[Program]:
    worker.start()
    try:
        yield worker
        assert worker.process is not None
        if worker.process.poll() is not None:
            raise SystemExit(f"The worker did not stay:\n{worker.log.read_text()[-2000:]}")
    finally:
        worker.kill()


async def restart(victim: Any) -> None:
    victim.kill()
    victim.start()
    await asyncio.to_thread(victim.wait)


def flush(running: Product) -> None:
    from redis import Redis

    assert running.redis_url is not None
    with Redis.from_url(running.redis_url) as client:
        client.flushall()


async def freeze(running: Product) -> None:
    assert running.redis is not None
    os.kill(running.redis, signal.SIGSTOP)
    await asyncio.sleep(1.5)
    os.kill(running.redis, signal.SIGCONT)


def judge(devices: Sequence[Device]) -> dict[str, int]:
    """Compare what the devices know with the log."""
    from messaging.models import Entry

    logs: dict[UUID, list[tuple[int, str]]] = {}
    duplicated = 0
    for conversation_id in {device.conversation_id for device in devices}:
        entries = Entry.objects.filter(conversation=conversation_id).order_by("position")
        rows = list(entries.values_list("position", "message_id", "sender_id"))
        logs[conversation_id] = [(position, str(message)) for position, message, _ in rows]
        duplicated += len(rows) - len({(message, sender) for _, message, sender in rows})
    return {
        "acknowledged": sum(len(device.acknowledged) for device in devices),
        "lost": sum(_lost(device, logs[device.conversation_id]) for device in devices),
        "duplicated": duplicated + sum(len(one.seen) - len(set(one.seen)) for one in devices),
        "gaps": sum(_gaps(log) for log in [*logs.values(), *(one.seen for one in devices)]),
        "reordered": sum(one.seen != logs[one.conversation_id] for one in devices),
    }


def _lost(device: Device, log: Sequence[tuple[int, str]]) -> int:
    """Count what was acknowledged to the device and is not where it was said to be."""
    stored = set(log)
    return sum(
        (position, str(message)) not in stored for message, position in device.acknowledged.items()
    )


def _gaps(log: Sequence[tuple[int, str]]) -> int:
    return sum(position != index for index, (position, _) in enumerate(log, 1))


async def measure(running: Product, options: argparse.Namespace) -> dict[str, Any]:
    from messaging.threads import run_once

    devices = await run_once(prepare, running, options.pause)
    on_sqlite = options.database == "sqlite"
    machine = await asyncio.to_thread(Machine, running) if on_sqlite else None
    stop = asyncio.Event()
    happened: Counter[str] = Counter()
    began = time.monotonic()
    telling = asyncio.create_task(tell(devices, happened))
    taking_part = [asyncio.create_task(device.take_part(stop)) for device in devices]
    await everyone_sends(devices)
    faults = {"kills": options.kills, "seconds_between": options.seconds_between}
    if machine:
        await cut_power(machine, happened, **faults)
    else:
        with at_work(Program(["worker"], running.folder / "worker.log")) as worker:
            await break_things(running, worker, happened, **faults)
    await everyone_sends(devices)
    stop.set()
    await asyncio.gather(*taking_part)
    telling.cancel()
    for device in devices:
        await device.catch_up_in_the_end()
    return {
        "kills": happened.total(),
        **{f"kills_{kind}": count for kind, count in happened.items()},
        **await run_once(judge, devices),
        "connections_lost": sum(device.repeats for device in devices),
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds-between", type=float, default=SECONDS_BETWEEN_FAULTS)
    parser.add_argument("--pause", type=float, default=0.0, help="of a device after each message")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    several = options.database == "postgresql"
    with product(
        database=options.database, processes=3 if several else 1, redis=several
    ) as running:
        figures = asyncio.run(measure(running, options))
    report(figures, as_json=options.json)
    if any(figures[name] for name in ("lost", "duplicated", "gaps", "reordered")):
        sys.exit(1)


if __name__ == "__main__":
    main()
