"""Tickets: how a script opens a socket without its token in an address."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Device, DeviceToken, Scope, SocketTicket
from accounts.services.secrets import digest_of, make_secret
from securechat_sdk.wire.errors import NotAuthenticated

PREFIX = "sck_"
LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class SocketCaller:
    """Who opens a socket, and with which token; a browser's session has none and may all."""

    device: Device
    token: DeviceToken | None

    def allows(self, scope: Scope) -> bool:
        return self.token is None or self.token.allows(scope)


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
def redeem_ticket(secret: str) -> SocketCaller:
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
    return SocketCaller(device=ticket.device, token=ticket.token)
