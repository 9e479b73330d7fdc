"""Where a browser stands, as ``GET /api/v1/session`` says it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from allauth.account.internal.stagekit import get_pending_stage
from django.conf import settings
from django.http import HttpRequest

from accounts.factors import enrolled_codes, enrolled_factors, second_factors, waits_for_codes
from accounts.models import Device, Person
from accounts.services.logins import (
    CHALLENGE_KEY,
    DEVICE_KEY,
    Session,
    has_passed,
    is_satisfied,
)


class State(StrEnum):
    ANONYMOUS = "anonymous"
    SECOND_FACTOR = "second_factor"
    ENROLMENT = "enrolment"
    NO_DEVICE = "no_device"
    NO_DEVICE_LEFT = "no_device_left"
    UNKNOWN_DEVICE = "unknown_device"
    READY = "ready"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What decides the state of a session."""

    is_logged_in: bool
    is_at_a_stage: bool
    has_factor: bool
    has_passed: bool
    is_satisfied: bool
    account_has_device: bool
    account_has_identity: bool
    is_bound: bool


# The first line that applies is the state.
TABLE: tuple[tuple[State, Callable[[Facts], bool]], ...] = (
    (State.SECOND_FACTOR, lambda facts: not facts.is_logged_in and facts.is_at_a_stage),
    (State.ANONYMOUS, lambda facts: not facts.is_logged_in),
    (State.SECOND_FACTOR, lambda f: not f.is_satisfied and f.has_factor and not f.has_passed),
    (State.ENROLMENT, lambda facts: not facts.is_satisfied),  # of the first factor, or of codes
    (State.READY, lambda facts: facts.is_bound),
    (State.UNKNOWN_DEVICE, lambda facts: facts.account_has_device),
    (State.NO_DEVICE_LEFT, lambda facts: facts.account_has_identity),
    (State.NO_DEVICE, lambda _facts: True),
)

SATISFIED_STATES = {State.NO_DEVICE, State.NO_DEVICE_LEFT, State.UNKNOWN_DEVICE, State.READY}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The state of a session, and what the page needs to go on from there."""

    state: State
    pending: str | None
    alternatives: list[str]
    person: Person | None
    second_factors: dict[str, bool]
    device: Device | None
    challenge: str | None

    @property
    def organisation(self) -> str:
        return str(settings.CONFIG.organisation)

    @property
    def face_enabled(self) -> bool:
        return bool(settings.CONFIG.face_enabled)

    @property
    def second_factor_required(self) -> bool:
        return bool(settings.CONFIG.second_factor_required)


def state_of(facts: Facts) -> State:
    return next(state for state, applies in TABLE if applies(facts))


def standing_of(request: HttpRequest) -> Standing:
    person = request.user if isinstance(request.user, Person) else None
    if person is None:
        return _before_login(request)
    session = request.session
    enrolled = enrolled_factors(person)
    device = bound_device(person, session)
    state = state_of(
        Facts(
            is_logged_in=True,
            is_at_a_stage=False,
            has_factor=bool(enrolled),
            has_passed=has_passed(person, session),
            is_satisfied=is_satisfied(person, session),
            account_has_device=person.devices.filter(revoked_at=None).exists(),
            account_has_identity=person.identity_key is not None,
            is_bound=device is not None,
        )
    )
    return Standing(
        state=state,
        pending="recovery_codes" if waits_for_codes(person) else None,
        alternatives=enrolled_codes(person),
        person=person,
        second_factors={factor.name: factor.name in enrolled for factor in second_factors()},
        device=device if state is State.READY else None,
        challenge=session.get(CHALLENGE_KEY) if state in SATISFIED_STATES else None,
    )


def bound_device(person: Person, session: Session) -> Device | None:
    """Return the device this session has proven to sit on, while it may act."""
    device_id = session.get(DEVICE_KEY)
    if device_id is None:
        return None
    return (
        Device.objects.select_related("person")
        .filter(pk=UUID(device_id), person=person, revoked_at=None, person__is_active=True)
        .first()
    )


def is_bound_to_a_revoked_device(session: Session) -> bool:
    device_id = session.get(DEVICE_KEY)
    return (
        device_id is not None
        and not Device.objects.filter(
            pk=UUID(device_id), revoked_at=None, person__is_active=True
        ).exists()
    )


def _before_login(request: HttpRequest) -> Standing:
    stage: Any = get_pending_stage(request)
    waiting = stage.login.user if stage is not None else None
    return Standing(
        state=state_of(
            Facts(
                is_logged_in=False,
                is_at_a_stage=stage is not None,
                has_factor=False,
                has_passed=False,
                is_satisfied=False,
                account_has_device=False,
                account_has_identity=False,
                is_bound=False,
            )
        ),
        pending=stage.key if stage is not None else None,
        alternatives=enrolled_codes(waiting) if waiting is not None else [],
        person=None,
        second_factors={factor.name: False for factor in second_factors()},
        device=None,
        challenge=None,
    )
