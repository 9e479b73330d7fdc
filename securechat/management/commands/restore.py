"""``manage.py restore``: what ``backup`` wrote, put back."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from securechat.backups import services
from securechat.backups.errors import BackupFailed

AFTERWARDS = """
Everybody logs in again. What was accepted after {made_at} is lost: clients notice and say so.
Revoke again whatever was revoked after that time: devices, tokens, people, invitations.
Now run: manage.py prepare"""


class Command(BaseCommand):
    help = (
        "Put the backup FILE in the place of what is here: database and attachments. Stop the web "
        "processes and workers first, and put the installation's secret key in its place. The file "
        "is checked as a whole before anything is touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that backup wrote")
        parser.add_argument(
            "--replace", action="store_true", help="delete the people and messages that are here"
        )
        parser.add_argument(
            "--check", action="store_true", help="only say whether the backup could be restored"
        )

    def handle(self, *args: Any, file: Path, replace: bool, check: bool, **options: Any) -> None:
        try:
            if check:
                self._check(file)
                return
            manifest = services.restore(file, replace=replace, say=self.stdout.write)
        except (BackupFailed, OSError) as error:
            raise CommandError(f"{error}") from error
        self.stdout.write(f"Restored to {manifest.made_at}.")
        self.stdout.write(self.style.WARNING(AFTERWARDS.format(made_at=manifest.made_at)))

    def _check(self, file: Path) -> None:
        with tempfile.TemporaryDirectory(dir=settings.DATA, prefix="check-") as folder:
            manifest = services.check(file, Path(folder))
        self.stdout.write(
            f"This backup is whole: {len(manifest.members)} files of {manifest.made_at}."
        )
