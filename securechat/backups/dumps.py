"""A whole database as one file, and back, while others go on using it."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import connection

from securechat.backups.errors import BackupFailed

PAGES_AT_A_TIME = 2_000
FILE_NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}

Progress = Callable[[int, int], None]

# The settings of a database connection are a dictionary of anything: hence Any.


def dump(target: Path, progress: Progress) -> None:
    """Write the database as it is at one moment; writers are not held up."""
    if connection.vendor == "sqlite":
        _dump_sqlite(Path(connection.settings_dict["NAME"]), target, progress)
    else:
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        _run("pg_restore", "--list", str(target))  # it reads as a whole


def load(source: Path) -> None:
    """Put the database of the dump in the place of the one that is there, whole or not at all."""
    if connection.vendor == "sqlite":
        _load_sqlite(source, Path(connection.settings_dict["NAME"]))
    else:
        _load_postgresql(source)


def is_in_use() -> bool:
    """Does anybody else hold a connection?"""
    if connection.vendor == "sqlite":
        return _sqlite_is_in_use(Path(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone()[0])


# SQLite --------------------------------------------------------------------------------------


def _dump_sqlite(source: Path, target: Path, progress: Progress) -> None:
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        # What is read in one transaction is one moment; without it, each write begins it anew.
        there.execute("BEGIN")
        there.execute("SELECT count(*) FROM sqlite_master").fetchone()
        there.backup(
            here,
            pages=PAGES_AT_A_TIME,
            progress=lambda _status, remaining, total: progress(total - remaining, total),
            sleep=0,
        )
        here.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    check_sqlite(target)


def check_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        try:
            said = database.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BackupFailed(f"The database in it is damaged: {error}.") from error
    if said != "ok":
        raise BackupFailed(f"The database in it is damaged: {said}.")


def _load_sqlite(source: Path, target: Path) -> None:
    check_sqlite(source)
    connection.close()
    source.chmod(0o600)
    for leftover in ("-wal", "-shm"):  # of the database that goes; they would be read into the new
        target.with_name(target.name + leftover).unlink(missing_ok=True)
    source.replace(target)


def _sqlite_is_in_use(path: Path) -> bool:
    """A database with other readers does not leave the write-ahead log."""
    connection.close()
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=0)) as database:
        try:
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            return True
    return False


# PostgreSQL ----------------------------------------------------------------------------------


def _load_postgresql(source: Path) -> None:
    """Drop every table and restore the dump's, in one transaction."""
    tables = connection.introspection.table_names()
    names = ", ".join(map(connection.ops.quote_name, tables))
    connection.close()
    script = source.with_suffix(".sql")
    with script.open("w") as file:
        if tables:
            file.write(f"DROP TABLE {names} CASCADE;\n")
        file.flush()
        options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--file=-")
        _run("pg_restore", *options, str(source), output=file)
    quiet = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1")
    _run("psql", *quiet, "--single-transaction", f"--file={script}")


def _run(program: str, *arguments: str, output: Any = subprocess.DEVNULL) -> None:
    """Run one of PostgreSQL's programs on the database of the settings."""
    result = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [_path_of(program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        env={**os.environ, **_postgresql_environment(connection.settings_dict)},
        check=False,
        text=True,
    )
    if result.returncode:
        raise BackupFailed(f"{program} failed: {result.stderr.strip()[-1000:]}")


def _postgresql_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Say in the environment which database: a password in the arguments is seen by everybody."""
    names = {
        "PGHOST": "HOST",
        "PGPORT": "PORT",
        "PGUSER": "USER",
        "PGPASSWORD": "PASSWORD",
        "PGDATABASE": "NAME",
    }
    return {name: str(settings[ours]) for name, ours in names.items() if settings[ours]}


def _path_of(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(
            f"{program} is not installed; on Debian it is in postgresql-client, "
            "which must be as new as the server."
        )
    return found
