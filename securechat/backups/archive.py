"""The file of a backup: a tar archive whose last member lists all others with their digests.

A backup that was cut off has no such list, and one that was changed differs from it: both are
refused before anything is touched.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec
from msgspec import Struct

from securechat.backups.errors import BackupFailed

FORMAT = 1
MANIFEST = "manifest.json"
ATTACHMENTS = "attachments/"
CHUNK = 1024 * 1024


class Member(Struct, frozen=True):
    """A file of the backup."""

    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What the backup holds, and what it needs."""

    format: int
    made_at: str
    database: str
    migrations: list[str]
    secret_key_check: str
    has_attachments: bool
    members: dict[str, Member]


class ArchiveWriter:
    """Adds files one by one; the list comes with `finish`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by finish
        self.members: dict[str, Member] = {}

    def add(self, name: str, source: Path) -> None:
        """Add the file as long as it is now: one that is being uploaded may grow meanwhile."""
        with source.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            hashing = _Hashing(content)
            self._tar.addfile(_header(name, size), hashing)
        self.members[name] = Member(size=size, sha256=hashing.digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._tar.addfile(_header(MANIFEST, len(data)), io.BytesIO(data))
        self._tar.close()


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """Write beside the path; the file has its name only when it is whole and on the disk."""
    unfinished = path.with_name(f".{path.name}.part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield ArchiveWriter(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def extract(path: Path, folder: Path) -> Manifest:
    """Write all files of the backup into the folder, or raise `BackupFailed`."""
    found: dict[str, Member] = {}
    manifest = None
    try:
        with tarfile.open(path, mode="r|") as tar:
            for header in tar:
                content = tar.extractfile(header)
                if content is None:
                    raise BackupFailed(f"{path} holds something that is no file.")
                if header.name == MANIFEST:
                    manifest = msgspec.json.decode(content.read(), type=Manifest)
                else:
                    found[header.name] = _write(content, _place(folder, header.name))
    except (tarfile.TarError, EOFError, msgspec.DecodeError) as error:
        raise BackupFailed(f"{path} is not a whole backup: {error}.") from error
    return _checked(path, manifest, found)


def _checked(path: Path, manifest: Manifest | None, found: dict[str, Member]) -> Manifest:
    if manifest is None:
        raise BackupFailed(f"{path} is not a whole backup: its list of files is missing.")
    if manifest.format != FORMAT:
        raise BackupFailed(f"{path} has a format that this version does not know.")
    for name in found.keys() ^ manifest.members.keys():
        raise BackupFailed(f"{path} was changed: {name} is missing, or too much.")
    for name, member in manifest.members.items():
        if found[name] != member:
            raise BackupFailed(f"{path} was changed: {name} is not what was saved.")
    return manifest


def _place(folder: Path, name: str) -> Path:
    """Keep every file inside of the folder, whatever it is called."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise BackupFailed("A file of the backup has a name that leads elsewhere.")
    return folder.joinpath(*parts)


def _write(content: IO[bytes], target: Path) -> Member:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hashing = _Hashing(content)
    size = 0
    with target.open("wb") as file:
        while chunk := hashing.read(CHUNK):
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Member(size=size, sha256=hashing.digest.hexdigest())


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


class _Hashing(io.RawIOBase):
    """Passes on what it reads, and keeps its digest."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data
