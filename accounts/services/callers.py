"""Who calls: a device, and the session or token that it shows, which may end before the device."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Device, DeviceToken, Person, Scope, session_auth_hash
from accounts.session_store import digest_of


@dataclass(frozen=True, kw_only=True)
class BrowserSession:
    """A browser's session: its row, and what it holds of the password."""

    digest: str = field(repr=False)
    auth_hash: str = field(repr=False)

    @classmethod
    def of(cls, session: SessionBase) -> "BrowserSession":
        return cls(
            digest=digest_of(session.session_key or ""),
            auth_hash=session.get(HASH_SESSION_KEY, ""),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the database holds now of what a caller shows."""

    has_token: bool
    has_session: bool
    session_epoch: int
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Which device calls, and with which token; a browser's session has none and may all."""

    device: Device
    token: DeviceToken | None
    session: BrowserSession | None = None

    def allows(self, scope: Scope) -> bool:
        return self.token is None or self.token.allows(scope)

    def is_let_in_by(self, evidence: Evidence) -> bool:
        """Have neither the token nor the session ended, nor the password changed?"""
        if self.token is not None:
            return evidence.has_token
        if self.session is None:
            return True
        known = session_auth_hash(evidence.session_epoch, evidence.password)
        return evidence.has_session and constant_time_compare(known, self.session.auth_hash)


def ended_callers(callers: Collection[Caller]) -> list[Caller]:
    """Return those whose token was revoked, or whose session ended or knows an older password."""
    now = timezone.now()
    tokens = {caller.token.pk for caller in callers if caller.token}
    digests = {caller.session.digest for caller in callers if caller.session}
    owners = {caller.device.person_id for caller in callers if caller.session}
    valid = DeviceToken.objects.filter(pk__in=tokens, revoked_at=None, expires_at__gt=now)
    alive = Session.objects.filter(session_key__in=digests, expire_date__gt=now)
    has_token = set(valid.values_list("pk", flat=True)) if tokens else set()
    has_session = set(alive.values_list("session_key", flat=True)) if digests else set()
    people = Person.objects.in_bulk(owners)

    def evidence_for(caller: Caller) -> Evidence:
        person = people.get(caller.device.person_id, Person())
        return Evidence(
            has_token=caller.token is not None and caller.token.pk in has_token,
            has_session=caller.session is not None and caller.session.digest in has_session,
            session_epoch=person.session_epoch,
            password=person.password,
        )

    return [caller for caller in callers if not caller.is_let_in_by(evidence_for(caller))]
