"""The socket: who gets in, what is answered, and what everybody else sees."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.events import password_changed
from accounts.models import DeviceToken, Scope
from accounts.services.devices import revoke_device
from accounts.services.logins import DEVICE_KEY
from accounts.services.tokens import issue_token, revoke_token
from accounts.session_store import SessionStore
from messaging import hub as hubs
from messaging.models import Conversation, Entry
from messaging.routing import websocket_application
from messaging.services.key_packages import claim_key_packages
from securechat_sdk.wire.frames import (
    MAX_FRAME_BYTES,
    Accepted,
    CloseCode,
    DeliveryAdvanced,
    EntryAppended,
    KeyPackagesLow,
    Ready,
    Refused,
    SendMessage,
    SubmitCommit,
    SubmitProposal,
    WelcomeArrived,
)
from tests.messaging.people import Member, enrol, message, submission_of
from tests.messaging.sockets import LiveSocket, connected, in_thread, ticket_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """Alice's and Bob's, at epoch 1 and position 1."""
    begun = alice.begins(direct_with=bob)
    alice.adds(begun, bob)
    return begun


async def test_a_message_arrives_at_every_member_device_the_senders_own_included(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(alice) as hers, connected(bob) as his:
        ciphertext = message(conversation.pk, 1)
        command = SendMessage(
            request_id=7,
            conversation_id=conversation.pk,
            message_id=uuid4(),
            ciphertext=ciphertext,
        )

        answer = await hers.ask(command)
        arrived = [await socket.wait_for(EntryAppended) for socket in (hers, his)]

    assert answer == Accepted(request_id=7, position=2)
    assert arrived[0] == arrived[1]
    assert (arrived[0].position, arrived[0].data) == (2, ciphertext)
    assert arrived[0].sender_device_id == alice.device.pk
    assert arrived[0].message_id == command.message_id


async def test_answers_come_in_the_order_of_the_commands(
    alice: Member, conversation: Conversation
) -> None:
    async with connected(alice) as socket:
        for request_id in range(1, 11):
            await socket.send(
                SendMessage(
                    request_id=request_id,
                    conversation_id=conversation.pk,
                    message_id=uuid4(),
                    ciphertext=message(conversation.pk, 1),
                )
            )
        answers = [await socket.wait_for(Accepted) for _ in range(10)]

    assert [(one.request_id, one.position) for one in answers] == [
        (request_id, request_id + 1) for request_id in range(1, 11)
    ]


async def test_a_refused_command_changes_nothing_and_says_why(
    alice: Member, conversation: Conversation
) -> None:
    async with connected(alice) as socket:
        stale = await socket.say(conversation.pk, epoch=0)
        elsewhere = await socket.say(uuid4())
        good = await socket.say(conversation.pk)

    assert isinstance(stale, Refused)
    assert isinstance(elsewhere, Refused)
    assert (stale.request_id, stale.code, stale.facts) == (1, "stale_epoch", {"epoch": 1})
    assert (elsewhere.request_id, elsewhere.code) == (2, "not_found")
    assert good == Accepted(request_id=3, position=2)


async def test_an_outsider_gets_the_same_bytes_for_a_hidden_and_a_missing_conversation(
    conversation: Conversation,
) -> None:
    outsider = await in_thread(enrol)("outsider")

    async with connected(outsider) as socket:
        refusals = []
        for conversation_id in (conversation.pk, uuid4()):
            refused = await socket.mark(conversation_id, 0)
            assert isinstance(refused, Refused)
            refusals.append((refused.code, refused.detail, refused.facts))

    assert refusals[0] == refusals[1]


async def test_a_delivered_mark_is_told_to_the_others(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(alice) as hers, connected(bob) as his:
        await hers.say(conversation.pk)
        await his.wait_for(EntryAppended)

        await his.mark(conversation.pk, 2)
        told = await hers.wait_for(DeliveryAdvanced)

        await his.say(conversation.pk)
        await his.wait_for(EntryAppended)
    assert told == DeliveryAdvanced(
        conversation_id=conversation.pk, device_id=bob.device.pk, position=2
    )
    assert not any(isinstance(frame, DeliveryAdvanced) for frame in his.passed_over)


async def test_an_added_device_gets_its_welcome_and_then_what_follows(
    alice: Member, conversation: Conversation
) -> None:
    carol = await in_thread(enrol)("carol")

    async with connected(carol) as hers:
        begun = await in_thread(alice.begins)()
        await in_thread(alice.adds)(begun, carol)
        await in_thread(alice.says)(begun)
        first = await hers.wait_for(WelcomeArrived)
        before = list(hers.passed_over)
        following = await hers.wait_for(EntryAppended)

    assert not any(isinstance(frame, EntryAppended) for frame in before)
    assert (first.conversation_id, first.position, first.epoch) == (begun.pk, 1, 1)
    assert following.position == 2


async def test_commits_and_proposals_come_over_the_socket_too(alice: Member, bob: Member) -> None:
    group = await in_thread(alice.begins)()
    adding = await in_thread(alice.prepares_adding)(group, bob)
    made = submission_of(group.pk, adding)
    commit = SubmitCommit(
        request_id=1,
        conversation_id=group.pk,
        message_id=made.message_id,
        commit=made.commit,
        group_info=made.group_info,
        welcome=made.welcome,
    )

    async with connected(alice) as hers, connected(bob) as his:
        forged = await hers.ask(msgspec.structs.replace(commit, group_info=b"\0"))
        added = await hers.ask(commit)
        leave = SubmitProposal(
            request_id=1,
            conversation_id=group.pk,
            message_id=uuid4(),
            proposal=await in_thread(bob.proposes_to_leave)(group),
        )
        left = await his.ask(leave)
        again = await his.ask(leave)

    assert isinstance(forged, Refused)
    assert (forged.code, forged.facts) == ("commit_invalid", {"reason": "decode_error"})
    assert added == Accepted(request_id=1, position=1)
    assert left == again == Accepted(request_id=1, position=2)


async def test_a_device_whose_key_packages_run_low_is_told(alice: Member, bob: Member) -> None:
    await in_thread(bob.leaves_key_packages)(3)

    async with connected(bob) as socket:
        await in_thread(claim_key_packages)(device=alice.device, person_id=bob.person.pk)
        told = await socket.wait_for(KeyPackagesLow)

    assert told.available == 2


async def test_sockets_of_a_revoked_device_are_closed_within_two_seconds(
    alice: Member, bob: Member
) -> None:
    async with connected(alice) as hers, connected(bob) as his:
        alice.device.revoked_at = timezone.now()
        await in_thread(alice.device.save)()

        code = await hers.close_code(seconds=2)
        still_there = await his.communicator.receive_nothing(0.1)

    assert code == CloseCode.DEVICE_REVOKED
    assert still_there


async def test_the_owner_who_revokes_a_device_closes_its_sockets(alice: Member) -> None:
    async with connected(alice) as socket:
        await in_thread(revoke_device)(device=alice.device)

        code = await socket.close_code(seconds=2)

    assert code == CloseCode.DEVICE_REVOKED


async def reader_token(member: Member) -> DeviceToken:
    token, _ = await in_thread(issue_token)(
        device=member.device, name="reader", scopes=[Scope.MESSAGES_READ], expires_in_days=1
    )
    return token


async def test_the_sockets_of_a_revoked_token_are_closed_and_no_others(alice: Member) -> None:
    revoked, other = await reader_token(alice), await reader_token(alice)

    async with connected(alice, token=revoked) as hers, connected(alice, token=other) as still:
        await in_thread(revoke_token)(token=revoked)

        code = await hers.close_code(seconds=2)
        still_there = await still.communicator.receive_nothing(0.1)

    assert code == CloseCode.NOT_AUTHENTICATED
    assert still_there


def session_of(member: Member) -> SessionStore:
    """A browser's session that is logged in and bound to the device."""
    store = SessionStore()
    store[SESSION_KEY] = str(member.person.pk)
    store[BACKEND_SESSION_KEY] = django_settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = member.person.get_session_auth_hash()
    store[DEVICE_KEY] = str(member.device.pk)
    store.save()
    return store


@asynccontextmanager
async def browser_of(member: Member, session: SessionStore) -> AsyncIterator[LiveSocket]:
    headers = [
        (b"origin", b"http://localhost:8000"),
        (b"cookie", f"sessionid={session.session_key}".encode()),
    ]
    communicator = WebsocketCommunicator(websocket_application, "/ws/v1/", headers=headers)
    assert (await communicator.connect(20))[0]
    socket = LiveSocket(communicator)
    assert isinstance(await socket.read(), Ready)
    yield socket
    await communicator.disconnect()


def change_password(member: Member) -> None:
    with transaction.atomic():
        member.person.set_password("another long sentence")
        member.person.save()
        password_changed.send(
            sender=None, person=member.person, old_password=None, new_password=None
        )


@pytest.mark.parametrize("ends", ["log out", "change the password"])
async def test_the_sockets_of_a_session_that_ended_are_closed_and_no_others(
    alice: Member, bob: Member, monkeypatch: pytest.MonkeyPatch, settings: Settings, ends: str
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"second_factor_required": False})
    hers, his = await in_thread(session_of)(alice), await in_thread(session_of)(bob)

    async with browser_of(alice, hers) as socket, browser_of(bob, his) as still:
        await (in_thread(hers.flush)() if ends == "log out" else in_thread(change_password)(alice))
        code = await socket.close_code(seconds=2)
        still_there = await still.communicator.receive_nothing(0.1)

    assert code == CloseCode.NOT_AUTHENTICATED
    assert still_there


async def test_a_command_of_a_revoked_device_is_not_executed(
    alice: Member, conversation: Conversation
) -> None:
    async with connected(alice) as socket:
        alice.device.revoked_at = timezone.now()
        await in_thread(alice.device.save)()
        command = SendMessage(
            request_id=1,
            conversation_id=conversation.pk,
            message_id=uuid4(),
            ciphertext=message(conversation.pk, 1),
        )
        await socket.send(command)
        code = await socket.close_code()

    assert code == CloseCode.DEVICE_REVOKED
    assert await in_thread(Entry.objects.filter(message_id=command.message_id).count)() == 0


async def test_an_invalid_frame_is_refused_without_a_request_id(
    alice: Member, conversation: Conversation
) -> None:
    async with connected(alice) as socket:
        await socket.communicator.send_to(text_data='{"type": "send_message", "extra": 1}')
        refused = await socket.wait_for(Refused)
        good = await socket.say(conversation.pk)

    assert (refused.request_id, refused.code) == (None, "invalid_frame")
    assert isinstance(good, Accepted)


async def test_who_keeps_sending_invalid_frames_is_cut_off(alice: Member) -> None:
    async with connected(alice) as socket:
        for _ in range(3):
            await socket.communicator.send_to(text_data="not a frame")
        code = await socket.close_code()

    assert code == CloseCode.INVALID_FRAME


async def test_a_frame_that_is_too_large_closes_the_socket(alice: Member) -> None:
    async with connected(alice) as socket:
        await socket.communicator.send_to(text_data=" " * (MAX_FRAME_BYTES + 1))
        code = await socket.close_code()

    assert code == CloseCode.TOO_LARGE


async def refusal_of(path: str, headers: list[tuple[bytes, bytes]] | None = None) -> object:
    """Open a socket; return its close code, or None when the handshake itself is refused."""
    communicator = WebsocketCommunicator(websocket_application, path, headers=headers or [])
    was_accepted, _ = await communicator.connect()
    if not was_accepted:
        return None
    return await LiveSocket(communicator).close_code()


async def test_nobody_gets_in_without_session_or_ticket(settings: object) -> None:
    origin = (b"origin", b"http://localhost:8000")

    assert await refusal_of("/ws/v1/") == CloseCode.NOT_AUTHENTICATED
    assert await refusal_of("/ws/v1/?ticket=sck_nothing") == CloseCode.NOT_AUTHENTICATED
    assert await refusal_of("/ws/v1/?" + "a=b&" * 11) == CloseCode.NOT_AUTHENTICATED
    assert await refusal_of("/ws/v1/", [origin]) == CloseCode.NOT_AUTHENTICATED
    for cookie in (b"sessionid=nothing", b"\xff\xff", b"sessionid=", b"a b c;;;="):
        refused = await refusal_of("/ws/v1/", [origin, (b"cookie", cookie)])
        assert refused == CloseCode.NOT_AUTHENTICATED


@pytest.mark.parametrize(
    "origin",
    [
        b"http://localhost",
        b"https://localhost:8000",
        b"http://localhost:8001",
        b"http://localhost:8000.example",
        b"null",
        b"",
    ],
)
async def test_a_foreign_origin_is_refused_before_anything_else(
    alice: Member, origin: bytes
) -> None:
    ticket = await in_thread(ticket_for)(alice)

    assert await refusal_of(f"/ws/v1/?ticket={ticket}", [(b"origin", origin)]) is None


async def test_a_browser_does_not_get_in_with_a_ticket(alice: Member) -> None:
    ticket = await in_thread(ticket_for)(alice)
    origin = (b"origin", b"http://localhost:8000")

    refused = await refusal_of(f"/ws/v1/?ticket={ticket}", [origin])

    assert refused == CloseCode.NOT_AUTHENTICATED


async def test_a_ticket_opens_one_socket(alice: Member) -> None:
    ticket = await in_thread(ticket_for)(alice)
    communicator = WebsocketCommunicator(websocket_application, f"/ws/v1/?ticket={ticket}")
    assert (await communicator.connect())[0]
    await communicator.receive_from()

    again = await refusal_of(f"/ws/v1/?ticket={ticket}")
    await communicator.disconnect()

    assert again == CloseCode.NOT_AUTHENTICATED


async def test_an_address_that_is_none_is_refused() -> None:
    assert await refusal_of("/ws/v2/") is None
    assert await refusal_of("/") is None


async def test_a_token_that_may_only_read_cannot_send(
    alice: Member, conversation: Conversation
) -> None:
    now = timezone.now()
    token = await in_thread(DeviceToken.objects.create)(
        device=alice.device,
        name="reader",
        digest=b"0" * 32,
        scopes=[Scope.MESSAGES_READ],
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    ticket = await in_thread(ticket_for)(alice, token=token)
    communicator = WebsocketCommunicator(websocket_application, f"/ws/v1/?ticket={ticket}")
    assert (await communicator.connect())[0]
    socket = LiveSocket(communicator)

    sent, marked = await socket.say(conversation.pk), await socket.mark(conversation.pk, 1)
    await communicator.disconnect()

    assert isinstance(sent, Refused)
    assert sent.code == "scope_missing"
    assert isinstance(marked, Accepted)


async def test_one_socket_too_many_is_refused_and_the_others_stay(
    alice: Member, bob: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MOST_SOCKETS", 2)

    async with connected(bob) as first, connected(alice) as hers:
        async with connected(bob):
            ticket = await in_thread(ticket_for)(bob)
            one_more = WebsocketCommunicator(websocket_application, f"/ws/v1/?ticket={ticket}")
            await one_more.connect()
            refused = await one_more.receive_output()
        await hers.say(conversation.pk)
        heard = await first.wait_for(EntryAppended)
        async with connected(bob) as again:
            answered = await again.mark(conversation.pk, heard.position)

    assert refused == {"type": "websocket.close", "code": CloseCode.TOO_MANY_SOCKETS}
    assert isinstance(answered, Accepted)


async def test_two_sockets_of_one_device_hear_the_same(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    async with connected(bob) as one, connected(bob) as two:
        await in_thread(alice.says)(conversation)
        heard = await asyncio.gather(one.wait_for(EntryAppended), two.wait_for(EntryAppended))

    assert heard[0] == heard[1]
