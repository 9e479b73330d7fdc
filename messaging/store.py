"""Where the bytes of attachments lie: one object for each part, in any of Django's storages.

A part has no row: its name follows from its number, and its size from the attachment's. A storage
that cannot append (S3) is no different from one that can.
"""

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.http import UnreadablePostError

from messaging.errors import PartIncomplete
from messaging.models import Attachment
from securechat_sdk.wire.errors import Unavailable

BLOCK_BYTES = 64 * 1024

logger = logging.getLogger(__name__)


class Stream(Protocol):
    """What a part is read from; ``read`` may return less than asked for."""

    def read(self, size: int, /) -> bytes: ...


class StagedPart(File):  # type: ignore[type-arg]  # generic for the checker only
    """A part that has come in as a whole; a storage on the same disk takes the file itself."""

    def __init__(self, file: IO[bytes], path: str, size: int) -> None:
        super().__init__(file, name=path)
        self.path = path
        self.size = size

    def temporary_file_path(self) -> str:
        return self.path


@contextmanager
def failures_refuse() -> Iterator[None]:
    """A disk that is full, or a store that is away: later."""
    try:
        yield
    except OSError as error:
        logger.error("The store of attachments fails: %s", type(error).__name__)  # noqa: TRY400 - a trace of each upload would fill the log
        raise Unavailable from error


@contextmanager
def staged(stream: Stream, size: int) -> Iterator[StagedPart]:
    """Read ``size`` bytes to a file that is gone afterwards; a block is in memory, never more."""
    with failures_refuse():
        handle, name = tempfile.mkstemp(dir=settings.FILE_UPLOAD_TEMP_DIR)
        try:
            with os.fdopen(handle, "w+b") as file:
                _copy(stream, file, size)
                yield StagedPart(file, name, size)
        finally:
            Path(name).unlink(missing_ok=True)


def _copy(stream: Stream, file: IO[bytes], size: int) -> None:
    left = size
    while left:
        block = _read(stream, min(left, BLOCK_BYTES))
        file.write(block)
        left -= len(block)
    file.flush()
    os.fsync(file.fileno())
    file.seek(0)


def _read(stream: Stream, size: int) -> bytes:
    try:
        block = stream.read(size)
    except UnreadablePostError:
        raise PartIncomplete from None
    if not block:
        raise PartIncomplete
    return block


@failures_refuse()
def keep_part(attachment: Attachment, offset: int, part: StagedPart) -> None:
    """Put the part in its place; the same part again is as if it had come once."""
    name = _name(attachment, offset // attachment.part_size)
    kept = _storage().save(name, part)
    if kept != name:
        raise OSError("The storage has given a part another name.")


@failures_refuse()
def forget_parts(attachment: Attachment) -> None:
    """Remove every part there may be; also one that came in while nobody counted it."""
    storage = _storage()
    for number in range(_number_of_parts(attachment)):
        storage.delete(_name(attachment, number))


def blocks(attachment: Attachment, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from ``start`` to before ``stop``, read block by block as they are asked for."""
    storage = _storage()
    while start < stop:
        number, skipped = divmod(start, attachment.part_size)
        left = min(stop - start, attachment.part_size - skipped)
        start += left
        with storage.open(_name(attachment, number)) as part:
            part.seek(skipped)
            while left:
                block = part.read(min(left, BLOCK_BYTES))
                if not block:
                    raise OSError("A part is shorter in the storage than it was.")
                left -= len(block)
                yield block


def _number_of_parts(attachment: Attachment) -> int:
    return -(-attachment.size // attachment.part_size)


def _name(attachment: Attachment, number: int) -> str:
    # Hashed, so that no folder grows without end, whatever ids clients make.
    shelf = hashlib.sha256(attachment.pk.bytes).hexdigest()[:2]
    return f"{shelf}/{attachment.pk}/{number:06}"


def _storage() -> Storage:
    return storages["attachments"]
