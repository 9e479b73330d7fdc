"""What one client can do to the others: memory, their waiting time, and when it is cut.

``python -m benchmarks.attacks --json``. Each attack runs in a process of its own for some seconds,
beside pairs of devices that write to each other at a quiet pace. Promised: memory grows by 64 MiB
at most, the others' p99 at most doubles (against the pace without an attack), and the attacker is
cut within 10 s and a little; an attack that the server simply outlasts has no time. Where other
work keeps the machine busy, the processor seconds that an attack costs the server say more.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import django
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.load import Load, Pair, run
from benchmarks.product import Product, percentile, product, report

MESSAGES_A_SECOND_EACH = 5
CONNECTIONS = 50
MEBIBYTE = 1024 * 1024


@dataclass
class Target:
    """The server under attack, and a conversation and tickets of the attacker's."""

    port: int
    room: UUID
    tickets: list[str]

    async def socket(self) -> ClientConnection:
        address = f"ws://127.0.0.1:{self.port}/ws/v1/?ticket={self.tickets.pop()}"
        connection = await connect(
            address, max_size=None, compression=None, ping_interval=None, max_queue=1
        )
        await connection.recv()
        return connection


Attack = Callable[[Target], Awaitable[None]]


async def ping_flood(target: Target) -> None:
    connection = await target.socket()
    while True:
        await connection.ping()


async def deep_json(target: Target) -> None:
    connection = await target.socket()
    while True:
        await connection.send("[" * 500_000)


async def large_frames(target: Target) -> None:
    connection = await target.socket()
    while True:
        await connection.send("x" * (1024 * 1024 + 1))


async def nothing_read(target: Target) -> None:
    """Have much said to a socket that never reads, until the server cuts it."""
    from benchmarks.devices import frame_to_send

    lazy = await target.socket()
    lazy.transport.pause_reading()
    writer = await target.socket()
    for number in range(100_000):
        await writer.send(frame_to_send(target.room, number, size=60_000))
        while '"type":"accepted"' not in str(await writer.recv()):
            pass
        if number % 10 == 0:
            lazy.transport.write(b"\x8a\x80\0\0\0\0")  # a pong: fails when the socket was cut
        if lazy.transport.is_closing():
            return


async def half_open(target: Target) -> None:
    """Connect, and say nothing."""
    await _held_connections(target, b"")


async def header_drip(target: Target) -> None:
    """Send a header a second."""
    await _held_connections(target, b"GET / HTTP/1.1\r\n")


async def _held_connections(target: Target, beginning: bytes) -> None:
    async def hold() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(beginning)
        while True:
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(reader.read(1), 1):
                    return
            if beginning:
                writer.write(b"X-Drip: 1\r\n")

    await asyncio.gather(*(hold() for _ in range(CONNECTIONS)), return_exceptions=True)


def part_of(length: int) -> bytes:
    """Begin to send a part of a file that is nobody's."""
    address = "/api/v1/attachments/00000000-0000-4000-8000-000000000000"
    lines = [f"PATCH {address} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", "", ""]
    return "\r\n".join(lines).encode()


async def stalled_parts(target: Target) -> None:
    """Begin parts of files, send a little, and stand still."""

    async def stall() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(part_of(8 * MEBIBYTE) + bytes(300_000))
        while await reader.read(65536):
            pass

    await asyncio.gather(*(stall() for _ in range(CONNECTIONS)), return_exceptions=True)


async def unfinished_bodies(target: Target) -> None:
    """Send all but the end of as much as a request may hold, without having logged in."""
    head = "POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write((head % (2 * MEBIBYTE)).encode() + bytes(2 * MEBIBYTE - 1))
        while await reader.read(65536):
            pass

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)), return_exceptions=True)


async def unwanted_parts(target: Target) -> None:
    """Send parts of files as fast as they are taken; each is refused when it begins."""

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        for _ in range(4):
            writer.write(part_of(8 * MEBIBYTE))
            for _ in range(32):
                writer.write(bytes(8 * MEBIBYTE // 32))
                await writer.drain()
            if not await reader.read(65536):
                return

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)), return_exceptions=True)


ATTACKS: dict[str, Attack] = {
    "ping_flood": ping_flood,
    "deep_json": deep_json,
    "large_frames": large_frames,
    "nothing_read": nothing_read,
    "half_open": half_open,
    "header_drip": header_drip,
    "stalled_parts": stalled_parts,
    "unwanted_parts": unwanted_parts,
    "unfinished_bodies": unfinished_bodies,
}


PATIENCE = 60.0  # seconds; an attacker who is still there then was not cut


async def until_cut(attack: Attack, target: Target) -> float | None:
    """Attack; return after how many seconds the server cut it, or None."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            await attack(target)
    except TimeoutError:
        return None
    except (OSError, ConnectionClosed):
        pass
    return time.monotonic() - began


def run_attack(name: str, target: Target) -> float | None:
    """Run in a process of its own: its work must not pass for the server's slowness."""
    return asyncio.run(until_cut(ATTACKS[name], target))


@contextlib.asynccontextmanager
async def growth(running: Product) -> AsyncIterator[list[int]]:
    """By how many bytes the server's memory has grown, looked at ten times a second."""
    before = running.web[0].resident_bytes()
    grown = [0]

    async def watch() -> None:
        while True:
            grown.append(running.web[0].resident_bytes() - before)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    try:
        yield grown
    finally:
        watching.cancel()


async def measure(
    running: Product, options: argparse.Namespace, elsewhere: Executor
) -> dict[str, Any]:
    from benchmarks.devices import (
        conversation_of,
        enrol_many,
        frame_to_send,
        sockets_of,
        tickets_for,
    )
    from messaging.threads import run_once

    members = await run_once(enrol_many, 2 * options.pairs)
    both = list(zip(members[::2], members[1::2], strict=True))
    rooms = [await run_once(conversation_of, two) for two in both]
    (attacker,) = await run_once(enrol_many, 1)
    attackers_room = await run_once(conversation_of, [attacker])
    count = int(options.seconds * MESSAGES_A_SECOND_EACH)
    figures: dict[str, Any] = {}
    async with sockets_of(members, running.web[0].port) as sockets:

        async def quiet_pace() -> Load:
            pairs = [
                Pair(writer, reader, [frame_to_send(room.pk, n) for n in range(count)])
                for writer, reader, room in zip(sockets[::2], sockets[1::2], rooms, strict=True)
            ]
            return await run(running, pairs, pause=1 / MESSAGES_A_SECOND_EACH)

        await quiet_pace()  # what is used for the first time takes longer
        calm = await quiet_pace()
        calm_p99 = percentile(calm.to_receive, 99)
        figures["calm_p99_ms"] = calm_p99 * 1000
        for name in options.only or ATTACKS:
            tickets = await run_once(tickets_for, [attacker] * 3)
            target = Target(running.web[0].port, attackers_room.pk, tickets)
            attacking = asyncio.get_running_loop().run_in_executor(
                elsewhere, run_attack, name, target
            )
            async with growth(running) as grown:
                beside = await quiet_pace()
                cut = await attacking
            figures[f"{name}_memory_mib"] = max(grown) / MEBIBYTE
            figures[f"{name}_p99_ratio"] = percentile(beside.to_receive, 99) / calm_p99
            figures[f"{name}_cpu_seconds"] = beside.cpu["web"] - calm.cpu["web"]
            figures[f"{name}_cut_after_seconds"] = cut
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=10, help="of devices beside the attack")
    parser.add_argument("--seconds", type=float, default=8.0, help="that each attack lasts")
    parser.add_argument("--only", nargs="*", choices=sorted(ATTACKS), help="only these attacks")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    with product() as running, attacking_process() as elsewhere:
        report(asyncio.run(measure(running, options, elsewhere)), as_json=options.json)


def attacking_process() -> Executor:
    started = ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), initializer=django.setup
    )
    started.submit(time.monotonic).result()  # so that it does not start beside the measurement
    return started


if __name__ == "__main__":
    main()
