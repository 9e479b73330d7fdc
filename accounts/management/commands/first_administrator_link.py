"""The way into a new installation: there is no default password."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import invitations

EXIT_CODE = 3


class Command(BaseCommand):
    help = (
        "Print a one-time link for the first administrator. Links printed earlier stop working. "
        "If there is an administrator already, print nothing and leave with exit code 3."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        link = invitations.invite_first_administrator()
        if link is None:
            if options["json"]:
                self.stdout.write(json.dumps({"link": None}))
            raise CommandError("There is an administrator already.", returncode=EXIT_CODE)
        self.stdout.write(json.dumps({"link": link}) if options["json"] else link)
