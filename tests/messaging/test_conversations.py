"""Conversations: how they begin, and who can tell that they exist."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from messaging.access import conversation_for, conversation_in_full, membership_for
from messaging.errors import (
    CipherSuiteNotAllowed,
    ConversationIdTaken,
    ConversationNotFound,
    DirectConversationExists,
    PersonNotFound,
    PersonNotSuitable,
)
from messaging.models import Conversation, Entry, Membership
from messaging.services.conversations import (
    ABANDONED_AFTER,
    Created,
    NewConversation,
    create_conversation,
)
from tests.messaging.people import SUITE, Member, enrol


def direct_with(other: Member) -> NewConversation:
    return NewConversation(
        id=uuid4(), kind=Conversation.Kind.DIRECT, cipher_suite=SUITE, person_id=other.person.pk
    )


def group() -> NewConversation:
    return NewConversation(
        id=uuid4(), kind=Conversation.Kind.GROUP, cipher_suite=SUITE, person_id=None
    )


def test_a_conversation_begins_with_its_creator_alone(alice: Member) -> None:
    created = create_conversation(device=alice.device, wanted=group())

    shown = conversation_in_full(alice.device, created.conversation.pk)
    assert created.is_new
    assert (shown.epoch, shown.last_position) == (0, 0)
    assert [member.device_id for member in shown.memberships.all()] == [alice.device.pk]


def test_creating_it_again_changes_nothing(alice: Member, bob: Member) -> None:
    for wanted in (group(), direct_with(bob)):
        first = create_conversation(device=alice.device, wanted=wanted)
        again = create_conversation(device=alice.device, wanted=wanted)

        assert again == Created(first.conversation, is_new=False)
        assert Membership.objects.filter(conversation=wanted.id).count() == 1


def test_an_id_that_is_taken_is_refused(alice: Member, bob: Member) -> None:
    wanted = group()
    create_conversation(device=alice.device, wanted=wanted)

    for device, other in (
        (bob.device, wanted),
        (alice.device, replace(direct_with(bob), id=wanted.id)),
    ):
        with pytest.raises(ConversationIdTaken):
            create_conversation(device=device, wanted=other)


def test_a_pair_has_one_direct_conversation_whoever_asks(alice: Member, bob: Member) -> None:
    first = alice.begins(direct_with=bob)
    alice.adds(first, bob)

    for asking, other in ((alice, bob), (bob, alice)):
        with pytest.raises(DirectConversationExists) as refused:
            create_conversation(device=asking.device, wanted=direct_with(other))
        assert refused.value.facts == {"conversation_id": str(first.pk)}


def test_a_direct_conversation_that_never_began_gives_way(alice: Member, bob: Member) -> None:
    abandoned = alice.begins(direct_with=bob)
    with pytest.raises(DirectConversationExists):
        create_conversation(device=bob.device, wanted=direct_with(alice))
    Conversation.objects.update(created_at=abandoned.created_at - ABANDONED_AFTER - timedelta(1))

    second = create_conversation(device=bob.device, wanted=direct_with(alice))

    assert second.is_new
    with pytest.raises(ConversationNotFound):
        conversation_for(alice.device, abandoned.pk)


def test_the_creator_may_begin_anew_at_once(alice: Member, bob: Member) -> None:
    create_conversation(device=alice.device, wanted=direct_with(bob))

    assert create_conversation(device=alice.device, wanted=direct_with(bob)).is_new


def test_who_is_named_must_fit_the_kind(alice: Member, bob: Member) -> None:
    for wanted in (
        replace(group(), person_id=bob.person.pk),
        replace(direct_with(bob), person_id=None),
        direct_with(alice),
    ):
        with pytest.raises(PersonNotSuitable):
            create_conversation(device=alice.device, wanted=wanted)
    with pytest.raises(PersonNotFound):
        create_conversation(
            device=alice.device, wanted=replace(direct_with(bob), person_id=uuid4())
        )


def test_only_allowed_suites_are_accepted(alice: Member) -> None:
    for suite in (0, 2, 7, 0xF04E):
        with pytest.raises(CipherSuiteNotAllowed):
            create_conversation(device=alice.device, wanted=replace(group(), cipher_suite=suite))


def test_an_outsider_cannot_tell_that_a_conversation_exists(alice: Member, bob: Member) -> None:
    hidden = alice.begins().pk

    refusals = []
    for conversation_id in (hidden, uuid4()):
        for look in (conversation_for, conversation_in_full, membership_for):
            with pytest.raises(ConversationNotFound) as refused:
                look(bob.device, conversation_id)
            refusals.append((refused.value.code, refused.value.detail, refused.value.facts))

    assert len(set(map(str, refusals))) == 1
    assert conversation_for(alice.device, hidden).pk == hidden


def test_the_database_itself_refuses_what_can_never_be(alice: Member, bob: Member) -> None:
    conversation = alice.begins()
    entry = Entry(
        conversation=conversation,
        position=1,
        kind="commit",
        epoch=0,
        sender=alice.device,
        message_id=uuid4(),
        data=b"1",
    )
    entry.save()

    impossible = [
        replace_fields(entry, position=1, epoch=1),
        replace_fields(entry, position=2, epoch=0),
        replace_fields(entry, position=0, kind="message"),
        replace_fields(entry, position=2, epoch=1, message_id=entry.message_id),
        Membership(
            conversation=conversation, device=alice.device, joined_position=0, delivered_position=0
        ),
        Membership(
            conversation=conversation, device=bob.device, joined_position=2, delivered_position=1
        ),
        Conversation(id=uuid4(), kind="direct", cipher_suite=1, created_by=alice.device),
        Conversation(
            id=uuid4(),
            kind="group",
            cipher_suite=1,
            created_by=alice.device,
            first_person=alice.person,
        ),
    ]
    for row in impossible:
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)


def replace_fields(entry: Entry, **changes: object) -> Entry:
    fields = {
        "conversation": entry.conversation,
        "kind": entry.kind,
        "sender": entry.sender,
        "message_id": uuid4(),
        "data": b"1",
        "epoch": entry.epoch,
    }
    return Entry(**{**fields, **changes})


@pytest.mark.django_db(transaction=True)
def test_two_people_who_begin_at_the_same_time_get_one_conversation() -> None:
    alice, bob = enrol("alice"), enrol("bob")

    def begin(pair: tuple[Member, Member]) -> bool:
        try:
            create_conversation(device=pair[0].device, wanted=direct_with(pair[1]))
        except DirectConversationExists:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(begin, [(alice, bob), (bob, alice)]))

    assert sorted(outcomes) == [False, True]
    assert Conversation.objects.count() == 1
