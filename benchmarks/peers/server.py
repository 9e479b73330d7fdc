"""A server of somebody else's, started in a private folder and stopped afterwards."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from benchmarks.load import Load, Measured
from benchmarks.product import PAGE, listens, postmaster, tree_pids, tree_seconds

SECONDS_TO_START = 60
CONNECT_AT_A_TIME = 50
WHERE_SERVERS_ARE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin"))


class PeerMissing(Exception):
    """A server is not installed; the text says how to install it."""


@dataclass(frozen=True)
class Peer:
    """A running server, and the database it archives in."""

    port: int
    pid: int
    database_url: str | None = None

    def cpu_seconds(self) -> dict[str, float]:
        """What each part has used so far, its children included."""
        used = {"server": tree_seconds(self.pid)}
        if self.database_url is not None:
            used["database"] = tree_seconds(postmaster(self.database_url))
        return used

    def resident_bytes(self) -> int:
        pages = (Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in tree_pids(self.pid))
        return sum(map(int, pages)) * PAGE


@dataclass(frozen=True)
class Archive:
    """Where a server keeps messages: rows of a table, and how many of them for one to one."""

    rows: str
    copies: int


@dataclass(frozen=True)
class Database:
    """Where one PostgreSQL listens, in the pieces that other servers' settings want."""

    url: str

    @property
    def folder(self) -> str:
        return parse_qs(urlsplit(self.url).query)["host"][0]

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.encode())

    def count(self, rows: str) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {rows}".encode()).fetchone()
        assert row is not None
        return int(row[0])


def find_program(name: str, how: str, *, path: str = WHERE_SERVERS_ARE) -> str:
    """Return where the program is, or say how to install it."""
    found = shutil.which(name, path=path)
    if found is None:
        raise PeerMissing(f"not installed; {how}")
    return found


async def measured(running: Measured, load: Load, work: Iterable[Awaitable[None]]) -> Load:
    """Do all the work at once, and add how long it took and what it cost."""
    before, begin = running.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*work)
    load.seconds = time.perf_counter() - begin
    after = running.cpu_seconds()
    load.cpu = {part: after[part] - before[part] for part in after}
    return load


@contextlib.contextmanager
def started(
    command: list[str], *, port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Start a program, wait until it listens, yield its process id, and stop it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
