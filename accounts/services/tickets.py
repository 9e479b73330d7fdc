"""Tickets: how a script opens a socket without its token in an address."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import DeviceToken, SocketTicket
from accounts.services.callers import Caller
from accounts.services.secrets import digest_of, make_secret
from securechat_sdk.wire.errors import NotAuthenticated

PREFIX = "sck_"
LIFETIME = timedelta(seconds=30)


@transaction.atomic
def issue_ticket(*, token: DeviceToken) -> tuple[str, datetime]:
    """Make a ticket: it carries the rights of the token it was asked for with, and ends with it."""
    now = timezone.now()
    SocketTicket.objects.filter(expires_at__lte=now).delete()
    secret = make_secret(PREFIX)
    expires_at = now + LIFETIME
    SocketTicket.objects.create(digest=digest_of(secret), token=token, expires_at=expires_at)
    return secret, expires_at


@transaction.atomic
def redeem_ticket(secret: str) -> Caller:
    """Use the ticket up; of two that try, one gets in."""
    ticket = (
        SocketTicket.objects.select_related("token__device__person")
        .filter(digest=digest_of(secret), expires_at__gt=timezone.now())
        .first()
    )
    if ticket is None or not SocketTicket.objects.filter(pk=ticket.pk).delete()[0]:
        raise NotAuthenticated("The ticket is not valid, or no longer.")
    if not ticket.token.device.is_active or not ticket.token.is_valid:
        raise NotAuthenticated("The ticket is not valid, or no longer.")
    return Caller(device=ticket.token.device, token=ticket.token)
