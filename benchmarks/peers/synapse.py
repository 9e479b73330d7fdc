"""Synapse as PyPI has it, on PostgreSQL: one process, no limits of speed, nobody else's servers."""

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import services

from benchmarks.peers.matrix import HOST, PASSWORD
from benchmarks.peers.server import Archive, Database, Peer, find_program, started

INSTALL = (
    "python3 -m venv FOLDER && FOLDER/bin/pip install 'matrix-synapse[postgres]', "
    "and put FOLDER/bin on PATH"
)
ARCHIVE = Archive("events WHERE type = 'm.room.message'", copies=1)
DATABASE = "CREATE DATABASE synapse ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
LIMITS = ["message", "login.address", "login.account", "login.failed_attempts", "registration"]
LIMITS += ["joins.local", "joins.remote", "joins_per_room", "room_creation"]


def settings(folder: Path, port: int, database: Database, secret: str) -> dict[str, Any]:
    """Return what Synapse reads as YAML; JSON is that too."""
    unlimited = {"per_second": 1_000_000, "burst_count": 1_000_000}
    limits: dict[str, Any] = {}
    for name in LIMITS:
        kind, _, part = name.partition(".")
        limits[f"rc_{kind}"] = limits.get(f"rc_{kind}", {}) | (
            {part: unlimited} if part else unlimited
        )
    resources = [{"names": ["client"], "compress": False}]
    listener = {"port": port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"]}
    connection = {"dbname": "synapse", "user": "postgres", "host": database.folder}
    return {
        "server_name": HOST,
        "listeners": [listener | {"resources": resources}],
        "database": {"name": "psycopg2", "args": connection | {"cp_min": 5, "cp_max": 10}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": secret,
        "macaroon_secret_key": secret,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        "trusted_key_servers": [],
        "report_stats": False,
        **limits,
    }


@contextlib.contextmanager
def synapse(names: list[str]) -> Iterator[Peer]:
    program = find_program("synapse_homeserver", INSTALL)
    with (
        TemporaryDirectory(prefix="securechat-synapse-") as name,
        services.postgresql() as url,
    ):
        folder, database, port = Path(name), Database(url), services.free_port()
        secret = secrets.token_hex()
        database.run(DATABASE)
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (folder / "signing.key").write_text(f"ed25519 a_bench {seed}\n")
        (folder / "log.yaml").write_text(json.dumps({"version": 1, "root": {"level": "WARNING"}}))
        read = folder / "homeserver.yaml"
        read.write_text(json.dumps(settings(folder, port, database, secret)))
        with started([program, "-c", str(read)], port=port, log=folder / "output") as pid:
            _register(names, port, secret)
            yield Peer(port=port, pid=pid, database_url=url.replace("/postgres?", "/synapse?"))


def _register(names: list[str], port: int, secret: str) -> None:
    """Make accounts, as whoever knows the server's secret may."""
    address = f"http://127.0.0.1:{port}/_synapse/admin/v1/register"
    with httpx.Client(timeout=60) as http:
        for name in names:
            nonce = http.get(address).json()["nonce"]
            said = f"{nonce}\0{name}\0{PASSWORD}\0notadmin".encode()
            mac = hmac.new(secret.encode(), said, hashlib.sha1).hexdigest()  # as Synapse wants it
            wanted = {"nonce": nonce, "username": name, "password": PASSWORD, "mac": mac}
            http.post(address, json=wanted).raise_for_status()
