"""The power cut of `benchmarks.power`: it must lose what was not synchronised, and nothing else."""

import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.power import Disk, Write, cut, files_of, is_sound, recorder

PATH = "/file"
# Writes rows without end, and prints the number of each that is committed.
PROGRAM = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA wal_autocheckpoint=20")
database.execute("PRAGMA synchronous=" + sys.argv[2])
for number in range(1_000_000):
    database.execute("INSERT INTO rows VALUES (?, ?)", (number, bytes(3000)))
    print(number, flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    if shutil.which("strace") is None:
        pytest.skip("no strace; on Debian: apt-get install strace")
    path = tmp_path / "rows.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE rows (number INTEGER, filling BLOB)")
    return path


def write_until_the_cut(database: Path, synchronous: str, rows: int) -> int:
    """Return the last row that was said to be committed."""
    journal = database.with_name("journal")
    before = files_of(database)
    command = [sys.executable, "-c", PROGRAM, str(database), synchronous]
    with subprocess.Popen(
        [*recorder(database, journal), *command], stdout=subprocess.PIPE, text=True
    ) as strace:
        assert strace.stdout is not None
        for line in strace.stdout:
            if int(line) == rows:
                break
        children = Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()
        subprocess.run(["kill", "-9", *children], check=True)
        committed = [rows, *map(int, strace.stdout)][-1]
    cut(database, before, journal, random.Random(rows))
    return committed


def rows_in(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM rows ORDER BY number")]


@pytest.mark.parametrize("rows", [3, 40, 171])
def test_what_was_committed_and_synchronised_is_there(database: Path, rows: int) -> None:
    committed = write_until_the_cut(database, "FULL", rows)

    found = rows_in(database)
    assert is_sound(database)
    assert found[: committed + 1] == list(range(committed + 1))
    assert len(found) <= committed + 2  # at most the one that was being written


def test_what_was_committed_and_not_synchronised_is_lost(database: Path) -> None:
    committed = write_until_the_cut(database, "OFF", 40)

    assert not is_sound(database) or len(rows_in(database)) < committed


def test_of_each_write_after_the_synchronisation_nothing_all_or_some_sectors_is_left() -> None:
    disk = Disk({PATH: bytearray(b"a" * 2048)}, [Write(PATH, 0, b"b" * 2048, is_done=True)])

    found = {bytes(disk.after_a_cut(random.Random(seed))[PATH]) for seed in range(60)}

    assert {b"a" * 2048, b"b" * 2048} < found
    torn = found - {b"a" * 2048, b"b" * 2048}
    assert all(len({*one[start : start + 512]}) == 1 for one in torn for start in (0, 512, 1024))


def test_a_synchronisation_keeps_what_was_written_before_it_began(tmp_path: Path) -> None:
    file = "3<\\x2f\\x66\\x69\\x6c\\x65>"
    journal = tmp_path / "journal"
    journal.write_text(
        f'11  pwrite64({file}, "\\x61", 1, 0) = 1\n'
        f"11  fdatasync({file} <unfinished ...>\n"
        f'12  pwrite64({file}, "\\x62", 1, 1) = 1\n'
        "11  <... fdatasync resumed>)         = 0\n"
        f"11  fdatasync({file}) = -1 EIO (Input/output error)\n"
        f'12  pwrite64({file}, "\\x63", 1, 2) = -1 ENOSPC (No space left on device)\n'
        f"12  ftruncate({file}, 1 <unfinished ...>\n"
    )
    disk = Disk({})

    disk.follow(journal)

    assert disk.files == {PATH: bytearray(b"a")}
    assert disk.waiting == [
        Write(PATH, 1, b"b", is_done=True),
        Write(PATH, 1, None, is_done=False),
    ]
