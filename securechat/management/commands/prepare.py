"""``manage.py prepare``: everything between a new version and serving it, in one process."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from accounts.services.invitations import invite_first_administrator
from accounts.services.secret_key import mark_database


class Command(BaseCommand):
    help = (
        "Check the settings, migrate the database and collect the static files. "
        "While there is no administrator, print a one-time link for the first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print one JSON object"
        )

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        quiet = StringIO()
        call_command("check", databases=["default"], fail_level="ERROR", stdout=quiet)
        call_command("migrate", interactive=False, stdout=quiet)
        mark_database()
        call_command("collectstatic", interactive=False, clear=True, stdout=quiet)
        link = invite_first_administrator()
        if as_json:
            self.stdout.write(json.dumps({"first_administrator_link": link}))
        elif link:
            self.stdout.write(f"First administrator, set your password here (once): {link}")
