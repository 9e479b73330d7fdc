"""What a session or token that has ended still wants stored: its check was before its end."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Device, DeviceToken, Scope
from accounts.services.callers import BrowserSession, Caller
from accounts.services.devices import hold_devices
from accounts.services.logins import DEVICE_KEY
from accounts.services.people import reset_codes
from accounts.services.tokens import issue_token, revoke_token
from accounts.session_store import SessionStore, digest_of
from messaging.models import Conversation, Entry
from messaging.services.batches import Mark, Outcome, Send, run_batch
from messaging.services.commits import submit_commit
from messaging.services.log import Placed
from messaging.services.messages import message_to_send
from messaging.services.proposals import submit_proposal
from securechat_sdk.wire.errors import NotAuthenticated
from securechat_sdk.wire.frames import CloseCode, SendMessage
from tests.messaging.people import Member, message, submission_of
from tests.messaging.sockets import connected, in_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: Member) -> Conversation:
    """Alice's alone, at epoch 0 and position 0."""
    return alice.begins()


@dataclass(frozen=True)
class Shown:
    """What a caller shows, and how it ends as the product has it end."""

    caller: Caller
    end: Callable[[], None]


def issued(member: Member) -> DeviceToken:
    scopes = tuple(Scope)
    return issue_token(device=member.device, name="script", scopes=scopes, expires_in_days=1)[0]


def logged_in(member: Member) -> SessionStore:
    """A browser's session that is bound to the device."""
    store = SessionStore()
    store[SESSION_KEY] = str(member.person.pk)
    store[BACKEND_SESSION_KEY] = django_settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = member.person.get_session_auth_hash()
    store[DEVICE_KEY] = str(member.device.pk)
    store.save()
    return store


def by_session(member: Member, store: SessionStore) -> Caller:
    digest, auth_hash = digest_of(store.session_key or ""), store[HASH_SESSION_KEY]
    return replace(member.caller, session=BrowserSession(digest=digest, auth_hash=auth_hash))


def token_is_revoked(member: Member) -> Shown:
    token = issued(member)
    return Shown(replace(member.caller, token=token), lambda: revoke_token(token=token))


def token_expires(member: Member) -> Shown:
    token = issued(member)
    made, now = timezone.now() - timedelta(days=1), timezone.now()
    row = DeviceToken.objects.filter(pk=token.pk)
    return Shown(
        replace(member.caller, token=token),
        lambda: expect(row.update(created_at=made, expires_at=now)),
    )


def session_logs_out(member: Member) -> Shown:
    store = logged_in(member)
    return Shown(by_session(member, store), store.flush)


def password_changes(member: Member) -> Shown:
    def change() -> None:
        with transaction.atomic():  # as the view does it
            hold_devices(Device.objects.filter(person=member.person))
            member.person.set_password("another long sentence")
            member.person.save()

    return Shown(by_session(member, logged_in(member)), change)


def codes_are_reset(member: Member) -> Shown:
    caller = by_session(member, logged_in(member))
    return Shown(caller, lambda: reset_codes(person=member.person))


def expect(rows: int) -> None:
    assert rows == 1


BY_SOMEBODY = [token_is_revoked, session_logs_out, password_changes, codes_are_reset]
T = TypeVar("T")
by_somebody = pytest.mark.parametrize("shown", BY_SOMEBODY)
in_any_way = pytest.mark.parametrize("shown", [*BY_SOMEBODY, token_expires])


def to_send(caller: Caller, conversation: Conversation, epoch: int = 0) -> Send:
    return message_to_send(
        caller=caller,
        conversation_id=conversation.pk,
        message_id=uuid4(),
        ciphertext=message(conversation.pk, epoch),
    )


def test_a_token_goes_on_when_its_owner_changes_the_password(
    alice: Member, conversation: Conversation
) -> None:
    by_token = replace(alice.caller, token=issued(alice))
    password_changes(alice).end()

    (outcome,) = run_batch([to_send(by_token, conversation)])

    assert outcome == Placed(1, is_new=True)


@in_any_way
def test_nothing_is_stored_for_it_and_all_else_is(
    alice: Member, conversation: Conversation, shown: Callable[[Member], Shown]
) -> None:
    hers = shown(alice)
    (before,) = run_batch([to_send(hers.caller, conversation)])
    hers.end()

    outcomes = run_batch(
        [
            to_send(hers.caller, conversation),
            Mark(caller=hers.caller, conversation_id=conversation.pk, position=1),
            to_send(alice.caller, conversation),
            to_send(token_is_revoked(alice).caller, conversation),
        ]
    )

    assert before == Placed(1, is_new=True)
    assert [type(outcome) for outcome in outcomes[:2]] == [NotAuthenticated, NotAuthenticated]
    assert outcomes[2:] == [Placed(2, is_new=True), Placed(3, is_new=True)]


@by_somebody
def test_what_waits_for_the_end_is_refused_after_it(
    alice: Member, conversation: Conversation, shown: Callable[[Member], Shown]
) -> None:
    hers = shown(alice)
    send = to_send(hers.caller, conversation)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hers.end()
            waiting: Future[list[Outcome]] = pool.submit(elsewhere, lambda: run_batch([send]))
            waited = is_still_waiting(waiting)
        (outcome,) = waiting.result()

    assert waited
    assert isinstance(outcome, NotAuthenticated)
    assert not Entry.objects.exists()


@by_somebody
def test_the_end_waits_for_what_is_being_stored(
    alice: Member, conversation: Conversation, shown: Callable[[Member], Shown]
) -> None:
    hers = shown(alice)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            (outcome,) = run_batch([to_send(hers.caller, conversation)])
            ending = pool.submit(elsewhere, hers.end)
            waited = is_still_waiting(ending)
        ending.result()

    assert waited
    assert outcome == Placed(1, is_new=True)


def elsewhere(act: Callable[[], T]) -> T:
    try:
        return act()
    finally:
        connection.close()


def is_still_waiting(future: Future[Any]) -> bool:
    time.sleep(0.3)
    return not future.done()


@by_somebody
def test_its_commits_and_proposals_are_refused_as_well(
    alice: Member, conversation: Conversation, shown: Callable[[Member], Shown]
) -> None:
    hers = shown(alice)
    pending = alice.prepares(conversation)
    hers.end()

    with pytest.raises(NotAuthenticated):
        submit_commit(caller=hers.caller, submission=submission_of(conversation.pk, pending))
    with pytest.raises(NotAuthenticated):
        submit_proposal(
            caller=hers.caller,
            conversation_id=conversation.pk,
            message_id=uuid4(),
            proposal=alice.proposes_to_leave(conversation),
        )

    assert not Entry.objects.exists()
    assert alice.submits(conversation, pending).position == 1


async def test_a_socket_that_was_not_closed_yet_is_refused_and_closed(
    alice: Member, conversation: Conversation
) -> None:
    token = await in_thread(issued)(alice)
    command = SendMessage(
        request_id=1,
        conversation_id=conversation.pk,
        message_id=uuid4(),
        ciphertext=message(conversation.pk, 0),
    )

    async with connected(alice, token=token) as socket:
        revoked = DeviceToken.objects.filter(pk=token.pk)
        await in_thread(revoked.update)(revoked_at=timezone.now())  # nobody has rung yet
        await socket.send(command)
        code = await socket.close_code()

    assert code == CloseCode.NOT_AUTHENTICATED
    assert await in_thread(Entry.objects.count)() == 0
