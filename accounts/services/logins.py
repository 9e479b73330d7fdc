"""What a session has proven about the person in it.

A stage that was passed is recorded with :func:`record_second_factor`; a factor that was enrolled in
a session that is logged in already, with :func:`record_enrolment`. Everything else asks
:func:`is_satisfied`.
"""

import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import MutableMapping, Sequence
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.internal.flows.login import (
    get_authentication_records,
    perform_password_login,
    record_authentication,
)
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.errors import ReauthenticationRequired, SecondFactorRequired
from accounts.factors import CODES, RecoveryCode, enrolled_factors, waits_for_codes
from accounts.models import Device, Person
from securechat_sdk.wire.errors import NotAuthenticated

Session = MutableMapping[str, Any]

PASSED_KEY = "second_factor"
CHALLENGE_KEY = "challenge"
DEVICE_KEY = "device"
STANDING_KEY = "standing"
CHALLENGE_BYTES = 32


def remember_standing(person: Person, session: Session) -> None:
    """Before the stages of a login: what the account was like when the password was accepted."""
    session[STANDING_KEY] = person.get_session_auth_hash()


def is_still_valid(person: Person, session: Session) -> bool:
    """After the stages: neither deactivated nor given another password in between?"""
    remembered = session.pop(STANDING_KEY, "")
    now = Person.objects.get(pk=person.pk)
    return now.is_active and constant_time_compare(remembered, now.get_session_auth_hash())


def begin_session(person: Person, session: Session) -> None:
    """Give a session that has just logged in its challenge; no device is bound to it yet."""
    session.pop(DEVICE_KEY, None)
    session[CHALLENGE_KEY] = b64encode(secrets.token_bytes(CHALLENGE_BYTES)).decode()
    if not has_passed(person, session):
        session.pop(PASSED_KEY, None)


def log_in_after_acceptance(request: HttpRequest, person: Person) -> None:
    """Log in somebody who has just set their password; whoever was there before is logged out."""
    clear_login(request)
    logout(request)
    perform_password_login(request, {}, Login(user=person))


def record_second_factor(request: HttpRequest, login: Login, factor: str) -> None:
    """A stage of this very login was passed with ``factor``; no other stage need ask again."""
    person = login.user
    if person is None:
        raise SecondFactorRequired
    login.state[PASSED_KEY] = factor
    request.session[PASSED_KEY] = {"person": str(person.pk), "factor": factor}


def was_passed_in(login: Login) -> bool:
    return bool(login.state.get(PASSED_KEY))


def record_enrolment(request: HttpRequest, factor: str) -> None:
    """The person in this session has just enrolled ``factor``, which shows that they hold it.

    Call it only after :func:`require_factor_change` allowed the enrolment.
    """
    request.session[PASSED_KEY] = {"person": str(request.user.pk), "factor": factor}


def record_reauthentication(request: HttpRequest) -> None:
    """The person in this session has just typed the right password again."""
    record_authentication(request, request.user, method="password", reauthenticated=True)


def is_satisfied(person: Person, session: Session) -> bool:
    """May this session do more than look at itself, enrol and log out?"""
    enrolled = enrolled_factors(person)
    if not enrolled:
        return not settings.CONFIG.second_factor_required
    return has_passed(person, session) and not _lacks_codes(person, enrolled)


def _lacks_codes(person: Person, enrolled: Sequence[str]) -> bool:
    """Whether codes were forgotten beside a factor that must not stand alone: they come first."""
    has_codes = any(code.name in enrolled for code in CODES)
    return not has_codes and waits_for_codes(person)


def require_factor_change(request: HttpRequest) -> None:
    """Refuse unless this session may add or remove a second factor.

    The first one may be added by whoever is logged in. After that, the session must have passed
    one, and the password must have been typed a short while ago.
    """
    person = request.user
    if not isinstance(person, Person):
        raise SecondFactorRequired
    if not enrolled_factors(person):
        return
    if not has_passed(person, request.session):
        raise SecondFactorRequired
    require_recent_password(request)


def lock_for_factor_change(request: HttpRequest) -> Person:
    """Ask :func:`require_factor_change` with the person locked, and return the person.

    Of two changes at once the later one sees the first. One that began before the password was
    changed, or the account deactivated, is refused: its session has ended meanwhile.
    """
    if not isinstance(request.user, Person):
        raise SecondFactorRequired
    person = Person.objects.select_for_update(no_key=True).get(pk=request.user.pk)
    known = request.session.get(HASH_SESSION_KEY, "")
    if not constant_time_compare(known, person.get_session_auth_hash()):
        raise NotAuthenticated
    require_factor_change(request)
    return person


def require_recent_password(request: HttpRequest) -> None:
    if not has_recent_password(request):
        raise ReauthenticationRequired


def remove_stranded_recovery_codes(person: Person) -> None:
    """Recovery codes stand beside another factor; call this after one was removed."""
    if not set(enrolled_factors(person)) - {RecoveryCode.name}:
        Authenticator.objects.filter(
            user_id=person.pk, type=Authenticator.Type.RECOVERY_CODES
        ).delete()


def has_recent_password(request: HttpRequest) -> bool:
    """Was the password typed in this session within the last five minutes?"""
    records = get_authentication_records(request, request.user)
    typed = [record["at"] for record in records if record.get("method") == "password"]
    return bool(typed) and time.time() - typed[-1] < account_settings.REAUTHENTICATION_TIMEOUT


def bind_device(session: Session, device: Device) -> None:
    """This session has proven that it sits on ``device``."""
    session[DEVICE_KEY] = str(device.pk)


def challenge_of(session: Session) -> bytes:
    """The 32 bytes a device signs for this session; empty in a session that never logged in."""
    return b64decode(session.get(CHALLENGE_KEY, ""))


def has_passed(person: Person, session: Session) -> bool:
    """Whether this session's login, or an enrolment in it, went through a second factor."""
    passed = session.get(PASSED_KEY)
    return isinstance(passed, dict) and passed.get("person") == str(person.pk)
