"""``manage.py sweep``: what the timetable does every minute, once and now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from securechat.expiry import sweep


class Command(BaseCommand):
    help = (
        "Erase messages whose time is over, and delete expired sessions, tickets, tokens, budgets "
        "and key packages. The worker does this every minute; the server may go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many of each are due"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        done = sweep(now=timezone.now(), dry_run=dry_run)
        verb = "due" if dry_run else "done"
        width = max(map(len, done))
        for name, count in done.items():
            self.stdout.write(f"{name:<{width}}  {count:>8,} {verb}")
