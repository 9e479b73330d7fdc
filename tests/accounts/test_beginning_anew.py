"""An account whose devices were all revoked: its owner begins anew, and others can tell."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts.models import Device, IdentityChange, Person
from accounts.services import devices, people
from securechat_sdk.mls.crypto.signatures import ED25519
from tests.accounts.people import PASSWORD, Browser, Keys, read, refusal, text

pytestmark = pytest.mark.django_db


def by_its_owner(browser: Browser, person: Person) -> None:
    assert browser.api("DELETE", f"devices/{browser.keys.device_id}").status_code == 204


def by_an_administrator(browser: Browser, person: Person) -> None:
    devices.revoke_device(device=Device.objects.get(person=person))


def with_the_account(browser: Browser, person: Person) -> None:
    people.deactivate_person(person=person)
    people.reactivate_person(person=person)


End = Callable[[Browser, Person], None]
ENDS = [by_its_owner, by_an_administrator, with_the_account]


def public_key(keys: Keys) -> str:
    return text(ED25519.public_key_of(keys.identity))


@pytest.fixture
def bereft(browser: Browser, alice: Person, request: pytest.FixtureRequest) -> Person:
    """Alice, whose one device was revoked."""
    browser.at_home(alice)
    end: End = getattr(request, "param", by_an_administrator)
    end(browser, alice)
    return alice


@pytest.mark.parametrize("bereft", ENDS, indirect=True)
def test_who_has_no_device_left_begins_anew(other_browser: Browser, bereft: Person) -> None:
    other_browser.log_in(bereft)
    assert other_browser.state == "no_device_left"

    answer = other_browser.register(begins_anew=True)

    assert answer.status_code == 201
    assert other_browser.state == "ready"
    assert other_browser.api("GET", "people").status_code == 200


def test_the_old_browser_may_begin_anew_too(browser: Browser, bereft: Person) -> None:
    browser.log_in(bereft)
    browser.keys = Keys()

    assert browser.register(begins_anew=True).status_code == 201
    assert browser.state == "ready"


def test_nobody_begins_anew_in_passing(other_browser: Browser, bereft: Person) -> None:
    other_browser.log_in(bereft)

    assert refusal(other_browser.register()) == (409, "identity_key_differs")
    assert not IdentityChange.objects.exists()
    assert other_browser.register(begins_anew=True).status_code == 201


def test_while_a_device_is_active_the_identity_key_stays(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.at_home(alice)
    other_browser.log_in(alice)

    answer = other_browser.register(begins_anew=True)

    assert refusal(answer) == (409, "identity_in_use")
    assert "have an administrator revoke it" in read(answer)["detail"]
    assert read(browser.api("GET", f"people/{alice.pk}"))["identity_key"] == public_key(
        browser.keys
    )
    assert browser.state == "ready"


def test_others_see_the_new_key_and_administrators_the_change(
    other_browser: Browser, administrator: Person, bereft: Person
) -> None:
    watcher = Browser().at_home(administrator)
    before = read(watcher.api("GET", f"people/{bereft.pk}"))["identity_key"]
    other_browser.log_in(bereft).register(begins_anew=True)

    after = read(watcher.api("GET", f"people/{bereft.pk}"))["identity_key"]
    page = watcher.client.get("/admin/accounts/identitychange/").content.decode()

    assert before != after == public_key(other_browser.keys)
    change = IdentityChange.objects.get()
    assert (change.person, text(bytes(change.previous_key))) == (bereft, before)
    assert str(bereft) in page
    assert before not in page


def test_the_first_device_is_no_change(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    assert not IdentityChange.objects.exists()


def test_the_same_identity_on_a_new_device_is_no_change(browser: Browser, bereft: Person) -> None:
    browser.log_in(bereft)
    browser.keys = Keys(identity=browser.keys.identity)

    assert browser.register().status_code == 201
    assert not IdentityChange.objects.exists()


def test_a_lost_answer_changes_the_key_once(other_browser: Browser, bereft: Person) -> None:
    other_browser.log_in(bereft)
    first = read(other_browser.register(begins_anew=True))

    again = other_browser.register(begins_anew=True)

    assert read(again) == first
    assert IdentityChange.objects.count() == 1


def test_the_revoked_device_does_not_come_back_with_it(browser: Browser, bereft: Person) -> None:
    browser.log_in(bereft)

    answer = browser.register(begins_anew=True)

    assert refusal(answer) == (403, "device_revoked")
    assert browser.state == "no_device_left"


def test_the_password_alone_does_not_begin_anew(other_browser: Browser, bereft: Person) -> None:
    other_browser.give_password("alice")
    body = other_browser.keys.registration(bereft.pk, text(bytes(32)))

    answer = other_browser.api("POST", "devices", body | {"begins_anew": True})

    assert refusal(answer) == (401, "not_authenticated")
    other_browser.give_code()
    assert other_browser.register(begins_anew=True).status_code == 201


def test_a_login_of_long_ago_types_the_password_again(
    other_browser: Browser, bereft: Person, settings: Settings
) -> None:
    other_browser.log_in(bereft)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0

    answer = other_browser.register(begins_anew=True)

    assert refusal(answer) == (403, "reauthentication_required")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    other_browser.allauth("POST", "auth/reauthenticate", {"password": PASSWORD})
    assert other_browser.register(begins_anew=True).status_code == 201


@pytest.mark.parametrize("value", ["true", 1, None, "yes"])
def test_beginning_anew_is_said_with_true_or_false(
    other_browser: Browser, bereft: Person, value: object
) -> None:
    other_browser.log_in(bereft)

    assert refusal(other_browser.register(begins_anew=value)) == (400, "invalid_input")
    assert not IdentityChange.objects.exists()
