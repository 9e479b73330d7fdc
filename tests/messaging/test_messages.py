"""The log: places without gaps, each message once, and marks that only move forward."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import DeviceRevoked
from messaging.access import log_for
from messaging.errors import (
    ConversationNotFound,
    MessageIdReused,
    MessageInvalid,
    PositionAhead,
    StaleEpoch,
)
from messaging.models import Conversation, Entry, Membership
from messaging.services.deliveries import mark_delivered
from messaging.services.log import Placed
from tests.messaging.people import Member, encoded, enrol, message


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """Alice's and Bob's, at epoch 1 and position 1."""
    begun = alice.begins(direct_with=bob)
    alice.adds(begun, bob)
    return begun


def positions_read_by(member: Member, conversation: Conversation) -> list[int]:
    log = log_for(member.device, conversation.pk)
    return [entry.position for entry in log.entries]


def test_messages_take_the_next_places(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    placed = [alice.says(conversation), bob.says(conversation), alice.says(conversation)]

    assert [one.position for one in placed] == [2, 3, 4]


def test_what_was_sent_is_what_is_read(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    ciphertext = message(conversation.pk, 1)

    placed = alice.says(conversation, ciphertext)

    entry = log_for(bob.device, conversation.pk).entries.get(position=placed.position)
    assert bytes(entry.data) == ciphertext
    assert (entry.kind, entry.epoch, entry.sender_id) == ("message", 1, alice.device.pk)


def test_nobody_reads_what_came_before_they_joined(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    group = alice.begins()
    alice.says(group, epoch=0)
    alice.adds(group, carol)
    alice.says(group)

    assert positions_read_by(alice, group) == [1, 2, 3]
    assert positions_read_by(carol, group) == [3]


def test_the_same_message_again_has_the_same_place(
    alice: Member, conversation: Conversation
) -> None:
    message_id, ciphertext = uuid4(), message(conversation.pk, 1)

    first = alice.says(conversation, ciphertext, message_id=message_id)
    again = alice.says(conversation, ciphertext, message_id=message_id)

    assert (first, again) == (Placed(2, is_new=True), Placed(2, is_new=False))


def test_it_has_the_same_place_also_after_the_epoch_moved_on(
    alice: Member, conversation: Conversation
) -> None:
    message_id, ciphertext = uuid4(), message(conversation.pk, 1)
    first = alice.says(conversation, ciphertext, message_id=message_id)
    Conversation.objects.update(epoch=2)

    again = alice.says(conversation, ciphertext, message_id=message_id)

    assert again.position == first.position


def test_a_message_id_is_used_for_one_thing(alice: Member, conversation: Conversation) -> None:
    message_id, ciphertext = uuid4(), message(conversation.pk, 1)
    elsewhere = alice.begins()
    alice.says(conversation, ciphertext, message_id=message_id)

    with pytest.raises(MessageIdReused):
        alice.says(conversation, message(conversation.pk, 1), message_id=message_id)
    with pytest.raises(MessageIdReused):
        alice.says(elsewhere, message(elsewhere.pk, 0), message_id=message_id)
    assert Entry.objects.filter(message_id=message_id).count() == 1


def test_two_devices_may_choose_the_same_message_id(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    message_id = uuid4()

    placed = [member.says(conversation, message_id=message_id).position for member in (alice, bob)]

    assert placed == [2, 3]


def test_a_message_of_another_epoch_is_refused(alice: Member, conversation: Conversation) -> None:
    for epoch in (0, 2, 2**63):
        with pytest.raises(StaleEpoch) as refused:
            alice.says(conversation, epoch=epoch)
        assert refused.value.facts == {"epoch": 1}


def test_bytes_that_are_no_message_of_this_conversation_are_refused(
    alice: Member, conversation: Conversation
) -> None:
    right = message(conversation.pk, 1)

    for data in (
        b"\0",
        os.urandom(200),
        right[:-1],
        right + b"\0",
        message(uuid4(), 1),
        alice.prepares(conversation).message.encode(),
        encoded(alice.key_package()),
        right.replace(b"\0\1\1", b"\0\1\3", 1),
    ):
        with pytest.raises(MessageInvalid):
            alice.says(conversation, data)
    assert positions_read_by(alice, conversation) == [1]


def test_an_outsider_cannot_send(carol: Member, conversation: Conversation) -> None:
    with pytest.raises(ConversationNotFound):
        carol.says(conversation)


def test_nothing_is_accepted_from_a_revoked_device(
    alice: Member, conversation: Conversation
) -> None:
    alice.says(conversation)
    alice.device.revoked_at = timezone.now()
    alice.device.save()

    with pytest.raises(DeviceRevoked):
        alice.says(conversation)
    assert Entry.objects.count() == 2


def test_nothing_is_accepted_from_somebody_who_was_deactivated(
    alice: Member, conversation: Conversation
) -> None:
    alice.person.is_active = False
    alice.person.save()

    with pytest.raises(DeviceRevoked):
        alice.says(conversation)


def test_marks_move_forward_only(alice: Member, bob: Member, conversation: Conversation) -> None:
    for _ in range(3):
        alice.says(conversation)

    marks = [
        mark_delivered(caller=bob.caller, conversation_id=conversation.pk, position=position)
        for position in (3, 2, 3, 4, 0)
    ]

    assert marks == [3, 3, 3, 4, 4]
    assert Membership.objects.get(device=bob.device).delivered_position == 4


def test_a_mark_is_not_set_beyond_the_log(bob: Member, conversation: Conversation) -> None:
    with pytest.raises(PositionAhead) as refused:
        mark_delivered(caller=bob.caller, conversation_id=conversation.pk, position=2)

    assert refused.value.facts == {"last_position": 1}


def test_an_outsider_cannot_set_a_mark(carol: Member, conversation: Conversation) -> None:
    with pytest.raises(ConversationNotFound):
        mark_delivered(caller=carol.caller, conversation_id=conversation.pk, position=0)


@pytest.mark.django_db(transaction=True)
def test_positions_have_no_gaps_whoever_sends_at_the_same_time() -> None:
    members = [enrol("member") for _ in range(6)]
    conversation = members[0].begins()
    members[0].adds(conversation, *members[1:])

    def send(member: Member) -> list[int]:
        try:
            return [member.says(conversation).position for _ in range(20)]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(members)) as pool:
        answered = [position for some in pool.map(send, members) for position in some]

    stored = list(Entry.objects.order_by("position").values_list("position", flat=True))
    assert sorted(answered) == list(range(2, 122))
    assert stored == list(range(1, 122))
    assert Conversation.objects.get().last_position == 121


@pytest.mark.django_db(transaction=True)
def test_the_same_id_at_the_same_time_takes_one_place() -> None:
    alice = enrol("alice")
    conversation = alice.begins()
    message_id, ciphertext = uuid4(), message(conversation.pk, 0)

    def send(_: int) -> Placed:
        try:
            return alice.says(conversation, ciphertext, message_id=message_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(send, range(8)))

    assert {one.position for one in placed} == {1}
    assert [one.is_new for one in placed].count(True) == 1
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_device_is_not_revoked_between_its_check_and_its_message() -> None:
    alice = enrol("alice")
    conversation = alice.begins()

    def send_until_refused(_: int) -> UUID:
        last = uuid4()
        try:
            while True:
                last = uuid4()
                alice.says(conversation, epoch=0, message_id=last)
        except DeviceRevoked:
            return last
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        senders = [pool.submit(send_until_refused, index) for index in range(2)]
        while Entry.objects.count() < 20:
            time.sleep(0.01)
        alice.device.revoked_at = timezone.now()
        alice.device.save()
        count_when_revoked = Entry.objects.count()
        refused = [sender.result() for sender in senders]

    assert Entry.objects.count() == count_when_revoked
    assert not Entry.objects.filter(message_id__in=refused).exists()
