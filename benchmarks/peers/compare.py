"""Each peer under the same load as ours, and how many times as much ours carries or costs."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.load import Load, Pair, run
from benchmarks.peers import bare, ejabberd, prosody, xmpp
from benchmarks.peers.server import Database, Peer, PeerMissing

SIZE = 300
SECONDS_TO_SETTLE = 1
COPIES_ARCHIVED = 2  # the writer's and the reader's
COMPARED = {
    "one_to_one_messages_per_second": "messages/s",
    "one_to_one_cpu_seconds_per_1000": "CPU s per 1,000",
    "idle_socket_kib": "KiB per idle client",
}
Figures = dict[str, Any]  # Any: figures, or why there are none, as JSON has them


@dataclass(frozen=True)
class Contender:
    """How a peer is started, spoken to, and where it archives."""

    start: Callable[[list[str]], AbstractContextManager[Peer]]
    online: Callable[[Sequence[str], int], AbstractAsyncContextManager[object]]
    load: Callable[[Peer, Sequence[str], int], Coroutine[object, object, Load]]
    archive: str | None = None


async def load_xmpp(peer: Peer, names: Sequence[str], messages: int) -> Load:
    async with xmpp.clients(names, peer.port) as people:
        pairs = list(zip(people[::2], people[1::2], strict=True))
        return await xmpp.talk(peer, pairs, messages=messages, size=SIZE)


@asynccontextmanager
async def sockets(names: Sequence[str], port: int) -> AsyncIterator[list[ClientConnection]]:
    """Connect all to bare Daphne, some at a time."""
    opened: list[ClientConnection] = []
    try:
        for start in range(0, len(names), xmpp.CONNECT_AT_A_TIME):
            some = names[start : start + xmpp.CONNECT_AT_A_TIME]
            opened += await asyncio.gather(*(_open(name, port) for name in some))
        yield opened
    finally:
        await asyncio.gather(*(one.close() for one in opened), return_exceptions=True)


async def _open(name: str, port: int) -> ClientConnection:
    return await connect(f"ws://127.0.0.1:{port}/{name}", compression=None, ping_interval=None)


async def load_sockets(peer: Peer, names: Sequence[str], messages: int) -> Load:
    async with sockets(names, peer.port) as opened:
        pairs = [
            Pair(writer, reader, [f"{name}:{'x' * SIZE}"] * messages)
            for writer, reader, name in zip(opened[::2], opened[1::2], names[1::2], strict=True)
        ]
        return await run(peer, pairs)


CONTENDERS = {
    "ejabberd": Contender(ejabberd.ejabberd, xmpp.clients, load_xmpp, ejabberd.ARCHIVE),
    "bare_daphne": Contender(bare.daphne, sockets, load_sockets),
    "prosody": Contender(prosody.prosody, xmpp.clients, load_xmpp, prosody.ARCHIVE),
}


def measure_peers(
    ours: Figures,
    options: argparse.Namespace,
    contenders: Mapping[str, Contender] = CONTENDERS,
) -> Figures:
    """Return the figures of each peer and ours divided by them, or why a peer was skipped."""
    peers: Figures = {}
    for name, contender in contenders.items():
        try:
            figures = _measure(contender, options)
        except PeerMissing as missing:
            peers[name] = {"skipped": str(missing)}
            continue
        peers[name] = figures | {
            f"ours_to_theirs_{one}": _ratio(ours[one], figures[one]) for one in COMPARED
        }
    return peers


def _ratio(ours: float, theirs: float) -> float | None:
    """Return nothing if it was too little to measure, as after a handful of messages."""
    return ours / theirs if theirs > 0 else None


def _measure(contender: Contender, options: argparse.Namespace) -> Figures:
    people = [f"person{number}" for number in range(max(2 * options.pairs, options.devices))]
    with contender.start(people) as peer:
        load = asyncio.run(contender.load(peer, people[: 2 * options.pairs], options.messages))
        if contender.archive is not None:
            _expect_archived(peer, contender.archive, load)
        idle = asyncio.run(_idle_kib(contender, peer, people[: options.devices]))
    return {
        "one_to_one_messages_per_second": load.accepted / load.seconds,
        "one_to_one_cpu_seconds_per_1000": load.cpu_total / load.delivered * 1000,
        **{
            f"one_to_one_cpu_{part}_per_1000": used / load.delivered * 1000
            for part, used in load.cpu.items()
        },
        "idle_socket_kib": idle,
        "load_average": os.getloadavg()[0],
    }


def _expect_archived(peer: Peer, table: str, load: Load) -> None:
    """Refuse to compare with a server that delivers and does not keep."""
    assert peer.database_url is not None
    kept = Database(peer.database_url).count(table)
    if kept != COPIES_ARCHIVED * load.delivered:
        raise SystemExit(f"{load.delivered} messages were delivered, {kept} copies archived")


async def _idle_kib(contender: Contender, peer: Peer, names: Sequence[str]) -> float:
    before = peer.resident_bytes()
    async with contender.online(names, peer.port):
        await asyncio.sleep(SECONDS_TO_SETTLE)
        return (peer.resident_bytes() - before) / len(names) / 1024


def print_table(ours: Figures, peers: Figures) -> None:
    """Print a line for each server, with ours divided by theirs in brackets."""
    titles = "".join(f"{title:>28}" for title in COMPARED.values())
    print(f"\n{'':<12}{titles}{'load average':>14}")
    cells = "".join(f"{ours[one]:>19,.2f}{'':9}" for one in COMPARED)
    print(f"{'ours':<12}{cells}{ours['load_average']:>14.1f}")
    for name, figures in peers.items():
        if "skipped" in figures:
            print(f"{name:<12}  skipped: {figures['skipped']}")
            continue
        cells = "".join(_cell(figures, one) for one in COMPARED)
        print(f"{name:<12}{cells}{figures['load_average']:>14.1f}")


def _cell(figures: Figures, name: str) -> str:
    ratio = figures[f"ours_to_theirs_{name}"]
    shown = "-" if ratio is None else f"{ratio:.2f}"
    return f"{figures[name]:>19,.2f} ({shown:>6})"
