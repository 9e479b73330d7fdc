"""Each peer under the same load as ours, and how many times as much ours carries or costs."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.load import Load
from benchmarks.peers import bare, ejabberd, matrix, prosody, synapse, xmpp
from benchmarks.peers.server import Archive, Database, Peer, PeerMissing

SIZE = 300
SECONDS_TO_SETTLE = 1
COMPARED = {
    "one_to_one_messages_per_second": "messages/s",
    "one_to_one_cpu_seconds_per_1000": "CPU s per 1,000",
    "fan_out_deliveries_per_second": "deliveries/s",
    "fan_out_cpu_seconds_per_1000_deliveries": "CPU s per 1,000",
    "idle_socket_kib": "KiB per idle client",
}
Figures = dict[str, Any]  # Any: figures, or why there are none, as JSON has them


class Language(Protocol):
    """How those speak who are online; each language has clients of its own, hence Any."""

    def clients(
        self, names: Sequence[str], port: int
    ) -> AbstractAsyncContextManager[list[Any]]: ...

    async def talk(
        self, running: Peer, people: Sequence[Any], *, messages: int, size: int
    ) -> Load: ...

    async def tell_all(
        self, running: Peer, people: Sequence[Any], *, messages: int, size: int
    ) -> Load: ...


@dataclass(frozen=True)
class Contender:
    """How a peer is started and spoken to, where it archives, and how much of the load it gets."""

    start: Callable[[list[str]], AbstractContextManager[Peer]]
    language: Language
    archive: Archive | None = None
    most_people: int = 10_000
    most_messages: int = 10_000


Act = Callable[..., Coroutine[Any, Any, Load]]  # one of a language's two

CONTENDERS = {
    "ejabberd": Contender(ejabberd.ejabberd, xmpp, ejabberd.ARCHIVE),
    "bare_daphne": Contender(bare.daphne, bare),
    "prosody": Contender(prosody.prosody, xmpp, prosody.ARCHIVE),
    # A message costs it a hundred times as much: all of the load would take a quarter of an hour.
    "synapse": Contender(
        synapse.synapse, matrix, synapse.ARCHIVE, most_people=100, most_messages=20
    ),
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
        print(f"{name}: {figures}", file=sys.stderr)  # a long run that is cut leaves something
        peers[name] = figures | {
            f"ours_to_theirs_{one}": _ratio(ours[one], figures[one]) for one in COMPARED
        }
    return peers


def _ratio(ours: float, theirs: float) -> float | None:
    """Return nothing if it was too little to measure, as after a handful of messages."""
    return ours / theirs if theirs > 0 else None


def _measure(contender: Contender, options: argparse.Namespace) -> Figures:
    most = contender.most_people
    pairs, devices = min(2 * options.pairs, most), min(options.devices, most)
    people = [f"person{number}" for number in range(max(pairs, devices))]
    with contender.start(people) as peer:
        one = _load(peer, contender, contender.language.talk, people[:pairs], options.messages)
        idle = asyncio.run(_idle_kib(contender.language, peer, people[:devices]))
        tell_all, messages = contender.language.tell_all, options.fan_out_messages
        many = _load(peer, contender, tell_all, people[:devices], messages)
        if contender.archive is not None:
            _expect_archived(peer, contender.archive, one, many)
    return {
        "one_to_one_messages_per_second": one.accepted / one.seconds,
        "one_to_one_cpu_seconds_per_1000": one.cpu_total / one.delivered * 1000,
        **{
            f"one_to_one_cpu_{part}_per_1000": used / one.delivered * 1000
            for part, used in one.cpu.items()
        },
        "fan_out_devices": devices,
        "fan_out_deliveries_per_second": many.delivered / many.seconds,
        "fan_out_cpu_seconds_per_1000_deliveries": many.cpu_total / many.delivered * 1000,
        "idle_socket_kib": idle,
        "load_average": os.getloadavg()[0],
    }


def _load(peer: Peer, contender: Contender, act: Act, people: Sequence[str], messages: int) -> Load:
    async def online() -> Load:
        async with contender.language.clients(people, peer.port) as clients:
            some = min(messages, contender.most_messages)
            return await act(peer, clients, messages=some, size=SIZE)

    return asyncio.run(online())


def _expect_archived(peer: Peer, archive: Archive, one: Load, many: Load) -> None:
    """Refuse to compare with a server that delivers and does not keep."""
    assert peer.database_url is not None
    kept = Database(peer.database_url).count(archive.rows)
    if kept != archive.copies * one.accepted + many.accepted:
        raise SystemExit(
            f"{archive.rows}: {one.accepted} messages were sent one to one, "
            f"{many.accepted} into the room, and {kept} copies were archived"
        )


async def _idle_kib(language: Language, peer: Peer, names: Sequence[str]) -> float:
    before = peer.resident_bytes()
    async with language.clients(names, peer.port):
        await asyncio.sleep(SECONDS_TO_SETTLE)
        return (peer.resident_bytes() - before) / len(names) / 1024


def print_table(ours: Figures, peers: Figures) -> None:
    """Print a line for each server, with ours divided by theirs in brackets."""
    titles = "".join(f"{title:>22}" for title in COMPARED.values())
    print(f"\n{'':<12}{titles}{'in the room':>13}{'load average':>14}")
    cells = "".join(f"{_shown(ours[one]):>13}{'':9}" for one in COMPARED)
    print(f"{'ours':<12}{cells}{ours['fan_out_devices']:>13}{ours['load_average']:>14.1f}")
    for name, figures in peers.items():
        if "skipped" in figures:
            print(f"{name:<12}  skipped: {figures['skipped']}")
            continue
        cells = "".join(_cell(figures, one) for one in COMPARED)
        print(f"{name:<12}{cells}{figures['fan_out_devices']:>13}{figures['load_average']:>14.1f}")


def _cell(figures: Figures, name: str) -> str:
    ratio = figures[f"ours_to_theirs_{name}"]
    shown = "-" if ratio is None else f"{ratio:.3g}"
    return f"{_shown(figures[name]):>13} ({shown:>6})"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
