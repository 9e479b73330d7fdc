"""Prosody with every message in the archive of both sides (XEP-0313), on PostgreSQL."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import services

from benchmarks.peers.server import Archive, Database, Peer, find_program, started
from benchmarks.peers.xmpp import HOST, PASSWORD, ROOMS

INSTALL = "apt-get install --no-install-recommends prosody lua-dbi-postgresql"
ARCHIVE = Archive("prosodyarchive", copies=2)
# The archive is in PostgreSQL because Prosody does not wait for the disk with its own files.
SETTINGS = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}"
log = {{ {{ levels = {{ min = "warn" }}, to = "console" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_enabled = {{ "roster", "saslauth", "mam" }}
modules_disabled = {{ "s2s", "tls", "offline" }}
authentication = "internal_plain"
storage = {{ archive = "sql", muc_log = "sql" }}
sql = {{ driver = "PostgreSQL", database = "postgres", username = "postgres", host = "{database}" }}
default_archive_policy = true
VirtualHost "{host}"
Component "{rooms}" "muc"
  modules_enabled = {{ "muc_mam" }}
  muc_room_locking = false
  muc_room_default_persistent = true
  muc_room_default_presence_broadcast = {{
    visitor = false, participant = false, moderator = false
  }}
"""


@contextlib.contextmanager
def prosody(names: list[str]) -> Iterator[Peer]:
    program = find_program("prosody", INSTALL)
    with (
        TemporaryDirectory(prefix="securechat-prosody-") as name,
        services.postgresql() as url,
    ):
        folder, port = Path(name), services.free_port()
        accounts = folder / HOST / "accounts"
        accounts.mkdir(parents=True)
        for person in names:
            (accounts / f"{person}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}" }};')
        settings = folder / "prosody.cfg.lua"
        settings.write_text(
            SETTINGS.format(
                host=HOST, rooms=ROOMS, port=port, folder=folder, database=Database(url).folder
            )
        )
        command = [program, "-F", "--config", str(settings)]
        with started(command, port=port, log=folder / "output") as pid:
            yield Peer(port=port, pid=pid, database_url=url)
