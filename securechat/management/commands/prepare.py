"""``manage.py prepare``: everything between a new version and serving it, in one process."""

from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = (
        "Check the settings, migrate the database and collect the static files. "
        "While there is no administrator, answer with the link for the first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        quiet = StringIO()
        call_command("check", databases=["default"], fail_level="ERROR", stdout=quiet)
        call_command("migrate", interactive=False, stdout=quiet)
        call_command("collectstatic", interactive=False, clear=True, stdout=quiet)
