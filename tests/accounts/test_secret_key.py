"""The secret key was replaced: what it sealed is refused clearly, and there is a way to go on."""

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import Device, Person, SealMarker
from accounts.services import secret_key
from tests.accounts.people import Browser, Keys, current_code, make_person, read, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_home(browser: Browser, alice: Person) -> Browser:
    """Alice in the chat, on a database that knows its key."""
    secret_key.mark_database()
    RecoveryCodes.activate(alice)
    return browser.at_home(alice)


def replace_key(settings: Settings) -> None:
    settings.SERVER_SECRET = b"another secret key of 32 bytes.."


def codes_of_checks() -> set[str | None]:
    return {message.id for message in run_checks(databases=["default"])}


def test_a_one_time_code_that_cannot_be_checked_is_refused(
    at_home: Browser, other_browser: Browser, settings: Settings
) -> None:
    code, kept = current_code(), settings.SERVER_SECRET
    replace_key(settings)
    other_browser.give_password("alice")

    answer = other_browser.give_code(code)

    assert answer.status_code == 503
    assert read(answer)["errors"][0]["code"] == "seal_broken"
    settings.SERVER_SECRET = kept
    other_browser.give_password("alice")
    assert other_browser.give_code(code).status_code == 200


def test_a_store_that_cannot_be_unlocked_is_refused(
    browser: Browser, newcomer: Person, second_factor_optional: None, settings: Settings
) -> None:
    browser.give_password("nina")
    browser.register()
    assert browser.prove().status_code == 200
    replace_key(settings)
    browser.give_password("nina")

    assert refusal(browser.prove()) == (503, "seal_broken")


def test_sessions_end(at_home: Browser, settings: Settings) -> None:
    assert at_home.state == "ready"
    replace_key(settings)

    assert at_home.state == "anonymous"


def test_a_wrong_key_is_noticed_at_the_start(at_home: Browser, settings: Settings) -> None:
    assert "securechat.E008" not in codes_of_checks()
    replace_key(settings)

    assert "securechat.E008" in codes_of_checks()
    with pytest.raises(CommandError, match="is not the secret key"):
        call_command("prepare")
    assert at_home.client.get("/health/ready").status_code == 503


def test_a_database_that_was_never_used_takes_any_key(db: None, settings: Settings) -> None:
    replace_key(settings)

    assert "securechat.E008" not in codes_of_checks()


def test_the_marker_stays_what_it_was(db: None, settings: Settings) -> None:
    secret_key.mark_database()
    replace_key(settings)

    secret_key.mark_database()

    assert not secret_key.opens_database()
    assert SealMarker.objects.count() == 1


def test_with_the_right_key_nothing_is_given_up(at_home: Browser) -> None:
    with pytest.raises(CommandError, match="nothing is given up"):
        call_command("give_up_lost_key", "--yes")

    assert at_home.state == "ready"


def test_nothing_is_given_up_by_accident(at_home: Browser, settings: Settings) -> None:
    replace_key(settings)

    with pytest.raises(CommandError, match="--yes"):
        call_command("give_up_lost_key")

    assert Device.objects.get().revoked_at is None


def test_after_the_key_is_given_up_everybody_enrols_and_begins_anew(
    at_home: Browser, settings: Settings
) -> None:
    replace_key(settings)
    call_command("give_up_lost_key", "--yes")
    at_home.client.cookies.clear()
    at_home.keys = Keys()

    at_home.give_password("alice")

    assert at_home.state == "enrolment"
    secret = read(at_home.allauth("GET", "account/authenticators/totp"))["meta"]["secret"]
    at_home.allauth("POST", "account/authenticators/totp", {"code": current_code(secret)})
    assert at_home.state == "no_device_left"
    assert at_home.register(begins_anew=True).status_code == 201
    assert "securechat.E008" not in codes_of_checks()


def test_people_without_devices_are_not_in_the_way(at_home: Browser, settings: Settings) -> None:
    make_person("bob")
    replace_key(settings)

    call_command("give_up_lost_key", "--yes")

    assert secret_key.opens_database()
