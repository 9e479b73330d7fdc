"""A power cut, simulated: what was written and not yet synchronised is lost, or torn.

A program runs under strace, which writes down what it does to the files of its SQLite database.
When the power is cut the program is killed, and the files are made anew as a disk may hold them
then: what had been synchronised is there; of each later write nothing, all, or some of its sectors.
Directories are always up to date, and a disk that says "synchronised" means it.
"""

import random
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
SUFFIXES = ("", "-wal", "-journal")
CALLS = "write,pwrite64,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,unlink,rename"
LONGEST_WRITE = 1 << 20

# <thread> <call>(<arguments>) = <result>; a call that others interrupt is printed in two pieces.
CALL = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\((?P<arguments>.*)")
RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. \w+ resumed>.*= (?P<result>-?\d+)")
RESULT = re.compile(r"\) += (?P<result>-?\d+)[^\"]*$")
DESCRIPTOR = re.compile(r"\d+<(?P<path>[^>]*)>")
TEXT = re.compile(r'"(?P<text>(?:\\x[0-9a-f]{2})*)"(?P<cut>\.\.\.)?')


def recorder(database: Path, journal: Path) -> list[str]:
    """Return what stands before a command so that its writes to the database are written down."""
    paths = [part for suffix in SUFFIXES for part in ("-P", f"{database}{suffix}")]
    how = ["--follow-forks", "--seccomp-bpf", "--decode-fds=path", "-xx", "-qqq"]
    size = [f"--string-limit={LONGEST_WRITE}"]
    return ["strace", *how, *size, f"--trace={CALLS}", f"--output={journal}", *paths]


@dataclass
class Write:
    """Bytes at a place; without bytes, the end of the file."""

    path: str
    offset: int
    content: bytes | None
    is_done: bool = False

    def apply(self, files: dict[str, bytearray]) -> None:
        file = files.setdefault(self.path, bytearray())
        if self.content is None:
            del file[self.offset :]
            file.extend(bytes(self.offset - len(file)))
            return
        file.extend(bytes(max(0, self.offset - len(file))))
        file[self.offset : self.offset + len(self.content)] = self.content

    def torn(self, chance: random.Random) -> Iterator["Write"]:
        """Some of its sectors."""
        content = self.content or b""
        for start in range(0, len(content), SECTOR):
            if chance.random() < 0.5:
                yield Write(self.path, self.offset + start, content[start : start + SECTOR])


@dataclass
class Disk:
    """The files as they are synchronised, and the writes that came after."""

    files: dict[str, bytearray]
    waiting: list[Write] = field(default_factory=list)
    _calls: dict[str, tuple[str, list[Write]]] = field(default_factory=dict)

    def follow(self, journal: Path) -> None:
        with journal.open(encoding="ascii") as lines:
            for line in lines:
                if begun := CALL.match(line):
                    self._begin(**begun.groupdict())
                ended = RESUMED.match(line) or RESULT.search(line)
                if ended:
                    self._end(line.split()[0], int(ended["result"]))

    def _begin(self, thread: str, call: str, arguments: str) -> None:
        self._calls[thread] = (call, self._concerned(call, arguments))

    def _concerned(self, call: str, arguments: str) -> list[Write]:
        """Return the write that begins, or those that a synchronisation is about."""
        if call == "unlink":
            return [Write(_text(arguments).decode(), 0, None)]
        path = _path(arguments)
        match call:
            case "pwrite64":
                offset = int(_after_text(arguments)[1])
                self.waiting.append(Write(path, offset, _text(arguments)))
                return self.waiting[-1:]
            case "ftruncate":
                size = re.findall(r">, (\d+)", arguments)[-1]
                self.waiting.append(Write(path, int(size), None))
                return self.waiting[-1:]
            case "fsync" | "fdatasync":
                return [write for write in self.waiting if write.path == path and write.is_done]
        raise NotImplementedError(f"SQLite is not known to {call} its files.")

    def _end(self, thread: str, result: int) -> None:
        call, writes = self._calls.pop(thread)
        if call == "unlink":
            self._forget(writes[0].path)
        elif call.endswith("sync"):
            if result == 0:
                self._keep(writes)
        elif result < 0:
            self.waiting.remove(writes[0])
        else:
            writes[0].is_done = True

    def _forget(self, path: str) -> None:
        self.files.pop(path, None)
        self.waiting = [write for write in self.waiting if write.path != path]

    def _keep(self, writes: Sequence[Write]) -> None:
        kept = set(map(id, writes))
        for write in writes:
            write.apply(self.files)
        self.waiting = [write for write in self.waiting if id(write) not in kept]

    def after_a_cut(self, chance: random.Random) -> dict[str, bytearray]:
        """Return the files as they may be found: of what waits nothing, all, or some sectors."""
        files = {path: bytearray(file) for path, file in self.files.items()}
        for write in self.waiting:
            match chance.choice(["lost", "kept", "torn"]):
                case "kept":
                    write.apply(files)
                case "torn":
                    for part in write.torn(chance):
                        part.apply(files)
        return files


def files_of(database: Path) -> dict[str, bytearray]:
    """Return what is on the disk now, all of it taken as synchronised."""
    beside = [path for suffix in SUFFIXES[1:] if (path := Path(f"{database}{suffix}")).exists()]
    return {str(path): bytearray(path.read_bytes()) for path in (database, *beside)}


def cut(database: Path, before: dict[str, bytearray], journal: Path, chance: random.Random) -> None:
    """Put the database into the state after a power cut; its program was killed already."""
    disk = Disk(before)
    disk.follow(journal)
    found = disk.after_a_cut(chance)
    for suffix in (*SUFFIXES, "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    for path, content in found.items():
        Path(path).write_bytes(content)


def is_sound(database: Path) -> bool:
    """Say whether SQLite finds nothing wrong, looking at a copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        for suffix in SUFFIXES:
            if (part := Path(f"{database}{suffix}")).exists():
                shutil.copy(part, f"{copy}{suffix}")
        connection = sqlite3.connect(copy)
        try:
            return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        except sqlite3.DatabaseError:
            return False
        finally:
            connection.close()


def _path(arguments: str) -> str:
    found = DESCRIPTOR.match(arguments)
    if found is None:
        raise ValueError(f"no path of a file in {arguments[:80]!r}")
    return _unhex(found["path"]).decode()


def _text(arguments: str) -> bytes:
    found = TEXT.search(arguments)
    if found is None or found["cut"]:
        raise ValueError(f"no whole text in {arguments[:80]!r}")
    return _unhex(found["text"])


def _after_text(arguments: str) -> list[str]:
    """Return the numbers behind the text: how many bytes, and where."""
    return re.findall(r"\d+", arguments.rpartition('"')[2])


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
