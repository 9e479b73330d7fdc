"""``manage.py give_up_lost_key``: how to go on when the secret key is lost for ever."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.services import secret_key
from facelogin.services import templates


class Command(BaseCommand):
    help = (
        "Accept the present secret key in place of one that is lost for ever. Erases what only the "
        "lost one opens: second factors and the keys of all devices. Everybody enrols again after "
        "logging in with the password, and begins anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="erase without asking")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        if secret_key.opens_database():
            raise CommandError("The secret key in place is the right one: nothing is given up.")
        if not yes:
            raise CommandError("This erases every second factor and ends every device; add --yes.")
        with transaction.atomic():
            templates.erase_all()
            secret_key.give_up_what_is_sealed()
