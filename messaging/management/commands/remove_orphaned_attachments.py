"""``manage.py remove_orphaned_attachments``: what the timetable does, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.services.attachments import remove_orphans
from securechat_sdk.wire.errors import Unavailable


class Command(BaseCommand):
    help = "Remove unfinished uploads and files without a message, when they were idle for long."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how much would be removed"
        )

    def handle(self, *_arguments: Any, dry_run: bool, **options: Any) -> None:
        try:
            removed = remove_orphans(dry_run=dry_run)
        except Unavailable as error:
            raise CommandError("The store of attachments fails; the log says how.") from error
        verb = "Would remove" if dry_run else "Removed"
        self.stdout.write(f"{verb} {removed.files} files of {removed.bytes} bytes.")
