"""The admin pages: who sees what, and that no secret is among it."""

import re
from typing import cast
from uuid import UUID

import pytest
from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse

from accounts.admin import PersonAdmin, PersonForm
from accounts.models import Device, Invitation, Person, Role
from tests.accounts.people import PASSWORD, Browser, make_person

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/accounts/person/"
INVITATIONS = "/admin/accounts/invitation/"
DEVICES = "/admin/accounts/device/"


def post(browser: Browser, path: str, **fields: object) -> HttpResponse:
    token = browser.client.cookies["csrftoken"].value
    answer = browser.client.post(path, {**fields, "csrfmiddlewaretoken": token})
    assert isinstance(answer, HttpResponse)
    return answer


def act(browser: Browser, path: str, action: str, pk: UUID) -> HttpResponse:
    return post(browser, path, action=action, _selected_action=str(pk))


@pytest.mark.parametrize("path", ["/admin/", PEOPLE, INVITATIONS, DEVICES, f"{INVITATIONS}add/"])
def test_anonymous_browsers_are_sent_to_the_login(browser: Browser, path: str, db: None) -> None:
    answer = browser.client.get(path, follow=False)
    assert answer.status_code == 302

    answer = browser.client.get(answer["Location"])

    assert answer.status_code == 302
    assert answer["Location"].startswith("/?next=%2Fadmin%2F")


def test_the_way_back_never_leads_elsewhere(browser: Browser, db: None) -> None:
    answer = browser.client.get("/admin/login/?next=//evil.example/admin/")

    assert answer["Location"] == "/?next=%2Fadmin%2F"


def test_the_password_alone_does_not_open_the_pages(
    browser: Browser, administrator: Person
) -> None:
    browser.give_password("ada")

    assert browser.client.get(PEOPLE).status_code == 302
    browser.give_code()
    assert browser.client.get(PEOPLE).status_code == 200


def test_an_administrator_without_a_second_factor_does_not_get_in(browser: Browser) -> None:
    make_person("ada", role=Role.ADMINISTRATOR, has_codes=False)
    browser.give_password("ada")

    assert browser.client.get(PEOPLE).status_code == 302


def test_there_is_no_second_way_to_log_in(browser: Browser, administrator: Person) -> None:
    browser.client.get("/api/v1/session")

    answer = post(browser, "/admin/login/", username="ada", password=PASSWORD)

    assert answer.status_code == 302
    assert browser.state == "anonymous"


def test_members_stay_outside(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)

    assert browser.client.get("/admin/").status_code == 302
    assert browser.client.get("/admin/login/").status_code == 403


def test_an_administrator_sees_people_and_no_secret(
    browser: Browser, other_browser: Browser, administrator: Person, alice: Person
) -> None:
    other_browser.at_home(alice)
    browser.log_in(administrator)

    pages = [
        browser.client.get(path).content.decode()
        for path in (
            "/admin/",
            f"{PEOPLE}?q=ali",
            f"{PEOPLE}?role__exact=member&is_active__exact=1",
            f"{PEOPLE}{alice.pk}/change/",
            DEVICES,
            f"{DEVICES}{other_browser.keys.device_id}/change/",
        )
    ]

    shown = "".join(pages)
    assert "alice@example.org" in shown
    for secret in ("argon2", "password", "identity_key", "credential", "unlock"):
        assert secret not in shown.lower().replace("/admin/password_change/", "").replace(
            "change password", ""
        )
    assert "Authenticator" not in shown
    assert "Groups" not in shown


def test_the_pages_have_no_inline_script(browser: Browser, administrator: Person) -> None:
    browser.log_in(administrator)

    for path in ("/admin/", PEOPLE, f"{PEOPLE}{administrator.pk}/change/", f"{INVITATIONS}add/"):
        page = browser.client.get(path).content.decode()
        assert not re.search(r"<script(?![^>]* src=)(?![^>]*application/json)", page)
        assert "jquery" not in page
        assert "prepopulate" not in page
        assert not re.search(r" on[a-z]+=", page)


def test_an_administrator_changes_a_role_and_a_name(
    browser: Browser, administrator: Person, alice: Person
) -> None:
    browser.log_in(administrator)

    answer = post(
        browser,
        f"{PEOPLE}{alice.pk}/change/",
        display_name="Alice A",
        email="",
        role="auditor",
        username="mallory",
        is_active="",
    )

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.display_name, alice.role) == ("Alice A", "auditor")
    assert (alice.username, alice.is_active) == ("alice", True)


def test_nobody_changes_their_own_role_or_deactivates_themselves(
    browser: Browser, administrator: Person
) -> None:
    browser.log_in(administrator)

    post(
        browser,
        f"{PEOPLE}{administrator.pk}/change/",
        display_name="Ada",
        email="",
        role="member",
    )
    act(browser, PEOPLE, "deactivate", administrator.pk)

    administrator.refresh_from_db()
    assert administrator.is_administrator
    assert administrator.is_active


def test_deactivation_ends_everything(
    browser: Browser, other_browser: Browser, administrator: Person, alice: Person
) -> None:
    other_browser.at_home(alice)
    script = other_browser.make_token("people:read")
    browser.log_in(administrator)

    act(browser, PEOPLE, "deactivate", alice.pk)

    assert other_browser.state == "anonymous"
    assert script.api("GET", "people").status_code == 401
    assert Device.objects.get().revoked_at is not None
    act(browser, PEOPLE, "reactivate", alice.pk)
    alice.refresh_from_db()
    assert alice.is_active


def test_forgetting_codes_lets_a_person_enrol_anew(
    browser: Browser, other_browser: Browser, administrator: Person, alice: Person
) -> None:
    other_browser.log_in(alice)
    browser.log_in(administrator)

    act(browser, PEOPLE, "reset_codes", alice.pk)

    assert other_browser.state == "anonymous"
    other_browser.give_password("alice")
    assert other_browser.state == "enrolment"


def test_an_invitation_is_made_and_its_link_shown_once(
    browser: Browser, other_browser: Browser, administrator: Person
) -> None:
    browser.log_in(administrator)
    fields = {"username": "Carol", "display_name": "Carol", "email": "", "role": "member"}

    answer = post(browser, f"{INVITATIONS}add/", **fields, expires_in_hours=24)

    page = answer.content.decode()
    link = re.search(r"http://localhost:8000/#/invitation/([\w-]{43})", page)
    assert link
    assert "no-store" in answer["Cache-Control"]
    token = link[1]
    pk = Invitation.objects.get().pk
    later = browser.client.get(f"{INVITATIONS}{pk}/change/").content.decode()
    assert token not in later
    assert token not in repr(dict(browser.client.session)) + str(browser.client.cookies)
    seen = other_browser.api("POST", "invitations/lookup", {"token": token})
    assert seen.status_code == 200


def test_an_invitation_for_a_taken_name_is_not_made(
    browser: Browser, administrator: Person
) -> None:
    browser.log_in(administrator)
    fields = {"username": "ADA", "display_name": "", "email": "", "role": "member"}

    answer = post(browser, f"{INVITATIONS}add/", **fields, expires_in_hours=24)

    assert b"Somebody has this user name already." in answer.content
    assert not Invitation.objects.exists()


def test_an_administrator_revokes_invitations_and_devices(
    browser: Browser, other_browser: Browser, administrator: Person, alice: Person
) -> None:
    other_browser.at_home(alice)
    browser.log_in(administrator)
    browser.api("POST", "invitations", {"username": "carol"})

    act(browser, INVITATIONS, "revoke", Invitation.objects.get().pk)
    act(browser, DEVICES, "revoke", Device.objects.get().pk)

    assert Invitation.objects.get().revoked_at is not None
    assert other_browser.state == "anonymous"


@pytest.mark.parametrize(
    "path",
    [
        f"{PEOPLE}add/",
        f"{PEOPLE}{{person}}/delete/",
        f"{DEVICES}add/",
        "/admin/auth/group/",
        "/admin/mfa/authenticator/",
        "/admin/account/emailaddress/",
    ],
)
def test_some_pages_are_nobodys(browser: Browser, administrator: Person, path: str) -> None:
    browser.log_in(administrator)

    answer = browser.client.get(path.format(person=administrator.pk))

    assert answer.status_code in {403, 404}


def test_auditors_see_and_change_nothing(
    browser: Browser, other_browser: Browser, auditor: Person, alice: Person
) -> None:
    other_browser.at_home(alice)
    browser.log_in(auditor)
    device = Device.objects.get()

    for path in (PEOPLE, f"{PEOPLE}{alice.pk}/change/", INVITATIONS, DEVICES):
        assert browser.client.get(path).status_code == 200
    changed = post(
        browser, f"{PEOPLE}{alice.pk}/change/", display_name="X", email="", role="auditor"
    )
    invited = post(browser, f"{INVITATIONS}add/", username="eve")
    act(browser, PEOPLE, "deactivate", alice.pk)
    act(browser, PEOPLE, "reset_codes", alice.pk)
    act(browser, DEVICES, "revoke", device.pk)

    assert (changed.status_code, invited.status_code) == (403, 403)
    alice.refresh_from_db()
    device.refresh_from_db()
    assert (alice.display_name, alice.role, alice.is_active) == ("Alice", "member", True)
    assert device.revoked_at is None
    assert other_browser.session["state"] == "ready"


def test_an_auditor_who_invites_is_refused(browser: Browser, auditor: Person) -> None:
    browser.log_in(auditor)

    assert browser.client.get(f"{INVITATIONS}add/").status_code == 403


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
@pytest.mark.parametrize(
    "question",
    [
        "accounts/person/?password__startswith=argon2",
        "accounts/person/?identity_key__isnull=1",
        "accounts/device/?sealed_unlock_share__isnull=0",
        "accounts/device/?person__password__startswith=argon2",
        "accounts/invitation/?digest__startswith=a",
        "facelogin/template/?wrapped_key__isnull=0",
        "messaging/keypackage/?data__isnull=0",
    ],
)
def test_a_list_answers_no_question_about_a_column_it_does_not_list(
    browser: Browser, role: str, question: str
) -> None:
    browser.log_in(make_person("ada", role=role))

    assert browser.client.get(f"{PEOPLE}?role__exact=member").status_code == 200
    assert browser.client.get(f"/admin/{question}").status_code == 400


def test_saving_a_person_writes_only_what_was_changed(administrator: Person, alice: Person) -> None:
    page = PersonAdmin(Person, site)
    form = page.get_form(HttpRequest())(
        {"display_name": "Alice Liddell", "email": alice.email, "role": alice.role}, instance=alice
    )
    assert form.is_valid()
    Person.objects.filter(pk=alice.pk).update(is_active=False)

    page.save_model(HttpRequest(), alice, cast("PersonForm", form), None)

    alice.refresh_from_db()
    assert (alice.display_name, alice.is_active) == ("Alice Liddell", False)
