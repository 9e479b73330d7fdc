"""Commits: one winner per epoch, and exactly the added devices are let in."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from messaging.errors import (
    AlreadyMember,
    CommitInvalid,
    ConversationNotFound,
    DirectIsFull,
    MessageIdReused,
    ProposalNotSupported,
    StaleEpoch,
    WelcomeMissing,
)
from messaging.models import Conversation, Entry, Membership, Welcome
from messaging.services.commits import submit_commit
from messaging.services.log import Placed
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Remove, Update
from securechat_sdk.mls.messages.welcome import Welcome as MLSWelcome
from tests.messaging.people import Member, commit, enrol, message, welcome


def submit(
    member: Member, conversation: Conversation, data: bytes, welcome_data: bytes | None = None
) -> Placed:
    return submit_commit(
        device=member.device,
        conversation_id=conversation.pk,
        message_id=uuid4(),
        commit=data,
        welcome=welcome_data,
    )


def unchanged(conversation: Conversation) -> bool:
    now = Conversation.objects.get(pk=conversation.pk)
    return (
        now.epoch == conversation.epoch
        and now.last_position == conversation.last_position
        and not Entry.objects.exists()
        and not Welcome.objects.exists()
        and Membership.objects.count() == 1
    )


def test_a_commit_moves_the_epoch_and_lets_in_exactly_the_added(
    alice: Member, bob: Member, carol: Member
) -> None:
    conversation = alice.begins()

    placed = alice.adds(conversation, bob, carol)

    conversation.refresh_from_db()
    members = Membership.objects.filter(conversation=conversation)
    assert placed == Placed(position=1, is_new=True)
    assert (conversation.epoch, conversation.last_position) == (1, 1)
    assert {(member.device_id, member.joined_position) for member in members} == {
        (alice.device.pk, 0),
        (bob.device.pk, 1),
        (carol.device.pk, 1),
    }


def test_each_added_device_gets_a_welcome_with_its_own_secrets_alone(
    alice: Member, bob: Member, carol: Member
) -> None:
    conversation = alice.begins()
    packages = {bob: bob.key_package(), carol: carol.key_package()}
    whole = welcome(*packages.values())
    submit(alice, conversation, commit(conversation.pk, 0, *map(Add, packages.values())), whole)

    sent = MLSMessage.decode(whole).body
    assert isinstance(sent, MLSWelcome)
    for (member, package), secrets in zip(packages.items(), sent.secrets, strict=True):
        row = Welcome.objects.get(device=member.device)
        got = MLSMessage.decode(bytes(row.data)).body
        assert isinstance(got, MLSWelcome)
        assert got.secrets == (secrets,)
        assert secrets.new_member == package.reference
        assert got.encrypted_group_info == sent.encrypted_group_info
        assert (row.position, row.epoch) == (1, 1)


def test_a_commit_with_a_new_leaf_of_its_sender_is_accepted(alice: Member) -> None:
    conversation = alice.begins()

    placed = submit(
        alice, conversation, commit(conversation.pk, 0, path=alice.new_path(conversation.pk))
    )

    assert placed.position == 1


def test_a_new_leaf_of_somebody_else_or_for_another_place_is_refused(
    alice: Member, bob: Member
) -> None:
    conversation = alice.begins()

    for path in (
        bob.new_path(conversation.pk),
        alice.new_path(conversation.pk, leaf_index=1),
        alice.new_path(uuid4()),
    ):
        with pytest.raises(CommitInvalid):
            submit(alice, conversation, commit(conversation.pk, 0, path=path))
    assert unchanged(conversation)


def test_the_same_commit_again_has_the_same_answer(alice: Member, bob: Member) -> None:
    conversation = alice.begins()
    package, message_id = bob.key_package(), uuid4()
    once = {
        "device": alice.device,
        "conversation_id": conversation.pk,
        "message_id": message_id,
        "commit": commit(conversation.pk, 0, Add(package)),
        "welcome": welcome(package),
    }

    first, again = submit_commit(**once), submit_commit(**once)  # type: ignore[arg-type]
    with pytest.raises(MessageIdReused):
        submit_commit(**{**once, "commit": commit(conversation.pk, 1, Add(package))})  # type: ignore[arg-type]

    assert (first, again) == (Placed(1, is_new=True), Placed(1, is_new=False))
    assert Welcome.objects.count() == 1


def test_a_commit_for_another_epoch_is_refused_and_told_the_current_one(
    alice: Member, bob: Member
) -> None:
    conversation = alice.begins()

    with pytest.raises(StaleEpoch) as refused:
        alice.adds(conversation, bob, epoch=1)

    assert refused.value.facts == {"epoch": 0}
    assert unchanged(conversation)


def test_a_welcome_that_does_not_fit_the_additions_is_refused(
    alice: Member, bob: Member, carol: Member
) -> None:
    conversation = alice.begins()
    package, other = bob.key_package(), carol.key_package()
    adding_bob = commit(conversation.pk, 0, Add(package))

    for unfit in (
        None,
        b"",
        b"\0\1\2",
        message(conversation.pk, 0),
        welcome(other),
        welcome(package, other),
        welcome(package, package),
        welcome(package) + b"\0",
    ):
        with pytest.raises(WelcomeMissing):
            submit(alice, conversation, adding_bob, unfit)
    with pytest.raises(WelcomeMissing):
        submit(
            alice,
            conversation,
            commit(conversation.pk, 0, path=alice.new_path(conversation.pk)),
            welcome(package),
        )
    assert unchanged(conversation)


def test_a_key_package_that_names_no_device_here_is_refused(alice: Member, bob: Member) -> None:
    conversation = alice.begins()
    stranger = enrol("stranger")
    package = stranger.key_package()
    stranger.device.delete()
    revoked = bob.key_package()
    bob.device.revoked_at = timezone.now()
    bob.device.save()

    for added in (package, revoked):
        with pytest.raises(CommitInvalid):
            submit(alice, conversation, commit(conversation.pk, 0, Add(added)), welcome(added))
    assert unchanged(conversation)


def test_a_key_package_that_does_not_verify_is_refused(alice: Member, bob: Member) -> None:
    conversation = alice.begins()
    good = bob.key_package()
    forged = UncheckedKeyPackage(**{**vars(good), "signature": b"\0" * 64})

    with pytest.raises(CommitInvalid):
        submit(alice, conversation, commit(conversation.pk, 0, Add(forged)), welcome(forged))
    assert unchanged(conversation)


def test_nobody_is_added_twice(alice: Member, bob: Member) -> None:
    conversation = alice.begins()
    first, second = bob.key_package(), bob.key_package()

    with pytest.raises(CommitInvalid):
        submit(
            alice,
            conversation,
            commit(conversation.pk, 0, Add(first), Add(second)),
            welcome(first, second),
        )
    assert unchanged(conversation)
    alice.adds(conversation, bob)
    with pytest.raises(AlreadyMember):
        alice.adds(conversation, bob, epoch=1)
    with pytest.raises(AlreadyMember):
        bob.adds(conversation, alice, epoch=1)


def test_a_direct_conversation_is_for_two_people(alice: Member, bob: Member, carol: Member) -> None:
    conversation = alice.begins(direct_with=bob)

    with pytest.raises(DirectIsFull):
        alice.adds(conversation, carol)
    alice.adds(conversation, bob)
    with pytest.raises(DirectIsFull):
        bob.adds(conversation, carol, epoch=1)


def test_other_proposals_are_refused_in_this_version(alice: Member, bob: Member) -> None:
    conversation = alice.begins()
    leaf = bob.new_path(conversation.pk).leaf_node

    for proposal in (Remove(LeafIndex(0)), Update(leaf)):
        with pytest.raises(ProposalNotSupported):
            submit(
                alice,
                conversation,
                commit(conversation.pk, 0, proposal, path=alice.new_path(conversation.pk)),
            )
    assert unchanged(conversation)


def test_bytes_that_are_no_commit_of_this_conversation_are_refused(alice: Member) -> None:
    conversation = alice.begins()
    right = commit(conversation.pk, 0, path=alice.new_path(conversation.pk))

    for data in (
        b"",
        b"\0",
        right[:-1],
        right + b"\0",
        message(conversation.pk, 0),
        commit(conversation.pk, 0),
        commit(uuid4(), 0, path=alice.new_path(conversation.pk)),
    ):
        with pytest.raises(CommitInvalid):
            submit(alice, conversation, data)
    assert unchanged(conversation)


def test_an_outsider_cannot_commit(alice: Member, bob: Member) -> None:
    conversation = alice.begins()

    with pytest.raises(ConversationNotFound):
        bob.adds(conversation, bob)
    assert unchanged(conversation)


@pytest.mark.django_db(transaction=True)
def test_of_all_who_commit_in_an_epoch_one_wins_and_its_welcome_alone_is_released() -> None:
    members = [enrol("member") for _ in range(6)]
    joiners = [enrol("joiner") for _ in members]
    conversation = members[0].begins()
    members[0].adds(conversation, *members[1:])
    Welcome.objects.all().delete()

    def race(pair: tuple[Member, Member]) -> int | None:
        try:
            return pair[0].adds(conversation, pair[1], epoch=1).position
        except StaleEpoch:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(len(members)) as pool:
        outcomes = list(pool.map(race, zip(members, joiners, strict=True)))

    winner = joiners[next(index for index, won in enumerate(outcomes) if won)]
    assert sorted(outcomes, key=str) == [2] + [None] * 5
    assert [row.device_id for row in Welcome.objects.all()] == [winner.device.pk]
    assert Conversation.objects.get().epoch == 2
