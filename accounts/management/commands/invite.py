"""Invite somebody from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Role
from accounts.services import invitations
from securechat_sdk.wire.errors import ChatError


class Command(BaseCommand):
    help = "Invite a person: prints the link with which they choose a password. It works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="suggested user name")
        parser.add_argument("--display-name", default="", help="suggested name for others to see")
        parser.add_argument("--email", default="", help="e-mail address, for the records")
        parser.add_argument("--role", default=Role.MEMBER, choices=Role.values)
        parser.add_argument(
            "--expires-in-hours",
            type=int,
            default=invitations.DEFAULT_HOURS,
            choices=range(1, invitations.MAX_HOURS + 1),
            metavar=f"1..{invitations.MAX_HOURS}",
            help="how long the link works (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            invitation, link = invitations.invite_person(
                username=options["username"],
                display_name=options["display_name"],
                email=options["email"],
                role=options["role"],
                expires_in_hours=options["expires_in_hours"],
                created_by=None,
            )
        except ChatError as error:
            raise CommandError(error.detail, returncode=2) from error
        facts = {
            "link": link,
            "username": invitation.username,
            "role": invitation.role,
            "expires_at": invitation.expires_at.isoformat(),
        }
        self.stdout.write(json.dumps(facts) if options["json"] else link)
        if "origin" not in settings.CONFIG.model_fields_set:
            origin = settings.CONFIG.origin
            self.stderr.write(f"The link is for {origin}; set SECURECHAT_ORIGIN if it is another.")
