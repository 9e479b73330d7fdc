"""Conversations: how they begin, and who can tell that they exist."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from messaging.access import conversation_for, conversation_in_full, log_for
from messaging.errors import (
    CipherSuiteNotAllowed,
    ConversationIdTaken,
    ConversationNotFound,
    DirectConversationExists,
    GroupInfoInvalid,
    PersonNotFound,
    PersonNotSuitable,
)
from messaging.models import Conversation, Entry, Membership
from messaging.services.conversations import (
    ABANDONED_AFTER,
    Created,
    create_conversation,
)
from securechat_sdk.identity import group_extensions, server_sender
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.group.commit import CommitPlan
from securechat_sdk.mls.group.commit import commit as make_commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.tree.hashes import tree_hash
from tests.messaging.people import Member, enrol, policy


def test_a_conversation_begins_with_its_creator_alone(alice: Member) -> None:
    created = create_conversation(device=alice.device, wanted=alice.wants())

    shown = conversation_in_full(alice.device, created.conversation.pk)
    assert created.is_new
    assert (shown.epoch, shown.last_position) == (0, 0)
    assert [member.device_id for member in shown.memberships.all()] == [alice.device.pk]


def test_creating_it_again_changes_nothing(alice: Member, bob: Member) -> None:
    for wanted in (alice.wants(), alice.wants(direct_with=bob)):
        first = create_conversation(device=alice.device, wanted=wanted)
        again = create_conversation(device=alice.device, wanted=wanted)

        assert again == Created(first.conversation, is_new=False)
        assert Membership.objects.filter(conversation=wanted.id).count() == 1


def test_an_id_that_is_taken_is_refused(alice: Member, bob: Member) -> None:
    wanted = alice.wants()
    create_conversation(device=alice.device, wanted=wanted)

    for device, other in (
        (bob.device, bob.wants(conversation_id=wanted.id)),
        (alice.device, alice.wants(conversation_id=wanted.id)),
        (alice.device, alice.wants(conversation_id=wanted.id, direct_with=bob)),
    ):
        with pytest.raises(ConversationIdTaken):
            create_conversation(device=device, wanted=other)


def test_a_pair_has_one_direct_conversation_whoever_asks(alice: Member, bob: Member) -> None:
    first = alice.begins(direct_with=bob)
    alice.adds(first, bob)

    for asking, other in ((alice, bob), (bob, alice)):
        with pytest.raises(DirectConversationExists) as refused:
            create_conversation(device=asking.device, wanted=asking.wants(direct_with=other))
        assert refused.value.facts == {"conversation_id": str(first.pk)}


def test_a_direct_conversation_that_never_began_gives_way(alice: Member, bob: Member) -> None:
    abandoned = alice.begins(direct_with=bob)
    with pytest.raises(DirectConversationExists):
        create_conversation(device=bob.device, wanted=bob.wants(direct_with=alice))
    Conversation.objects.update(created_at=abandoned.created_at - ABANDONED_AFTER - timedelta(1))

    second = create_conversation(device=bob.device, wanted=bob.wants(direct_with=alice))

    assert second.is_new
    with pytest.raises(ConversationNotFound):
        conversation_for(alice.device, abandoned.pk)


def test_the_creator_may_begin_anew_at_once(alice: Member, bob: Member) -> None:
    create_conversation(device=alice.device, wanted=alice.wants(direct_with=bob))

    assert create_conversation(device=alice.device, wanted=alice.wants(direct_with=bob)).is_new


def test_who_is_named_must_fit_the_kind(alice: Member, bob: Member) -> None:
    for wanted in (
        replace(alice.wants(), person_id=bob.person.pk),
        replace(alice.wants(direct_with=bob), person_id=None),
        alice.wants(direct_with=alice),
    ):
        with pytest.raises(PersonNotSuitable):
            create_conversation(device=alice.device, wanted=wanted)
    with pytest.raises(PersonNotFound):
        create_conversation(
            device=alice.device,
            wanted=replace(alice.wants(direct_with=bob), person_id=uuid4()),
        )


def test_conversations_begin_with_the_organisations_suite_alone(
    alice: Member, settings: Settings
) -> None:
    hybrid, classical = alice.wants(), enrol("old", suite=1)
    other = classical.wants()

    with pytest.raises(CipherSuiteNotAllowed):
        create_conversation(device=classical.device, wanted=other)
    settings.CONFIG = settings.CONFIG.model_copy(update={"cipher_suite": 1})
    with pytest.raises(CipherSuiteNotAllowed):
        create_conversation(device=alice.device, wanted=hybrid)
    assert create_conversation(device=classical.device, wanted=other).is_new


def with_another(group: Group, member: Member) -> Group:
    """Return a group that has two members from the start, which no engine makes."""
    edit = group.tree.edit()
    edit.add(member.own_key_package().package.leaf_node)
    tree = edit.finish()
    context = replace(group.context, tree_hash=tree_hash(tree))
    return replace(group, public=replace(group.public, context=context, tree=tree))


def test_a_group_begins_with_its_creator_and_this_server(alice: Member, bob: Member) -> None:
    good, other = alice.wants(), bob.wants()
    started = alice.groups[good.id]
    alone = create_group(alice.own_key_package(), good.id.bytes, policy())
    foreign = group_extensions(server_sender(ED25519.public_key_of(ED25519.generate())))
    judged = replace(policy(), judge=lambda _claim: None)
    listed = create_group(alice.own_key_package(), good.id.bytes, judged, foreign)
    later = make_commit(started, CommitPlan(), policy()).group

    for unfit in (
        b"\0",
        good.group_info[:-1],
        other.group_info,
        *(
            MLSMessage.of(group_info).encode()
            for group_info in (
                started.group_info(with_tree=False),
                alone.group_info(with_tree=True),
                listed.group_info(with_tree=True),
                later.group_info(with_tree=True),
                with_another(started, bob).group_info(with_tree=True),
                replace(started.group_info(with_tree=True), signature=b"\0" * 64),
            )
        ),
    ):
        with pytest.raises(GroupInfoInvalid):
            create_conversation(device=alice.device, wanted=replace(good, group_info=unfit))
    with pytest.raises(GroupInfoInvalid):
        create_conversation(device=bob.device, wanted=good)
    assert not Conversation.objects.exists()
    assert create_conversation(device=alice.device, wanted=good).is_new


def test_an_outsider_cannot_tell_that_a_conversation_exists(alice: Member, bob: Member) -> None:
    hidden = alice.begins().pk

    refusals = []
    for conversation_id in (hidden, uuid4()):
        for look in (conversation_for, conversation_in_full, log_for):
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
            conversation=conversation,
            device=alice.device,
            joined_position=0,
            delivered_position=0,
            leaf_index=1,
        ),
        Membership(
            conversation=conversation,
            device=bob.device,
            joined_position=2,
            delivered_position=1,
            leaf_index=1,
        ),
        Membership(
            conversation=conversation,
            device=bob.device,
            joined_position=0,
            delivered_position=0,
            leaf_index=0,
        ),
        replace_fields(entry, position=2, sender=None, kind="message"),
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
            create_conversation(device=pair[0].device, wanted=pair[0].wants(direct_with=pair[1]))
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
