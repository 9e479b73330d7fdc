"""Devices, the sessions on them, their tokens and tickets, and their end."""

import uuid
from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.events import device_revoked
from accounts.models import Device, DeviceToken, Person, Scope, SocketTicket
from accounts.services import devices, people, tickets, tokens
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.wire.errors import NotAuthenticated
from tests.accounts.people import Browser, Keys, Script, read, refusal, text

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(days=30)


# Registration ---------------------------------------------------------------------------------


def test_the_first_device_sets_the_identity_key(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)

    answer = browser.register()

    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert set(read(answer)) == {"device", "unlock_share"}
    session = browser.session
    assert session["state"] == "ready"
    assert session["device"]["id"] == str(browser.keys.device_id)
    alice.refresh_from_db()
    assert alice.identity_key == ED25519.public_key_of(browser.keys.identity)


def test_the_unlock_share_is_sealed_and_only_for_the_bound_session(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.log_in(alice)
    share = read(browser.register())["unlock_share"]
    other_browser.log_in(alice)

    again = read(browser.api("GET", "session/device"))
    elsewhere = other_browser.api("GET", "session/device")

    assert again["unlock_share"] == share
    assert refusal(elsewhere) == (403, "device_required")
    device = Device.objects.get()
    assert text(devices.unlock_share_of(device)) == share
    assert devices.unlock_share_of(device) not in bytes(device.sealed_unlock_share)


def test_the_same_registration_again_is_the_same_device(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)
    first = read(browser.register())

    second = browser.register()

    assert second.status_code == 201
    assert read(second) == first
    assert Device.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"credential": "another_account"}, (422, "credential_invalid")),
        ({"credential": "another_device"}, (422, "credential_invalid")),
        ({"credential": "another_key"}, (422, "credential_invalid")),
        ({"credential": "garbage"}, (422, "credential_invalid")),
        ({"credential": "trailing"}, (422, "credential_invalid")),
        ({"proof": "of_another_device"}, (422, "proof_invalid")),
        ({"proof": "of_another_challenge"}, (422, "proof_invalid")),
        ({"proof": "zeros"}, (422, "proof_invalid")),
    ],
)
def test_a_device_whose_keys_do_not_prove_themselves_is_refused(
    browser: Browser, alice: Person, changes: dict[str, str], expected: tuple[int, str]
) -> None:
    browser.log_in(alice)
    keys, challenge = browser.keys, browser.session["challenge"]
    forged = {
        "another_account": keys.credential(uuid.uuid4()),
        "another_device": keys.credential(alice.pk, uuid.uuid4()),
        "another_key": Keys(device_id=keys.device_id).credential(alice.pk),
        "garbage": b"\1" * 100,
        "trailing": keys.credential(alice.pk) + b"\0",
        "of_another_device": keys.proof(challenge, uuid.uuid4()),
        "of_another_challenge": keys.proof(text(bytes(32))),
        "zeros": bytes(64),
    }

    answer = browser.register(**{name: text(forged[kind]) for name, kind in changes.items()})

    assert refusal(answer) == expected
    assert not Device.objects.exists()
    alice.refresh_from_db()
    assert alice.identity_key is None


def test_there_is_one_device_for_now(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.at_home(alice)
    other_browser.log_in(alice)
    other_browser.keys = Keys(identity=browser.keys.identity)

    answer = other_browser.register()

    assert refusal(answer) == (409, "device_limit")
    assert other_browser.state == "unknown_device"


def test_another_identity_key_is_refused(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.at_home(alice)
    other_browser.log_in(alice)

    assert refusal(other_browser.register()) == (409, "identity_key_differs")


def test_a_device_id_of_somebody_else_is_refused(
    browser: Browser, other_browser: Browser, alice: Person, bob: Person
) -> None:
    browser.at_home(alice)
    other_browser.log_in(bob)
    other_browser.keys.device_id = browser.keys.device_id

    assert refusal(other_browser.register()) == (409, "device_id_taken")


def test_keys_of_another_device_are_refused(
    browser: Browser, other_browser: Browser, alice: Person, bob: Person
) -> None:
    browser.at_home(alice)
    other_browser.log_in(bob)
    other_browser.keys.authentication = browser.keys.authentication

    assert refusal(other_browser.register()) == (409, "device_id_taken")
    assert other_browser.state == "no_device"


# Sessions on a device -------------------------------------------------------------------------


def test_a_new_login_proves_itself(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)
    share = read(browser.register())["unlock_share"]
    browser.log_out()
    browser.log_in(alice)
    assert browser.state == "unknown_device"

    answer = browser.prove()

    assert read(answer)["unlock_share"] == share
    assert browser.state == "ready"


def test_a_proof_for_an_earlier_login_is_refused(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    old = browser.session["challenge"]
    browser.log_out()
    browser.log_in(alice)

    answer = browser.api(
        "POST",
        "session/device",
        {"device_id": str(browser.keys.device_id), "proof": text(browser.keys.proof(old))},
    )

    assert refusal(answer) == (422, "proof_invalid")
    assert browser.state == "unknown_device"


def test_the_device_of_somebody_else_is_not_there(
    browser: Browser, other_browser: Browser, alice: Person, bob: Person
) -> None:
    browser.at_home(alice)
    other_browser.log_in(bob)
    other_browser.keys = browser.keys

    assert refusal(other_browser.prove()) == (404, "not_found")


def test_the_login_of_another_person_is_not_on_the_device(
    browser: Browser, alice: Person, bob: Person
) -> None:
    browser.at_home(alice)
    browser.log_out()

    browser.log_in(bob)

    assert browser.state == "no_device"
    assert refusal(browser.api("GET", "session/device")) == (403, "device_required")


# Looking, renaming ----------------------------------------------------------------------------


def test_own_devices_are_listed_and_renamed(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    renamed = browser.api("PATCH", f"devices/{browser.keys.device_id}", {"name": "Desk"})

    assert read(renamed)["name"] == "Desk"
    listed = read(browser.api("GET", "devices"))["results"]
    assert [(device["id"], device["name"]) for device in listed] == [
        (str(browser.keys.device_id), "Desk")
    ]
    assert set(listed[0]) == {"id", "name", "created_at"}


@pytest.mark.parametrize(
    "call",
    ["PATCH devices/{}", "DELETE devices/{}", "GET devices/{}/tokens", "POST devices/{}/tokens"],
)
def test_devices_of_others_and_missing_ones_look_the_same(
    browser: Browser, other_browser: Browser, alice: Person, bob: Person, call: str
) -> None:
    method, path = call.split()
    browser.at_home(alice)
    other_browser.at_home(bob)
    body = {"name": "x", "scopes": ["people:read"], "expires_in_days": 1}

    theirs = other_browser.api(method, path.format(browser.keys.device_id), body)
    missing = other_browser.api(method, path.format(uuid.uuid4()), body)

    assert refusal(theirs) == (404, "not_found")
    assert theirs.content == missing.content
    assert Device.objects.get(pk=browser.keys.device_id).revoked_at is None


# Tokens ---------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_stored_hashed(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    script = browser.make_token("people:read")

    assert script.token.startswith("sct_")
    listed = read(browser.api("GET", f"devices/{browser.keys.device_id}/tokens"))["results"]
    assert listed[0]["id"] == script.token_id
    assert set(listed[0]) == {"id", "name", "scopes", "created_at", "expires_at"}
    assert script.token.encode() not in bytes(DeviceToken.objects.get().digest)


def test_a_token_may_what_its_scopes_say(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    reader, writer = browser.make_token("people:read"), browser.make_token("messages:write")

    assert reader.api("GET", "people").status_code == 200
    assert refusal(writer.api("GET", "people")) == (403, "scope_missing")
    assert refusal(reader.api("POST", "socket-tickets")) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "devices"),
        ("POST", "devices"),
        ("GET", "session/device"),
        ("DELETE", "devices/{device}"),
        ("GET", "devices/{device}/tokens"),
        ("POST", "devices/{device}/tokens"),
        ("PATCH", "devices/{device}"),
        ("DELETE", "tokens/{token}"),
        ("DELETE", "invitations/{token}"),
        ("GET", "invitations"),
        ("POST", "invitations"),
    ],
)
def test_no_scope_reaches_devices_tokens_and_invitations(
    browser: Browser, administrator: Person, method: str, path: str
) -> None:
    browser.at_home(administrator)
    script = browser.make_token("people:read", "keys:write", "messages:read", "messages:write")

    answer = script.api(
        method, path.format(device=browser.keys.device_id, token=script.token_id), {}
    )

    assert refusal(answer) == (403, "scope_missing")


@pytest.mark.parametrize("header", ["", "sct_wrong", "sct_\xff", "a b c", "\ud800"])
def test_a_wrong_token_is_not_authenticated(header: str, db: None) -> None:
    answer = Script(token=header).api("GET", "people")

    assert refusal(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_device_has_so_many_tokens_that_still_work(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    device = Device.objects.get()
    for _ in range(tokens.MAX_TOKENS_PER_DEVICE):
        tokens.issue_token(device=device, name="bot", scopes=[], expires_in_days=1)
    body = {"name": "one more", "scopes": ["people:read"], "expires_in_days": 1}

    answer = browser.api("POST", f"devices/{device.pk}/tokens", body)

    assert refusal(answer) == (409, "too_many_tokens")
    DeviceToken.objects.update(created_at=LONG_AGO, expires_at=LONG_AGO + timedelta(days=1))
    assert browser.api("POST", f"devices/{device.pk}/tokens", body).status_code == 201


def end_by_revoking(script: Script, browser: Browser) -> None:
    assert browser.api("DELETE", f"tokens/{script.token_id}").status_code == 204


def end_by_time(script: Script, browser: Browser) -> None:
    DeviceToken.objects.update(created_at=LONG_AGO, expires_at=LONG_AGO + timedelta(days=1))


def end_by_device(script: Script, browser: Browser) -> None:
    assert browser.api("DELETE", f"devices/{browser.keys.device_id}").status_code == 204


def end_by_deactivation(script: Script, browser: Browser) -> None:
    people.deactivate_person(person=Person.objects.get())


@pytest.mark.parametrize("end", [end_by_revoking, end_by_time, end_by_device, end_by_deactivation])
def test_a_token_ends_at_once(browser: Browser, alice: Person, end: Any) -> None:
    browser.at_home(alice)
    script = browser.make_token("people:read")
    assert script.api("GET", "people").status_code == 200

    end(script, browser)

    assert refusal(script.api("GET", "people")) == (401, "not_authenticated")


def test_the_token_of_somebody_else_is_not_there(
    browser: Browser, other_browser: Browser, alice: Person, bob: Person
) -> None:
    browser.at_home(alice)
    script = browser.make_token("people:read")
    other_browser.at_home(bob)

    theirs = other_browser.api("DELETE", f"tokens/{script.token_id}")

    assert refusal(theirs) == (404, "not_found")
    assert script.api("GET", "people").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "people:read"},
        {"expires_in_days": 0},
        {"expires_in_days": 367},
        {"expires_in_days": "1"},
        {"expires_in_days": True},
        {"name": ""},
        {"name": "x" * 101},
        {"name": 5},
        {"more": 1},
    ],
)
def test_a_token_request_of_the_wrong_shape_is_refused(
    browser: Browser, alice: Person, changes: dict[str, object]
) -> None:
    browser.at_home(alice)
    body = {"name": "bot", "scopes": ["people:read"], "expires_in_days": 1}
    path = f"devices/{browser.keys.device_id}/tokens"

    answer = browser.api("POST", path, body | changes)

    assert refusal(answer) == (400, "invalid_input")
    assert read(answer)["errors"][0]["pointer"].startswith(f"/{next(iter(changes))}")
    assert browser.api("POST", path, body).status_code == 201


# Tickets --------------------------------------------------------------------------------------


def test_a_ticket_is_good_once(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    ticket = read(browser.make_token("messages:read").api("POST", "socket-tickets"))["ticket"]

    caller = tickets.redeem_ticket(ticket)

    assert caller.device.pk == browser.keys.device_id
    with pytest.raises(NotAuthenticated):
        tickets.redeem_ticket(ticket)


def test_a_session_gets_no_ticket_that_could_outlive_it(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    answer = browser.api("POST", "socket-tickets")

    assert refusal(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert browser.state == "ready"
    script = browser.make_token("messages:read")
    assert script.api("POST", "socket-tickets").status_code == 201


def test_a_ticket_carries_no_more_than_its_token(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    ticket = read(browser.make_token("messages:read").api("POST", "socket-tickets"))["ticket"]

    caller = tickets.redeem_ticket(ticket)

    assert caller.allows(Scope.MESSAGES_READ)
    assert not caller.allows(Scope.MESSAGES_WRITE)


def end_ticket_by_time(script: Script, browser: Browser) -> None:
    SocketTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "end", [end_ticket_by_time, end_by_revoking, end_by_device, end_by_deactivation]
)
def test_a_ticket_ends_with_what_it_stands_for(browser: Browser, alice: Person, end: Any) -> None:
    browser.at_home(alice)
    script = browser.make_token("messages:read")
    ticket = read(script.api("POST", "socket-tickets"))["ticket"]

    end(script, browser)

    with pytest.raises(NotAuthenticated):
        tickets.redeem_ticket(ticket)


# The end --------------------------------------------------------------------------------------


def test_revoking_a_device_ends_its_sessions_at_once(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    browser.api("DELETE", f"devices/{browser.keys.device_id}")

    assert refusal(browser.api("GET", "people")) == (401, "not_authenticated")
    assert browser.state == "anonymous"


def test_a_revoked_device_does_not_come_back(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    browser.api("DELETE", f"devices/{browser.keys.device_id}")
    browser.log_in(alice)

    assert refusal(browser.prove()) == (403, "device_revoked")
    assert refusal(browser.register()) == (403, "device_revoked")
    assert browser.state == "no_device_left"


def test_a_deactivated_person_is_out_and_stays_out(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)

    people.deactivate_person(person=alice)

    assert refusal(browser.api("GET", "people")) == (401, "not_authenticated")
    people.reactivate_person(person=alice)
    assert browser.state == "anonymous"


def test_a_registration_under_way_does_not_outlive_the_deactivation(
    browser: Browser, alice: Person
) -> None:
    browser.log_in(alice)
    challenge = browser.session["challenge"]
    people.deactivate_person(person=Person.objects.get(pk=alice.pk))

    with pytest.raises(NotAuthenticated):
        devices.register_device(
            person=alice,  # as the middleware saw her
            device_id=browser.keys.device_id,
            name="x",
            signature_key=ED25519.public_key_of(browser.keys.signature),
            credential=browser.keys.credential(alice.pk),
            authentication_key=ED25519.public_key_of(browser.keys.authentication),
            challenge=b64decode(challenge),
            proof=browser.keys.proof(challenge),
        )

    assert not Device.objects.exists()


def test_others_hear_of_a_revocation_once_and_after_the_commit(
    browser: Browser,
    alice: Person,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    browser.at_home(alice)
    device = Device.objects.get()
    heard: list[tuple[uuid.UUID, uuid.UUID]] = []

    def hear(device_id: uuid.UUID, person_id: uuid.UUID, **_more: object) -> None:
        heard.append((device_id, person_id))

    device_revoked.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        devices.revoke_device(device=device)
        devices.revoke_device(device=device)
        assert not heard
    device_revoked.disconnect(hear)

    assert heard == [(device.pk, alice.pk)]
