"""Logging in, stage by stage, and what a session may do on the way."""

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache as django_cache
from pytest_django import Settings

from accounts.models import Person
from accounts.session_store import SessionStore, digest_of
from tests.accounts.people import PASSWORD, Browser, current_code, read, refusal

pytestmark = pytest.mark.django_db

STOPPED, WRONG = "too_many_login_attempts", "username_password_mismatch"


def test_a_new_browser_is_anonymous(browser: Browser) -> None:
    session = browser.session

    assert session["state"] == "anonymous"
    assert session["person"] is None
    assert session["challenge"] is None
    assert session["second_factor_required"] is True
    assert set(session) == {
        "state",
        "pending",
        "alternatives",
        "person",
        "second_factors",
        "device",
        "challenge",
        "organisation",
        "face_enabled",
        "second_factor_required",
    }


def test_the_password_alone_leads_to_the_second_factor(browser: Browser, alice: Person) -> None:
    answer = browser.give_password("alice")

    assert answer.status_code == 401
    flow = next(flow for flow in read(answer)["data"]["flows"] if flow.get("is_pending"))
    assert flow["id"] == "mfa_authenticate"
    session = browser.session
    assert session["state"] == "second_factor"
    assert session["pending"] == "mfa_authenticate"
    assert session["alternatives"] == ["totp"]
    assert session["person"] is None
    assert session["challenge"] is None


def test_password_and_code_log_in(browser: Browser, alice: Person) -> None:
    browser.give_password("alice")

    answer = browser.give_code()

    assert answer.status_code == 200
    session = browser.session
    assert session["state"] == "no_device"
    assert session["person"] == {
        "id": str(alice.pk),
        "username": "alice",
        "display_name": "Alice",
        "role": "member",
    }
    assert session["second_factors"] == {"face": False, "totp": True, "recovery_codes": False}


def test_a_user_name_is_the_same_in_capitals_and_full_width(
    browser: Browser, alice: Person
) -> None:
    assert browser.give_password("  \uff21LICE ").status_code == 401

    assert browser.state == "second_factor"


@pytest.mark.parametrize(
    ("username", "password"),
    [("alice", "a wrong password"), ("nobody", PASSWORD), ("alice", "")],
)
def test_a_wrong_password_and_an_unknown_name_look_the_same(
    browser: Browser, alice: Person, username: str, password: str
) -> None:
    answer = browser.give_password(username, password or "x")

    assert answer.status_code == 400
    assert [error["code"] for error in read(answer)["errors"]] == ["username_password_mismatch"]
    assert browser.state == "anonymous"


def test_a_deactivated_person_looks_like_an_unknown_one(browser: Browser, alice: Person) -> None:
    alice.is_active = False
    alice.save()

    answer = browser.give_password("alice")

    assert answer.status_code == 400
    assert read(answer)["errors"][0]["code"] == "username_password_mismatch"


def test_a_person_deactivated_between_the_stages_does_not_get_in(
    browser: Browser, alice: Person
) -> None:
    browser.give_password("alice")
    Person.objects.update(is_active=False)

    browser.give_code()

    assert browser.state == "anonymous"


def test_a_password_changed_between_the_stages_ends_the_login(
    browser: Browser, alice: Person
) -> None:
    browser.give_password("alice")
    alice.set_password("another walk by the river")
    alice.save()

    browser.give_code()

    assert browser.state == "anonymous"


def test_a_wrong_code_does_not_log_in(browser: Browser, alice: Person) -> None:
    browser.give_password("alice")

    answer = browser.give_code("000000" if current_code() != "000000" else "111111")

    assert answer.status_code == 400
    assert browser.state == "second_factor"


def test_a_code_without_a_password_is_refused(browser: Browser, alice: Person) -> None:
    assert browser.give_code().status_code == 401

    assert browser.state == "anonymous"


def test_a_code_is_good_once(browser: Browser, other_browser: Browser, alice: Person) -> None:
    browser.give_password("alice")
    other_browser.give_password("alice")
    code = current_code()
    assert browser.give_code(code).status_code == 200

    answer = other_browser.give_code(code)

    assert answer.status_code == 400
    assert other_browser.state == "second_factor"


def test_guessing_codes_ends_with_the_budget(browser: Browser, alice: Person) -> None:
    browser.give_password("alice")
    for _ in range(10):
        right = current_code()  # also empties the cache, where allauth's own limit is
        browser.give_code("000000" if right != "000000" else "111111")

    answer = browser.give_code(current_code())

    assert answer.status_code == 400
    assert read(answer)["errors"][0]["code"] == "too_many_login_attempts"
    assert browser.state == "second_factor"


def test_the_session_key_changes_with_the_login(browser: Browser, alice: Person) -> None:
    browser.give_password("alice")
    before = browser.client.cookies["sessionid"].value

    browser.give_code()

    assert browser.client.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=digest_of(before)).exists()


def test_the_challenge_is_new_with_each_login(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)
    first = browser.session["challenge"]
    assert browser.session["challenge"] == first
    browser.log_out()

    browser.log_in(alice)

    assert browser.session["challenge"] != first


def test_logging_out_leaves_nothing(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    key = browser.client.cookies["sessionid"].value

    browser.log_out()

    assert browser.state == "anonymous"
    assert not Session.objects.filter(session_key=digest_of(key)).exists()


def test_the_password_is_not_in_the_session(browser: Browser, alice: Person) -> None:
    browser.give_password("alice")

    session = SessionStore(browser.client.cookies["sessionid"].value).load()

    assert "standing" in session
    assert PASSWORD not in repr(session)


def test_without_a_second_factor_one_must_enrol(browser: Browser, newcomer: Person) -> None:
    assert browser.give_password("nina").status_code == 200

    session = browser.session
    assert session["state"] == "enrolment"
    assert session["challenge"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "devices"),
        ("POST", "devices"),
        ("GET", "session/device"),
        ("POST", "session/device"),
        ("GET", "people"),
        ("GET", "invitations"),
        ("POST", "invitations"),
    ],
)
def test_before_enrolment_nothing_else_is_possible(
    browser: Browser, newcomer: Person, method: str, path: str
) -> None:
    browser.give_password("nina")

    assert refusal(browser.api(method, path, {})) == (403, "second_factor_required")


def test_where_no_second_factor_is_required_the_password_is_enough(
    browser: Browser, newcomer: Person, second_factor_optional: None
) -> None:
    browser.give_password("nina")

    assert browser.state == "no_device"


def test_a_session_from_before_the_enrolment_must_log_in_anew(
    browser: Browser, other_browser: Browser, newcomer: Person, second_factor_optional: None
) -> None:
    browser.give_password("nina")
    other_browser.give_password("nina")
    secret = read(browser.allauth("GET", "account/authenticators/totp"))["meta"]["secret"]
    browser.allauth("POST", "account/authenticators/totp", {"code": current_code(secret)})

    session = other_browser.session

    assert browser.state == "no_device"
    assert (session["state"], session["pending"]) == ("second_factor", None)
    assert refusal(other_browser.api("GET", "people")) == (403, "second_factor_required")


def test_too_many_wrong_passwords_for_one_name_are_stopped(browser: Browser, alice: Person) -> None:
    for _ in range(5):
        browser.give_password("alice", "a wrong password")

    answer = browser.give_password("alice")

    assert read(answer)["errors"][0]["code"] == "too_many_login_attempts"
    assert browser.state == "anonymous"


def test_wrong_passwords_are_counted_whatever_host_and_address_they_come_from(
    browser: Browser, alice: Person
) -> None:
    for number in range(5):
        django_cache.clear()
        browser.client.defaults["SERVER_PORT"] = str(8000 + number)
        browser.client.defaults["REMOTE_ADDR"] = f"192.0.2.{number}"
        assert browser.give_password("alice", "wrong").status_code == 400
    django_cache.clear()

    answer = browser.give_password("alice")

    assert answer.status_code == 400
    assert read(answer)["errors"][0]["code"] == "too_many_login_attempts"
    assert browser.state == "anonymous"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "refusal_code"),
    [
        (0, "198.51.100.{}", STOPPED),  # without a proxy of ours, what a client says is no address
        (1, "198.51.100.{}, 203.0.113.7", STOPPED),
        (1, "203.0.113.7, 198.51.100.{}", WRONG),
        (2, "203.0.113.7, 198.51.100.{}, 203.0.113.8", WRONG),
        (2, "198.51.100.{}, 203.0.113.7, 203.0.113.8", STOPPED),
    ],
)
def test_logins_are_counted_by_the_address_that_our_own_proxies_saw(
    browser: Browser, settings: Settings, proxies: int, forwarded: str, refusal_code: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    limit = 10  # allauth's: wrong passwords from one address in a minute

    for number in range(limit + 1):
        browser.client.defaults["HTTP_X_FORWARDED_FOR"] = forwarded.format(number)
        answer = browser.give_password(f"nobody{number}", "wrong")

    assert read(answer)["errors"][0]["code"] == refusal_code


def test_a_right_password_gives_all_tries_back(browser: Browser, alice: Person) -> None:
    for _ in range(2):
        for _ in range(4):
            django_cache.clear()
            browser.give_password("alice", "wrong")
        assert browser.give_password("alice").status_code == 401
        browser.client.cookies.clear()


def test_an_unknown_name_is_counted_like_a_known_one(browser: Browser, db: None) -> None:
    for _ in range(5):
        django_cache.clear()
        browser.give_password("nobody", "wrong")
    django_cache.clear()

    answer = browser.give_password("nobody", "wrong")

    assert read(answer)["errors"][0]["code"] == "too_many_login_attempts"
