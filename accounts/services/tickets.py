"""Tickets: how a script opens a socket without its token in an address."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Device, DeviceToken, SocketTicket
from accounts.services.callers import Caller
from accounts.services.secrets import digest_of, make_secret
from securechat_sdk.wire.errors import NotAuthenticated

PREFIX = "sck_"
LIFETIME = timedelta(seconds=30)


@transaction.atomic
def issue_ticket(*, device: Device, token: DeviceToken | None) -> tuple[str, datetime]:
    """Make a ticket; it carries no more rights than the token it was asked for with."""
    now = timezone.now()
    SocketTicket.objects.filter(expires_at__lte=now).delete()
    secret = make_secret(PREFIX)
    expires_at = now + LIFETIME
    SocketTicket.objects.create(
        digest=digest_of(secret), device=device, token=token, expires_at=expires_at
    )
    return secret, expires_at


@transaction.atomic
def redeem_ticket(secret: str) -> Caller:
    """Use the ticket up; of two that try, one gets in."""
    ticket = (
        SocketTicket.objects.select_related("device__person", "token")
        .filter(digest=digest_of(secret), expires_at__gt=timezone.now())
        .first()
    )
    if ticket is None or not SocketTicket.objects.filter(pk=ticket.pk).delete()[0]:
        raise NotAuthenticated("The ticket is not valid, or no longer.")
    if not ticket.device.is_active or (ticket.token and not ticket.token.is_valid):
        raise NotAuthenticated("The ticket is not valid, or no longer.")
    return Caller(device=ticket.device, token=ticket.token)
