"""``manage.py backup``: the database and the attachments as one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from securechat.backups import services
from securechat.backups.errors import BackupFailed

KEYS = """
NOT in the backup, on purpose: the secret key, {file}
Without it a restored server opens no account: every browser's stored keys, every one-time code and
every face are sealed with it. Keep a copy of that file, and keep it apart from the backups (another
place, another person): who has both could act as the server. It opens no message."""
ELSEWHERE = (
    "NOT in the backup: attachments, which are in another store; back that up by its own means."
)


class Command(BaseCommand):
    help = (
        "Write the database and the attachments into one new FILE; the server may go on meanwhile. "
        "Needs free space for the database twice. No key is in it: it says which to keep apart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file to write; it must not exist yet")
        parser.add_argument(
            "--without-keys",
            action="store_true",
            help="do not remind of the secret key, which the backup never holds",
        )

    def handle(self, *args: Any, file: Path, without_keys: bool, **options: Any) -> None:
        try:
            manifest = services.back_up(file.absolute(), progress=self._progress)
        except (BackupFailed, OSError) as error:
            raise CommandError(f"No backup was made. {error}") from error
        count, size = len(manifest.members), sum(one.size for one in manifest.members.values())
        self.stdout.write(f"Backed up: {count} files, {size:,} bytes, as of {manifest.made_at}.")
        if not manifest.has_attachments:
            self.stdout.write(self.style.WARNING(ELSEWHERE))
        if not without_keys:
            self.stdout.write(self.style.WARNING(KEYS.format(file=services.secret_key_file())))

    def _progress(self, what: str, done: int, total: int) -> None:
        if self.stdout.isatty():
            end = "\n" if done == total else ""
            self.stdout.write(f"\r\033[K{what}: {100 * done // max(1, total)} %", ending=end)
            self.stdout.flush()
