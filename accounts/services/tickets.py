"""Tickets: how a script opens a socket without its token in an address."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Device, DeviceToken, Person, Scope, SocketTicket
from accounts.services.secrets import digest_of, make_secret
from securechat_sdk.wire.errors import NotAuthenticated

PREFIX = "sck_"
LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class BrowserSession:
    """The session a socket was opened with: its row, and what it holds of the password."""

    digest: str = field(repr=False)
    auth_hash: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SocketCaller:
    """Who opens a socket, and with which token; a browser's session has none and may all."""

    device: Device
    token: DeviceToken | None
    session: BrowserSession | None = None

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


def ended_callers(callers: Collection[SocketCaller]) -> list[SocketCaller]:
    """Return those whose token was revoked, or whose session ended or knows an older password."""
    now = timezone.now()
    tokens = {caller.token.pk for caller in callers if caller.token}
    digests = {caller.session.digest for caller in callers if caller.session}
    people = {caller.device.person_id for caller in callers if caller.session}
    valid = DeviceToken.objects.filter(pk__in=tokens, revoked_at=None, expires_at__gt=now)
    alive = Session.objects.filter(session_key__in=digests, expire_date__gt=now)
    standing = _Standing(
        tokens=set(valid.values_list("pk", flat=True)) if tokens else set(),
        digests=set(alive.values_list("session_key", flat=True)) if digests else set(),
        hashes={
            person.pk: person.get_session_auth_hash()
            for person in Person.objects.filter(pk__in=people)
        },
    )
    return [caller for caller in callers if not standing.lets_in(caller)]


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """Which tokens and sessions there are now, and what a session of each person must know."""

    tokens: set[UUID]
    digests: set[str]
    hashes: dict[UUID, str] = field(repr=False)

    def lets_in(self, caller: SocketCaller) -> bool:
        if caller.token is not None:
            return caller.token.pk in self.tokens
        if caller.session is None:
            return True
        known = self.hashes.get(caller.device.person_id, "")
        return caller.session.digest in self.digests and constant_time_compare(
            known, caller.session.auth_hash
        )
