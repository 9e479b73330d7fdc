"""ejabberd on PostgreSQL, with every message in the archive of both sides (XEP-0313)."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import services

from benchmarks.peers.server import Archive, Database, Peer, PeerMissing, find_program, started
from benchmarks.peers.xmpp import HOST, PASSWORD

INSTALL = "apt-get install --no-install-recommends ejabberd erlang-p1-pgsql"
SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")
ARCHIVE = Archive("archive", copies=2)
# The settings of the package, without encryption and limits of speed: there is nothing between.
SETTINGS = """
hosts: ["{host}"]
loglevel: 3
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    backlog: 128
auth_method: [sql]
auth_password_format: plain
default_db: sql
sql_type: pgsql
sql_server: "127.0.0.1"
sql_port: {database_port}
sql_database: postgres
sql_username: postgres
modules:
  mod_mam:
    default: always
    clear_archive_on_room_destroy: false
  mod_muc:
    max_users: 5000
    default_room_options:
      mam: true
      max_users: 5000
      persistent: true
      presence_broadcast: []
"""


@contextlib.contextmanager
def ejabberd(names: list[str]) -> Iterator[Peer]:
    """Start the program itself: its script wants the package's user and a port mapper."""
    find_program("ejabberdctl", INSTALL)
    erlang = find_program("erl", INSTALL)
    libraries = next(Path("/usr/lib").glob("*/ejabberd-*/ebin"), None)
    if libraries is None or not SCHEMA.exists():
        raise PeerMissing(f"not as Debian packages it; {INSTALL}")
    database_port = services.free_port()  # its driver speaks no other way
    with (
        TemporaryDirectory(prefix="securechat-ejabberd-") as name,
        services.postgresql(port=database_port) as url,
    ):
        folder, database, port = Path(name), Database(url), services.free_port()
        database.run(SCHEMA.read_text())
        people = ", ".join(f"('{person}', '{PASSWORD}')" for person in names)
        database.run(f"INSERT INTO users (username, password) VALUES {people}")
        settings = folder / "ejabberd.yml"
        settings.write_text(SETTINGS.format(host=HOST, port=port, database_port=database_port))
        command = [erlang, "+K", "true", "-noinput", "-mnesia", "dir", f'"{folder}/mnesia"']
        environment = {
            "EJABBERD_CONFIG_PATH": str(settings),
            "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
            "ERL_LIBS": str(libraries.parents[1]),
        }
        with started(
            [*command, "-s", "ejabberd"],
            port=port,
            log=folder / "output",
            environment=environment,
        ) as pid:
            yield Peer(port=port, pid=pid, database_url=url)
