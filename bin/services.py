"""A PostgreSQL and a Redis of one's own, on private sockets and ports, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 30


class ServiceMissing(Exception):
    """A program of Debian's packages is not installed."""


@contextlib.contextmanager
def postgresql(*, port: int | None = None) -> Iterator[str]:
    """Start PostgreSQL in a temporary folder; yield its URL. With a port, it listens there too."""
    programs = _postgresql_programs()
    with tempfile.TemporaryDirectory(prefix="securechat-postgresql-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
            shutil.chown(data, "postgres")
        _as_database_user([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"])
        address = "127.0.0.1" if port else ""
        command = [programs / "postgres", "-D", data, "-k", folder]
        command += ["-p", port or 5432, "-c", "listen_addresses=" + address]
        server = _start(command, log=Path(folder) / "log")
        try:
            _wait(lambda: _answers(programs, folder, port or 5432), "PostgreSQL")
            at_port = "port=%d&" % port if port else ""
            yield "postgresql://postgres@/postgres?%shost=%s" % (at_port, folder)
        finally:
            server.send_signal(signal.SIGINT)  # at once: the default waits until all hang up
            server.wait(START_SECONDS)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Start Redis on a free local port, keeping nothing on disk; yield its URL."""
    program = shutil.which("redis-server")
    if program is None:
        raise ServiceMissing("redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="securechat-redis-") as folder:
        server = subprocess.Popen(
            [
                program,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                folder,
                "--save",
                "",
                "--appendonly",
                "no",
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait(lambda: _listens(port), "Redis")
            yield "redis://127.0.0.1:%d/0" % port
        finally:
            server.terminate()
            server.wait(START_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgresql_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if not found and not on_path:
        raise ServiceMissing("postgresql")
    return Path(found[-1] if found else str(on_path)).parent


def _as_database_user(command: list[object]) -> None:
    subprocess.run(_plain(command), check=True, stdout=subprocess.DEVNULL)


def _start(command: list[object], *, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(_plain(command), stdout=output, stderr=output)


def _plain(command: list[object]) -> list[str]:
    plain = [str(part) for part in command]
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *plain]
    return plain


def _answers(programs: Path, folder: str, port: int) -> bool:
    ready = [str(programs / "pg_isready"), "-q", "-h", folder, "-p", str(port), "-U", "postgres"]
    return subprocess.run(ready, check=False).returncode == 0


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait(ready: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("%s did not start within %d s." % (name, START_SECONDS))
        time.sleep(0.1)
