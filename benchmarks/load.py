"""Pairs of devices over WebSockets: one writes as fast as it is answered, the other reads.

While they do, this process collects no garbage: its own pauses would pass for the server's.
"""

import asyncio
import gc
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from websockets.asyncio.client import ClientConnection


class Measured(Protocol):
    """What knows how much its parts have worked."""

    def cpu_seconds(self) -> dict[str, float]: ...


@dataclass
class Load:
    """What was sent and seen in one run."""

    accepted: int = 0
    delivered: int = 0
    to_receive: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def cpu_total(self) -> float:
        return sum(self.cpu.values())


@dataclass
class Pair:
    """Two devices in a conversation: one writes, the other reads."""

    writer: ClientConnection
    reader: ClientConnection
    frames: list[str]


async def write(pair: Pair, load: Load, sent_at: list[float], pause: float) -> None:
    """Send one after the other, each when the one before is accepted and its time has come."""
    next_at = time.perf_counter() + random.random() * pause  # not all in the same moment
    for frame in pair.frames:
        now = time.perf_counter()
        if pause:
            next_at = max(next_at + pause, now - pause)
            await asyncio.sleep(max(0.0, next_at - now))
        sent_at.append(time.perf_counter())
        await pair.writer.send(frame)
        await answer(pair.writer, load)


async def answer(connection: ClientConnection, load: Load) -> None:
    """Read up to the answer; the writer's own entries pass by."""
    while True:
        text = str(await connection.recv())
        if '"type":"accepted"' in text:
            load.accepted += 1
            return
        if '"type":"refused"' in text:
            raise SystemExit(text)


async def read(pair: Pair, load: Load, sent_at: list[float]) -> None:
    count = 0
    while count < len(pair.frames):
        if '"type":"entry_appended"' in str(await pair.reader.recv()):
            load.to_receive.append(time.perf_counter() - sent_at[count])
            load.delivered += 1
            count += 1


async def run(running: Measured, pairs: Sequence[Pair], pause: float = 0.0) -> Load:
    load = Load()
    sent: list[list[float]] = [[] for _ in pairs]
    with no_collecting():
        before, begin = running.cpu_seconds(), time.perf_counter()
        await asyncio.gather(
            *(write(pair, load, at, pause) for pair, at in zip(pairs, sent, strict=True)),
            *(read(pair, load, at) for pair, at in zip(pairs, sent, strict=True)),
        )
        load.seconds = time.perf_counter() - begin
    after = running.cpu_seconds()
    load.cpu = {part: after[part] - before[part] for part in after}
    return load


@contextmanager
def no_collecting() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
