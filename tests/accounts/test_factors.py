"""Enrolling and removing second factors, and who may."""

from base64 import b64decode
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.sessions.models import Session
from django.core.cache import cache as django_cache
from django.test import RequestFactory
from pytest_django import Settings

from accounts.models import Person
from accounts.services import logins, people
from accounts.session_store import SessionStore
from securechat_sdk.wire.errors import NotAuthenticated
from tests.accounts import knocking
from tests.accounts.people import CODE_SECRET, PASSWORD, Browser, current_code, read

pytestmark = pytest.mark.django_db

TOTP = "account/authenticators/totp"
RECOVERY = "account/authenticators/recovery-codes"
FIVE_MINUTES = 301


@pytest.fixture
def knocking_allowed(settings: Settings) -> Iterator[None]:
    """A further factor and its stage are plugged in by settings alone."""
    settings.SECOND_FACTORS = [
        "tests.accounts.knocking.Knock",
        "accounts.factors.TimeBasedCode",
        "accounts.factors.RecoveryCode",
    ]
    settings.LOGIN_STAGES = [
        "tests.accounts.knocking.KnockStage",
        "accounts.stages.SecondFactorStage",
    ]
    settings.ROOT_URLCONF = "tests.accounts.urls"
    yield
    knocking.KNOWN_KNOCKERS.clear()


def enrol(browser: Browser) -> str:
    secret: str = read(browser.allauth("GET", TOTP))["meta"]["secret"]
    assert browser.allauth("POST", TOTP, {"code": current_code(secret)}).status_code == 200
    return secret


def let_time_pass(browser: Browser, seconds: float = FIVE_MINUTES) -> None:
    """Move what the session remembers into the past."""
    session = browser.client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= seconds
    session.save()


# One-time codes -------------------------------------------------------------------------------


def test_enrolling_a_code_satisfies_the_session(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")

    enrol(browser)

    session = browser.session
    assert session["state"] == "no_device"
    assert session["second_factors"]["totp"] is True
    assert session["alternatives"] == ["totp", "recovery_codes"]


def test_the_next_login_asks_for_what_was_enrolled(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    secret = enrol(browser)
    browser.log_out()

    browser.give_password("nina")
    assert browser.state == "second_factor"
    browser.give_code(current_code(secret))

    assert browser.state == "no_device"


def test_a_wrong_code_enrols_nothing(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    secret = read(browser.allauth("GET", TOTP))["meta"]["secret"]
    wrong = "000000" if current_code(secret) != "000000" else "111111"

    answer = browser.allauth("POST", TOTP, {"code": wrong})

    assert answer.status_code == 400
    assert browser.state == "enrolment"


def test_the_code_of_the_enrolment_does_not_log_in(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    secret = read(browser.allauth("GET", TOTP))["meta"]["secret"]
    code = current_code(secret)
    browser.allauth("POST", TOTP, {"code": code})
    browser.log_out()

    browser.give_password("nina")
    answer = browser.give_code(code)

    assert answer.status_code == 400
    assert browser.state == "second_factor"


def test_a_second_enrolment_conflicts(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    secret = enrol(browser)

    answer = browser.allauth("POST", TOTP, {"code": current_code(secret)})

    # allauth made a new secret with the enrolment's end, so the code is wrong or the factor there
    assert answer.status_code in {400, 409}
    assert Authenticator.objects.filter(type="totp").count() == 1


def set_another_password(person: Person) -> None:
    person.set_password("another walk by the river")
    person.save()


def deactivate(person: Person) -> None:
    people.deactivate_person(person=person)


@pytest.mark.parametrize("end", [set_another_password, deactivate])
def test_an_enrolment_under_way_does_not_outlive_its_session(
    browser: Browser, newcomer: Person, end: Callable[[Person], None]
) -> None:
    browser.give_password("nina")
    request = RequestFactory().post("/")  # past the middleware, which saw a session that was good
    request.session = SessionStore(browser.client.cookies["sessionid"].value)
    request.user = newcomer
    assert logins.lock_for_factor_change(request) == newcomer

    end(Person.objects.get(pk=newcomer.pk))

    with pytest.raises(NotAuthenticated):
        logins.lock_for_factor_change(request)


def test_a_secret_that_is_being_enrolled_is_sealed_too(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    secret = read(browser.allauth("GET", TOTP))["meta"]["secret"]

    row = Session.objects.get()

    assert secret in repr(SessionStore(browser.client.cookies["sessionid"].value).load())
    assert secret.encode() not in b64decode(row.session_data)
    assert row.get_decoded() == {}  # Django's own sessions are signed, not sealed


def test_the_secrets_are_sealed_in_the_database(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    secret = enrol(browser)
    seed = RecoveryCodes.generate_seed()

    stored = repr([authenticator.data for authenticator in Authenticator.objects.all()])

    assert secret not in stored
    assert len(seed) == 80
    assert Authenticator.objects.count() == 2


def test_nobody_adds_a_factor_to_an_account_with_one_by_password_alone(
    browser: Browser, other_browser: Browser, newcomer: Person
) -> None:
    browser.give_password("nina")
    other_browser.give_password("nina")
    secret = read(other_browser.allauth("GET", TOTP))["meta"]["secret"]
    enrol(browser)

    answer = other_browser.allauth("POST", TOTP, {"code": current_code(secret)})

    assert answer.status_code == 403
    assert other_browser.state == "second_factor"


def test_changing_factors_needs_the_password_again_after_a_while(
    browser: Browser, alice: Person
) -> None:
    browser.log_in(alice)
    let_time_pass(browser)

    refused = browser.allauth("DELETE", TOTP)
    browser.allauth("POST", "auth/reauthenticate", {"password": PASSWORD})
    accepted = browser.allauth("DELETE", TOTP)

    assert refused.status_code == 401
    assert {"id": "reauthenticate"} in read(refused)["data"]["flows"]
    assert accepted.status_code == 200
    assert browser.state == "enrolment"


def test_a_wrong_password_does_not_reauthenticate(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)
    let_time_pass(browser)

    answer = browser.allauth("POST", "auth/reauthenticate", {"password": "a wrong password"})

    assert answer.status_code == 400
    assert browser.allauth("DELETE", TOTP).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [("GET", TOTP), ("POST", TOTP), ("DELETE", TOTP), ("GET", RECOVERY)]
)
def test_anonymous_browsers_change_no_factor(
    browser: Browser, method: str, path: str, db: None
) -> None:
    assert browser.allauth(method, path, {"code": "123456"}).status_code == 401


# Recovery codes -------------------------------------------------------------------------------


def test_recovery_codes_come_with_one_time_codes(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")
    enrol(browser)

    codes = read(browser.allauth("GET", RECOVERY))["data"]["unused_codes"]

    assert len(codes) == 10


def test_a_recovery_code_logs_in_once(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)
    codes = read(browser.allauth("POST", RECOVERY))["data"]["unused_codes"]
    browser.log_out()

    browser.give_password("alice")
    assert browser.give_code(codes[0]).status_code == 200
    browser.log_out()
    browser.give_password("alice")

    assert browser.give_code(codes[0]).status_code == 400
    assert browser.state == "second_factor"


def test_recovery_codes_alone_are_not_offered(browser: Browser, newcomer: Person) -> None:
    browser.give_password("nina")

    answer = browser.allauth("POST", RECOVERY)

    assert answer.status_code == 400
    assert read(answer)["errors"][0]["code"] == "cannot_generate_recovery_codes"


def test_removing_the_last_other_factor_removes_the_recovery_codes(
    browser: Browser, alice: Person
) -> None:
    browser.log_in(alice)
    browser.allauth("POST", RECOVERY)

    browser.allauth("DELETE", TOTP)

    assert not Authenticator.objects.exists()
    assert browser.state == "enrolment"


# A factor that plugs in -----------------------------------------------------------------------


def test_a_stage_of_another_application_is_enough(
    knocking_allowed: None, browser: Browser, alice: Person
) -> None:
    knocking.KNOWN_KNOCKERS.add("alice")
    browser.give_password("alice")
    session = browser.session
    assert (session["state"], session["pending"]) == ("second_factor", "knock")
    assert session["alternatives"] == ["totp"]

    browser.call("POST", "/knock")

    assert browser.state == "no_device"


def test_a_declined_stage_leads_to_the_code(
    knocking_allowed: None, browser: Browser, alice: Person
) -> None:
    knocking.KNOWN_KNOCKERS.add("alice")
    browser.give_password("alice")

    browser.call("POST", "/knock?decline")
    session = browser.session
    assert (session["state"], session["pending"]) == ("second_factor", "mfa_authenticate")
    browser.give_code()

    assert browser.state == "no_device"


def test_a_declined_stage_without_an_alternative_leads_nowhere(
    knocking_allowed: None, browser: Browser, newcomer: Person
) -> None:
    knocking.KNOWN_KNOCKERS.add("nina")
    browser.give_password("nina")

    browser.call("POST", "/knock?decline")

    session = browser.session
    assert (session["state"], session["pending"]) == ("second_factor", None)
    assert browser.api("GET", "devices").status_code == 403


def test_recovery_codes_may_be_the_only_alternative_beside_it(
    knocking_allowed: None, browser: Browser, newcomer: Person
) -> None:
    knocking.KNOWN_KNOCKERS.add("nina")
    browser.give_password("nina")
    browser.call("POST", "/knock")

    codes = read(browser.allauth("POST", RECOVERY))["data"]["unused_codes"]
    browser.log_out()
    browser.give_password("nina")
    browser.call("POST", "/knock?decline")
    browser.give_code(codes[3])

    assert browser.state == "no_device"
    assert browser.session["alternatives"] == ["recovery_codes"]


def test_recovery_codes_stay_while_another_factor_needs_them(
    knocking_allowed: None, browser: Browser, alice: Person
) -> None:
    knocking.KNOWN_KNOCKERS.add("alice")
    browser.give_password("alice")
    browser.call("POST", "/knock")
    browser.allauth("POST", RECOVERY)

    browser.allauth("DELETE", TOTP)

    assert browser.session["alternatives"] == ["recovery_codes"]
    assert browser.state == "no_device"


def test_the_verified_password_is_there_for_the_stages_and_does_not_print(
    knocking_allowed: None, browser: Browser, alice: Person
) -> None:
    answer = browser.give_password("alice")

    seen = answer.wsgi_request.password_seen_by_a_stage  # type: ignore[attr-defined]
    assert seen == PASSWORD
    assert PASSWORD not in repr(seen)
    assert PASSWORD not in repr(answer.wsgi_request)  # type: ignore[attr-defined]
    assert CODE_SECRET not in repr(dict(browser.client.session))


# The password ---------------------------------------------------------------------------------


def test_the_password_changes_and_other_sessions_end(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.log_in(alice)
    other_browser.log_in(alice)
    new = "another walk by the river"

    answer = browser.allauth(
        "POST",
        "account/password/change",
        {"current_password": PASSWORD, "new_password": new},
    )

    assert answer.status_code == 200
    assert browser.state == "no_device"
    assert other_browser.state == "anonymous"
    other_browser.give_password("alice", new)
    assert other_browser.state == "second_factor"


@pytest.mark.parametrize(
    ("current", "new"), [("a wrong password", "another walk by the river"), (PASSWORD, "short")]
)
def test_a_wrong_or_weak_password_changes_nothing(
    browser: Browser, alice: Person, current: str, new: str
) -> None:
    browser.log_in(alice)

    answer = browser.allauth(
        "POST", "account/password/change", {"current_password": current, "new_password": new}
    )

    assert answer.status_code == 400
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_session_does_not_guess_the_password(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)
    change = {"current_password": "a wrong password", "new_password": "another walk by the river"}
    for _ in range(5):
        browser.allauth("POST", "account/password/change", change)
    django_cache.clear()  # another process has another cache, and the same database

    answer = browser.allauth(
        "POST", "account/password/change", change | {"current_password": PASSWORD}
    )

    assert read(answer)["errors"][0]["code"] == "too_many_login_attempts"
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_whoever_seals_under_the_password_can_stop_its_change(
    browser: Browser, alice: Person
) -> None:
    from accounts.events import password_changed  # noqa: PLC0415

    seen: list[tuple[str, str]] = []

    def reseal(person: Person, old_password: str, new_password: str, **_more: object) -> None:
        seen.append((old_password, new_password))
        if new_password.startswith("stop"):
            raise RuntimeError

    password_changed.connect(reseal)
    browser.log_in(alice)
    browser.client.raise_request_exception = False
    change = {"current_password": PASSWORD, "new_password": "stop, said the wise owl"}

    answer = browser.allauth("POST", "account/password/change", change)
    password_changed.disconnect(reseal)

    assert answer.status_code == 500
    assert seen == [(PASSWORD, "stop, said the wise owl")]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
