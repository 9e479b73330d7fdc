"""Of many who try the same at once, the right number gets through."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from accounts.models import Device, DeviceToken, IdentityChange, Invitation, Person, Scope, Spending
from accounts.services import devices, guesses, invitations, people, tickets
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.wire.errors import ChatError
from tests.accounts.people import PASSWORD, Browser, Keys, make_person, text

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, attempt: Callable[[int], object]) -> list[str]:
    """Run ``attempt`` in threads that start together; returns what came out of each."""
    barrier = threading.Barrier(count)
    results: list[str] = []

    def run(number: int) -> None:
        barrier.wait()
        try:
            attempt(number)
            results.append("through")
        except ChatError as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_an_invitation_makes_one_person() -> None:
    _, link = invitations.invite_person(username="carol", created_by=None)
    secret = link.rpartition("/")[2]

    results = at_once(
        4,
        lambda number: invitations.accept_invitation(
            secret=secret, username=f"carol{number}", display_name="C", password=PASSWORD
        ),
    )

    assert results == ["invitation_used"] * 3 + ["through"]
    assert Person.objects.count() == 1
    assert Invitation.objects.get().person == Person.objects.get()


def test_a_user_name_is_given_once() -> None:
    secrets = [
        invitations.invite_person(username="", created_by=None)[1].rpartition("/")[2]
        for _ in range(4)
    ]

    results = at_once(
        4,
        lambda number: invitations.accept_invitation(
            secret=secrets[number], username="carol", display_name="C", password=PASSWORD
        ),
    )

    assert results == ["through"] + ["username_taken"] * 3
    assert Invitation.objects.filter(used_at=None).count() == 3


def test_no_guess_slips_through() -> None:
    alice = make_person("alice")

    results = at_once(16, lambda _number: guesses.spend_guess(person=alice))

    limit = guesses.CODES.limit
    assert results == ["through"] * limit + ["too_many_guesses"] * (16 - limit)
    assert Spending.objects.get().spent == limit


def test_a_code_logs_in_once() -> None:
    alice = make_person("alice")

    results = at_once(8, lambda _number: guesses.spend_code(person=alice, code="123456"))

    assert results == ["code_spent"] * 7 + ["through"]


def test_a_ticket_opens_one_socket() -> None:
    Browser().at_home(make_person("alice")).make_token(Scope.MESSAGES_READ)
    ticket, _ = tickets.issue_ticket(token=DeviceToken.objects.get())

    results = at_once(8, lambda _number: tickets.redeem_ticket(ticket))

    assert results == ["not_authenticated"] * 7 + ["through"]


def register(person: Person, *, begins_anew: bool = False) -> Device:
    keys = Keys()
    return devices.register_device(
        person=person,
        device_id=keys.device_id,
        name="x",
        signature_key=ED25519.public_key_of(keys.signature),
        credential=keys.credential(person.pk),
        authentication_key=ED25519.public_key_of(keys.authentication),
        challenge=bytes(32),
        proof=keys.proof(text(bytes(32))),
        begins_anew=begins_anew,
    )


def test_an_account_has_one_first_device() -> None:
    alice = make_person("alice")

    results = at_once(6, lambda _number: register(alice))

    assert results == ["identity_key_differs"] * 5 + ["through"]
    assert Device.objects.count() == 1


def test_an_account_begins_anew_once() -> None:
    alice = make_person("alice")
    devices.revoke_device(device=register(alice))

    results = at_once(6, lambda _number: register(alice, begins_anew=True))

    assert results == ["identity_in_use"] * 5 + ["through"]
    assert Device.objects.filter(revoked_at=None).count() == 1
    assert IdentityChange.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="says something about PostgreSQL")
def test_a_deactivation_waits_for_who_acts_on_a_device_and_needs_its_person_next() -> None:
    alice = make_person("alice")
    device_id = Browser().at_home(alice).keys.device_id
    deactivation = threading.Thread(target=deactivate, args=(alice,))

    with transaction.atomic():
        Device.objects.select_for_update(no_key=True).get(pk=device_id)
        deactivation.start()
        wait_until_somebody_waits()
        Person.objects.select_for_update(no_key=True).get(pk=alice.pk)
    deactivation.join()

    alice.refresh_from_db()
    assert not alice.is_active
    assert Device.objects.get(pk=device_id).revoked_at is not None


def deactivate(person: Person) -> None:
    try:
        people.deactivate_person(person=person)
    finally:
        connection.close()


def wait_until_somebody_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("Nobody waits for a lock.")
