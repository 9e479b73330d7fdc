"""Inviting, and accepting the invitation."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Invitation, Person, Role
from accounts.services import invitations
from tests.accounts.people import PASSWORD, Browser, make_person, read, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(administrator: Person) -> str:
    """The token of an invitation for Carol."""
    _, link = invitations.invite_person(
        username="carol",
        display_name="Carol",
        email="carol@example.org",
        role=Role.AUDITOR,
        created_by=administrator,
    )
    return link.rpartition("/")[2]


def accept(browser: Browser, token: str, **changes: Any) -> Any:
    body = {"token": token, "username": "carol", "display_name": "Carol C", "password": PASSWORD}
    return browser.api("POST", "invitations/acceptance", body | changes)


# Inviting -------------------------------------------------------------------------------------


def test_an_administrator_invites(browser: Browser, administrator: Person) -> None:
    browser.log_in(administrator)
    body = {"username": "Carol", "display_name": "Carol", "email": "c@example.org"}

    answer = browser.api("POST", "invitations", body)

    assert answer.status_code == 201
    made = read(answer)
    assert made["username"] == "carol"
    assert made["role"] == "member"
    assert made["link"].startswith("http://localhost:8000/#/invitation/")
    listed = read(browser.api("GET", "invitations"))
    assert set(listed) == {"next", "previous", "results"}
    assert [invitation["id"] for invitation in listed["results"]] == [made["id"]]
    assert "link" not in listed["results"][0]
    assert made["link"].rpartition("/")[2].encode() not in bytes(Invitation.objects.get().digest)


@pytest.mark.parametrize("call", ["GET invitations", "POST invitations", "DELETE invitations/{}"])
@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_only_administrators_deal_in_invitations(
    browser: Browser, token: str, call: str, role: str
) -> None:
    browser.log_in(make_person("mallory", role=role))
    method, path = call.format(Invitation.objects.get().pk).split()

    answer = browser.api(method, path, {"username": "eve"})

    assert refusal(answer) == (403, "forbidden")
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("call", ["GET invitations", "POST invitations", "DELETE invitations/{}"])
def test_anonymous_browsers_do_not(browser: Browser, token: str, call: str) -> None:
    method, path = call.format(Invitation.objects.get().pk).split()

    assert refusal(browser.api(method, path, {})) == (401, "not_authenticated")


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "x"},
        {"username": "with space"},
        {"username": "umlaut-\u00e4"},
        {"username": "a\0b"},
        {"username": None},
        {"email": "not an address"},
        {"role": "superuser"},
        {"expires_in_hours": 0},
        {"expires_in_hours": 10**6},
        {"expires_in_hours": 10**400},
        {"expires_in_hours": 1.0},
        {"is_active": True},
    ],
)
def test_an_invitation_of_the_wrong_shape_is_refused(
    browser: Browser, administrator: Person, changes: dict[str, object]
) -> None:
    browser.log_in(administrator)
    body: dict[str, object] = {"username": "carol"}

    answer = browser.api("POST", "invitations", body | changes)

    assert refusal(answer) == (400, "invalid_input")
    assert browser.api("POST", "invitations", body).status_code == 201


def test_the_user_name_of_somebody_here_is_refused(browser: Browser, administrator: Person) -> None:
    browser.log_in(administrator)

    answer = browser.api("POST", "invitations", {"username": "ADA"})

    assert refusal(answer) == (409, "username_taken")


# Accepting ------------------------------------------------------------------------------------


def test_an_invitation_says_whom_it_is_for(browser: Browser, token: str) -> None:
    answer = browser.api("POST", "invitations/lookup", {"token": token})

    seen = read(answer)
    assert set(seen) == {"username", "display_name", "organisation", "expires_at"}
    assert (seen["username"], seen["display_name"]) == ("carol", "Carol")


def test_accepting_makes_the_person_and_logs_in(browser: Browser, token: str) -> None:
    answer = accept(browser, token, username="Carol.C")

    assert answer.status_code == 201
    assert read(answer)["state"] == "enrolment"
    assert browser.session["person"]["username"] == "carol.c"
    carol = Person.objects.get(username="carol.c")
    assert (carol.role, carol.email, carol.display_name) == (
        "auditor",
        "carol@example.org",
        "Carol C",
    )
    assert carol.password.startswith("argon2$argon2id$")
    assert Invitation.objects.get().person == carol


def test_accepting_logs_out_who_was_there(browser: Browser, alice: Person, token: str) -> None:
    browser.at_home(alice)

    accept(browser, token)

    session = browser.session
    assert session["person"]["username"] == "carol"
    assert session["state"] == "enrolment"
    assert session["device"] is None


def spoil_nothing() -> None:
    """The token is good."""


def spoil_by_time() -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def spoil_by_revoking() -> None:
    invitations.revoke_invitation(invitation=Invitation.objects.get())


def spoil_by_use() -> None:
    Invitation.objects.update(used_at=timezone.now())


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_by_time, (410, "invitation_expired")),
        (spoil_by_revoking, (410, "invitation_expired")),
        (spoil_by_use, (410, "invitation_used")),
    ],
)
def test_a_spoiled_invitation_is_refused(
    browser: Browser, token: str, spoil: Any, expected: tuple[int, str]
) -> None:
    spoil()

    lookup = browser.api("POST", "invitations/lookup", {"token": token})

    assert refusal(lookup) == expected
    assert refusal(accept(browser, token)) == expected
    assert not Person.objects.filter(username="carol").exists()
    assert browser.state == "anonymous"


@pytest.mark.parametrize("wrong", ["x", "\u00e4" * 20, "x" * 128])
def test_a_token_that_never_was_is_not_found(browser: Browser, token: str, wrong: str) -> None:
    assert refusal(accept(browser, wrong)) == (404, "invitation_not_found")


def test_an_invitation_is_accepted_once(
    browser: Browser, other_browser: Browser, token: str
) -> None:
    assert accept(browser, token).status_code == 201

    assert refusal(accept(other_browser, token, username="carol2")) == (410, "invitation_used")
    assert not Person.objects.filter(username="carol2").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"username": "ADA"}, (409, "username_taken")),
        ({"username": "n/a"}, (400, "invalid_input")),
        ({"password": "short"}, (400, "password_too_weak")),
        ({"password": "password123456"}, (400, "password_too_weak")),
        ({"password": "carol@example.org"}, (400, "password_too_weak")),
        ({"password": "x" * 1025}, (400, "invalid_input")),
        ({"password": "a long walk\0by the river"}, (400, "invalid_input")),
        ({"display_name": " "}, (400, "invalid_input")),
        ({"role": "administrator"}, (400, "invalid_input")),
    ],
)
def test_a_refused_acceptance_leaves_the_invitation_open(
    browser: Browser, token: str, changes: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = accept(browser, token, **changes)

    assert refusal(answer) == expected
    assert browser.state == "anonymous"
    assert accept(browser, token).status_code == 201


def test_accepting_needs_the_page(browser: Browser, token: str) -> None:
    browser.csrf_header = "x" * 32

    assert refusal(accept(browser, token)) == (403, "csrf_failed")


def test_a_revoked_invitation_stays_in_the_list(
    browser: Browser, administrator: Person, token: str
) -> None:
    browser.log_in(administrator)
    invitation = Invitation.objects.get()

    assert browser.api("DELETE", f"invitations/{invitation.pk}").status_code == 204

    listed = read(browser.api("GET", "invitations"))["results"]
    assert listed[0]["revoked_at"] is not None


# Commands -------------------------------------------------------------------------------------


def test_the_command_prints_a_link_that_works(
    browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("invite", "Dora", "--role", "administrator", "--json")

    printed = capsys.readouterr()
    made = json.loads(printed.out)
    assert (made["username"], made["role"]) == ("dora", "administrator")
    assert ("set SECURECHAT_ORIGIN" in printed.err) == ("SECURECHAT_ORIGIN" not in os.environ)
    assert accept(browser, made["link"].rpartition("/")[2]).status_code == 201


def test_the_command_refuses_a_taken_name(alice: Person) -> None:
    with pytest.raises(CommandError, match="Somebody has this user name"):
        call_command("invite", "alice")


def test_the_first_administrator_comes_by_the_newest_link(
    db: None, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("first_administrator_link")
    call_command("first_administrator_link", "--json")
    first, second = capsys.readouterr().out.splitlines()

    assert refusal(accept(browser, first.rpartition("/")[2])) == (410, "invitation_expired")
    assert accept(browser, json.loads(second)["link"].rpartition("/")[2]).status_code == 201

    assert Person.objects.get().is_administrator
    with pytest.raises(CommandError) as refused:
        call_command("first_administrator_link")
    assert refused.value.returncode == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"role": Role.MEMBER}], ids=["deactivated", "demoted"]
)
def test_who_may_no_longer_invite_has_not_invited(
    browser: Browser, administrator: Person, change: dict[str, object]
) -> None:
    invitation, link = invitations.invite_person(
        username="", role=Role.ADMINISTRATOR, created_by=administrator
    )
    token = link.rsplit("/", 1)[1]
    assert browser.api("POST", "invitations/lookup", {"token": token}).status_code == 200

    Person.objects.filter(pk=administrator.pk).update(**change)

    answer = browser.api("POST", "invitations/lookup", {"token": token})
    assert refusal(answer) == (410, "invitation_expired")
    invitation.refresh_from_db()
    assert invitation.used_at is None
