"""The product as an operator runs it: its processes, its data folder, its logs."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from uuid import uuid4

import psycopg
import redis

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(kw_only=True)
class Product:
    """One running SecureChat on a free port, with a database of its own."""

    folder: Path
    port: int
    faces: bool
    database_url: str | None = None
    redis_url: str | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("SECURECHAT_")
        }
        return inherited | {
            "SECURECHAT_DATA": str(self.data),
            "SECURECHAT_ORIGIN": self.origin,
            "SECURECHAT_FACE_ENABLED": str(self.faces).lower(),
            "DJANGO_SETTINGS_MODULE": "securechat.settings",
            "PYTHONUNBUFFERED": "1",
            **({"SECURECHAT_DATABASE_URL": self.database_url} if self.database_url else {}),
            **({"SECURECHAT_REDIS_URL": self.redis_url} if self.redis_url else {}),
        }

    def manage(self, *arguments: str) -> str:
        """Run a management command; return what it printed, fail on what it complains about."""
        result = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def invitation(self, username: str, *, display_name: str, role: str = "member") -> str:
        """Invite a person; return the link."""
        said = self.manage(
            "invite", username, "--display-name", display_name, "--role", role, "--json"
        )
        link: str = json.loads(said)["link"]
        return link

    def start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self.manage("prepare")
        self.start_process("web", "serve", "--port", str(self.port))
        if self.faces:
            self.start_process("worker", "face_worker")
        self.wait_until_ready()

    def start_process(self, name: str, *arguments: str) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *arguments],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop_process(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        for name in list(self.processes):
            self.stop_process(name)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.processes["web"].poll() is None, (self.logs / "web.log").read_text()
            try:
                with urllib.request.urlopen(f"{self.origin}/health/ready", timeout=5) as answer:
                    assert answer.status == 200
                    return
            except (HTTPError, URLError, ConnectionError):
                time.sleep(0.2)
        raise TimeoutError((self.logs / "web.log").read_text())


def new_database(server_url: str) -> str:
    """Make an empty database on a PostgreSQL server; return its URL."""
    name = f"story_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server_url.replace("/postgres?", f"/{name}?", 1)


def dump(product: Product) -> dict[str, bytes]:
    """Everything the product has stored, by name: files, logs, database rows, Redis values."""
    found = {
        str(path.relative_to(product.folder)): path.read_bytes()
        for path in product.folder.rglob("*")
        if path.is_file()
    }
    if product.database_url:
        plain = subprocess.run(
            ["pg_dump", product.database_url], capture_output=True, check=True
        ).stdout
        found["postgresql"] = plain
    if product.redis_url:
        with redis.Redis.from_url(product.redis_url) as store:
            for key in store.scan_iter():
                found[f"redis {key!r}"] = store.dump(key) or b""
    return found
