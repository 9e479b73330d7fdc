"""The product under measurement: its own database and Redis, and as many web processes as asked."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))
import services  # noqa: E402 - bin is no package

SECONDS_TO_START = 180
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Program:
    """A ``manage.py`` command that runs on; `start` it again after it was killed."""

    arguments: list[str]
    log: Path
    recorder: list[str] = field(default_factory=list)
    """A command that runs it and writes down what it does."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        command = [*self.recorder, sys.executable, "manage.py", *self.arguments]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)

    def kill(self) -> None:
        """Kill -9, its children too: nothing is put in order first. A recorder ends its record."""
        if self.process is None:
            return
        for pid in tree_pids(self.pid)[1 if self.recorder else 0 :]:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class WebProcess(Program):
    """One ``manage.py serve``."""

    @property
    def port(self) -> int:
        return int(self.arguments[-1])

    def listens(self) -> bool:
        return listens(self.port)

    def wait(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.listens():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The server does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE


@dataclass
class Product:
    """Web processes, and the process ids of what they use."""

    web: list[WebProcess]
    folder: Path
    database: int | None = None
    redis: int | None = None
    redis_url: str | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def cpu_seconds(self) -> dict[str, float]:
        """What each part has used so far, its children included."""
        used = {"web": sum(tree_seconds(one.pid) for one in self.web)}
        if self.database is not None:
            used["database"] = tree_seconds(self.database)
        if self.redis is not None:
            used["redis"] = tree_seconds(self.redis)
        return used

    def crash_database(self) -> None:
        """Kill -9 one of PostgreSQL's processes: it drops all others and recovers from its log."""
        assert self.database is not None
        backends = [pid for pid in _children(self.database) if b"postgres: " in _title(pid)]
        talking = [pid for pid in backends if b"[local]" in _title(pid)]
        os.kill((talking or backends)[0], signal.SIGKILL)


@contextmanager
def product(
    *, database: str = "postgresql", processes: int = 1, redis: bool = False
) -> Iterator[Product]:
    """Start everything, set Django up for it in this process, and stop everything afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="securechat-bench-")))
        settings = {"SECURECHAT_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "securechat.settings"}
        if database == "postgresql":
            settings["SECURECHAT_DATABASE_URL"] = stack.enter_context(services.postgresql())
        if redis or processes > 1:
            settings["SECURECHAT_REDIS_URL"] = stack.enter_context(services.redis())
        for name in ("SECURECHAT_DATABASE_URL", "SECURECHAT_REDIS_URL"):
            os.environ.pop(name, None)  # its own, and no others
        os.environ.update(settings)
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        _set_django_up()
        web = [web_process(folder, number) for number in range(processes)]
        for one in web:
            one.start()
            stack.callback(one.kill)
        for one in web:
            one.wait()
        redis_url = settings.get("SECURECHAT_REDIS_URL")
        yield Product(
            web=web,
            folder=folder,
            database=postmaster(url) if (url := settings.get("SECURECHAT_DATABASE_URL")) else None,
            redis=_redis_pid(redis_url),
            redis_url=redis_url,
            settings=settings,
        )


def web_process(folder: Path, number: int) -> WebProcess:
    serve = ["serve", "--port", str(services.free_port())]
    return WebProcess(serve, folder / f"web-{number}.log")


def _set_django_up() -> None:
    import django  # noqa: PLC0415 - only now are the settings known

    django.setup()


def postmaster(url: str) -> int:
    folder = Path(url.rpartition("host=")[2])
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def _redis_pid(url: str | None) -> int | None:
    if url is None:
        return None
    from redis import Redis  # noqa: PLC0415 - installed where Redis is used

    with Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tree_pids(pid: int) -> list[int]:
    """Return the process and all that came of it."""
    return [pid, *(one for child in _children(pid) for one in tree_pids(child))]


def tree_seconds(pid: int) -> float:
    return sum(map(_seconds, tree_pids(pid)))


def _seconds(pid: int) -> float:
    """Return the processor time of a process and of its children that have ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it has just ended
        return 0.0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / TICKS


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has just ended
        return []


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def percentile(values: Iterable[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


# Any: figures and lists of figures, as JSON has them.
def report(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    width = max(map(len, figures))
    for name, value in figures.items():
        shown = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
        print(f"{name.replace('_', ' '):<{width}}  {shown}")
