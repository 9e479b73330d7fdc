"""Back an installation up, and put it back."""

import hmac
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from accounts.models import Person, SocketTicket
from accounts.sealing import derive_key
from facelogin.models import Attempt
from messaging.models import KeyPackage
from messaging.services.incarnations import begin_incarnation
from securechat.backups import archive, dumps
from securechat.backups.archive import ATTACHMENTS, FORMAT, Manifest
from securechat.backups.errors import BackupFailed

Say = Callable[[str], None]
Progress = Callable[[str, int, int], None]


def back_up(path: Path, *, progress: Progress) -> Manifest:
    """Write the backup; the server may go on meanwhile.

    The database comes first: an attachment that it names is complete, and never changes.
    """
    if path.exists():
        raise BackupFailed(f"{path} exists; choose another name, or move it away.")
    if not path.parent.is_dir():
        raise BackupFailed(f"There is no folder {path.parent}.")
    if not _has_people():
        raise BackupFailed("There is nothing here yet: nobody has joined.")
    with (
        archive.writing(path) as writer,
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder,
    ):
        database = Path(folder) / dumps.FILE_NAMES[connection.vendor]
        dumps.dump(database, lambda done, total: progress("database", done, total))
        writer.add(database.name, database)
        database.unlink()
        _add_attachments(writer, progress)
        manifest = Manifest(
            format=FORMAT,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            database=connection.vendor,
            migrations=sorted(map(".".join, MigrationLoader(connection).applied_migrations)),
            secret_key_check=_secret_key_check(),
            has_attachments=attachments_folder() is not None,
            members=writer.members,
        )
        writer.finish(manifest)
    return manifest


def restore(path: Path, *, replace: bool, say: Say) -> Manifest:
    """Put the backup in the place of what is here; nothing is changed unless all of it fits."""
    with tempfile.TemporaryDirectory(dir=settings.DATA, prefix="restore-") as name:
        folder = Path(name)
        say("Checking the backup …")
        manifest = check(path, folder)
        _check_place(replace=replace)
        say("Restoring the database …")
        dumps.load(folder / dumps.FILE_NAMES[manifest.database])
        if manifest.has_attachments:
            say("Restoring the attachments …")
            _put_attachments(folder / ATTACHMENTS)
    say("Bringing the database to this version …")
    call_command("migrate", interactive=False, verbosity=0)
    _forget_what_must_not_come_back()
    return manifest


def check(path: Path, folder: Path) -> Manifest:
    """Extract the backup into the folder; raises `BackupFailed` when it could not be restored."""
    if not path.is_file():
        raise BackupFailed(f"There is no file {path}.")
    manifest = archive.extract(path, folder)
    if manifest.database != connection.vendor:
        raise BackupFailed(
            f"The backup is of {manifest.database}, and the settings name {connection.vendor}."
        )
    if not hmac.compare_digest(manifest.secret_key_check, _secret_key_check()):
        raise BackupFailed(
            "The secret key here is not the one of the backup. Put the installation's own at "
            f"{secret_key_file()} (it is kept apart from the backup) and try again."
        )
    known = {".".join(key) for key in MigrationLoader(None).disk_migrations}
    if not known.issuperset(manifest.migrations):
        raise BackupFailed("The backup was made by a newer version; install that one first.")
    if manifest.database == "sqlite":
        dumps.check_sqlite(folder / dumps.FILE_NAMES["sqlite"])
    return manifest


def secret_key_file() -> Path:
    return Path(settings.CONFIG.secret_key_file or settings.DATA / "secret.key")


def attachments_folder() -> Path | None:
    """Return where attachments are, unless they are in a store elsewhere."""
    storage = storages["attachments"]
    return Path(storage.location) if isinstance(storage, FileSystemStorage) else None


def _check_place(*, replace: bool) -> None:
    if _has_people() and not replace:
        raise BackupFailed(
            "There are people here already. --replace deletes them, with all their messages, "
            "and puts the backup in their place."
        )
    if dumps.is_in_use():
        raise BackupFailed("The database is in use: stop the web processes and workers first.")


def _has_people() -> bool:
    has_tables = "accounts_person" in connection.introspection.table_names()
    return has_tables and Person.objects.exists()


def _secret_key_check() -> str:
    """Recognises the secret key, and says nothing about it."""
    return derive_key(settings.SERVER_SECRET, "backup check").hex()[:32]


def _add_attachments(writer: archive.ArchiveWriter, progress: Progress) -> None:
    folder = attachments_folder()
    files = sorted(_files_in(folder)) if folder and folder.is_dir() else []
    for number, file in enumerate(files, 1):
        try:
            writer.add(ATTACHMENTS + file.relative_to(folder or file).as_posix(), file)
        except FileNotFoundError:  # an upload that was given up a moment ago
            continue
        progress("attachments", number, len(files))


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _put_attachments(restored: Path) -> None:
    folder = attachments_folder()
    if folder is None:
        raise BackupFailed("The backup holds attachments, and the settings name another store.")
    restored.mkdir(exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(restored, folder)


@transaction.atomic
def _forget_what_must_not_come_back() -> None:
    """What ended after the backup would live again, and what was handed out be handed out twice."""
    Session.objects.all().delete()
    SocketTicket.objects.all().delete()
    Attempt.objects.all().delete()
    KeyPackage.objects.filter(is_last_resort=False).delete()
    begin_incarnation()
