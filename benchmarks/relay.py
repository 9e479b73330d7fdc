"""How much one web process relays, durably, and what it costs.

``python -m benchmarks.relay --json``. Starts its own PostgreSQL (or uses SQLite), enrols invented
devices, and speaks to the server over real sockets. Processor seconds are of the server, its
database and Redis together, not of the devices. ``--peers`` puts other servers under the same load,
each with a PostgreSQL of its own; ``docs/architecture.md`` says how.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.load import Pair, run
from benchmarks.peers.compare import measure_peers, print_table
from benchmarks.product import Product, percentile, product, report

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection


async def one_to_one(running: Product, pair_count: int, messages: int) -> dict[str, Any]:
    """Measure at full load, and then how long it takes at half of it."""
    from benchmarks.devices import conversation_of, enrol_many, frame_to_send, sockets_of
    from messaging.threads import run_once

    members = await run_once(enrol_many, 2 * pair_count)
    both = list(zip(members[::2], members[1::2], strict=True))
    conversations = [await run_once(conversation_of, two) for two in both]
    async with sockets_of(members, running.web[0].port) as sockets:

        def pairs() -> list[Pair]:
            return [
                Pair(writer, reader, [frame_to_send(room.pk, n) for n in range(messages)])
                for writer, reader, room in zip(
                    sockets[::2], sockets[1::2], conversations, strict=True
                )
            ]

        full = await run(running, pairs())
        rate = full.accepted / full.seconds
        half = await run(running, pairs(), pause=pair_count / (rate / 2))
    return {
        "one_to_one_messages_per_second": rate,
        "one_to_one_cpu_seconds_per_1000": full.cpu_total / full.accepted * 1000,
        **{
            f"one_to_one_cpu_{part}_per_1000": used / full.accepted * 1000
            for part, used in full.cpu.items()
        },
        **{
            f"half_load_p{percent}_ms": percentile(half.to_receive, percent) * 1000
            for percent in (50, 95, 99)
        },
        "half_load_messages_per_second": half.accepted / half.seconds,
    }


async def fan_out(running: Product, devices: int, messages: int) -> dict[str, Any]:
    """One device writes into a conversation of many that are online."""
    from benchmarks.devices import conversation_of, enrol_many, frame_to_send, sockets_of
    from messaging.threads import run_once

    members = await run_once(enrol_many, devices)
    conversation = await run_once(conversation_of, members)
    idle = running.web[0].resident_bytes()
    async with sockets_of(members, running.web[0].port) as sockets:
        await asyncio.sleep(1)
        per_socket = (running.web[0].resident_bytes() - idle) / devices / 1024
        before, begin = running.cpu_seconds(), time.perf_counter()
        reading = [asyncio.create_task(count_entries(one, messages)) for one in sockets]
        for number in range(messages):
            await sockets[0].send(frame_to_send(conversation.pk, number))
        await asyncio.gather(*reading)
        seconds = time.perf_counter() - begin
        after = running.cpu_seconds()
    deliveries = devices * messages
    used = sum(after[part] - before[part] for part in after)
    return {
        "fan_out_devices": devices,
        "fan_out_deliveries_per_second": deliveries / seconds,
        "fan_out_cpu_seconds_per_1000_deliveries": used / deliveries * 1000,
        "idle_socket_kib": per_socket,
    }


async def count_entries(connection: "ClientConnection", expected: int) -> None:
    count = 0
    while count < expected:
        count += '"type":"entry_appended"' in str(await connection.recv())


async def measure(running: Product, options: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"database": options.database}
    figures |= await one_to_one(running, options.pairs, options.messages)
    figures |= await fan_out(running, options.devices, options.fan_out_messages)
    for size in options.sizes:
        some = await fan_out(running, size, options.fan_out_messages)
        per_1000 = some["fan_out_cpu_seconds_per_1000_deliveries"]
        figures[f"cpu_seconds_per_1000_deliveries_to_{size}"] = per_1000
    figures |= await scaled(running, options)
    return figures


async def scaled(running: Product, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import growth, scale

    figures: dict[str, Any] = {}
    effort = growth.Effort(options.messages, options.rounds)
    if options.history:
        figures |= await growth.history(running, options.history, effort)
    if options.conversations:
        figures |= await growth.many_conversations(running, options.conversations, effort)
    if options.at_once:
        figures |= await scale.all_at_once(running, options.at_once)
    if options.sockets:
        figures |= await scale.idle_sockets(running, options.sockets)
    return figures


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--redis", action="store_true", help="with a Redis, as several nodes have")
    parser.add_argument("--pairs", type=int, default=50, help="pairs of devices, one to one")
    parser.add_argument("--messages", type=int, default=100, help="of each pair")
    parser.add_argument("--devices", type=int, default=1000, help="in the large conversation")
    parser.add_argument("--fan-out-messages", type=int, default=50, help="into it")
    parser.add_argument("--history", type=numbers, help="lengths of the log: 10000,10000000")
    parser.add_argument("--conversations", type=numbers, help="numbers of them: 100,10000")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--sizes", type=numbers, default=[], help="of conversations: 10,100,1000")
    parser.add_argument("--sockets", type=numbers, help="idle, rising: 1000,5000,10000")
    parser.add_argument("--at-once", type=int, help="devices that come in the same moment: 1000")
    parser.add_argument("--peers", action="store_true", help="other servers too, and the ratios")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    if options.peers and options.database != "postgresql":
        parser.error("--peers compares what all keep in PostgreSQL: leave out --database")
    with product(database=options.database, redis=options.redis) as running:
        figures = asyncio.run(measure(running, options))
    figures["load_average"] = os.getloadavg()[0]
    peers = {}
    if options.peers:
        print(f"ours: {figures}", file=sys.stderr)
        peers = measure_peers(figures, options)
    if options.json and options.peers:
        figures["peers"] = peers
    report(figures, as_json=options.json)
    if options.peers and not options.json:
        print_table(figures, peers)


if __name__ == "__main__":
    main()
