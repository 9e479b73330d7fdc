"""``manage.py remove_expired``: for a timetable, once a day or so."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services.sweeping import remove_expired


class Command(BaseCommand):
    help = "Delete expired sessions, tickets, codes and tokens. It may run at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"{remove_expired()} rows removed.")
