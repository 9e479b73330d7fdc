"""Who leaves, is removed or revoked: proposed, committed before anything is said, and then gone."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from accounts.errors import DeviceRevoked
from accounts.services.devices import revoke_device
from accounts.services.people import deactivate_person
from messaging.access import log_for
from messaging.errors import (
    ConversationNotFound,
    DirectConversationExists,
    KeyPackageNotClaimed,
    ProposalInvalid,
    ProposalNotSupported,
    ProposalsPending,
    RemovalNotAllowed,
)
from messaging.models import (
    ClaimedKeyPackage,
    Conversation,
    Entry,
    KeyPackage,
    Membership,
    Welcome,
)
from messaging.services.log import Placed
from messaging.services.messages import message_to_send, place
from messaging.services.proposals import submit_proposal
from securechat_sdk.mls.group.commit import CommitPlan
from securechat_sdk.mls.group.commit import commit as make_commit
from securechat_sdk.mls.group.messages import propose
from securechat_sdk.mls.messages.framing import External, PublicMessage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove
from tests.messaging.people import (
    Member,
    enrol,
    leaf_of,
    message,
    policy,
    with_device,
)


@pytest.fixture
def conversation(alice: Member, bob: Member, carol: Member) -> Conversation:
    """A group of Alice, Bob and Carol at epoch 1 and position 1; all have joined."""
    begun = alice.begins()
    alice.adds(begun, bob, carol)
    for member in (bob, carol):
        member.joins(begun)
    return begun


def positions_read_by(member: Member, conversation: Conversation) -> list[int]:
    return [entry.position for entry in log_for(member.device, conversation.pk).entries]


def present(conversation: Conversation) -> set[object]:
    memberships = Membership.objects.filter(conversation=conversation, left_position=None)
    return set(memberships.values_list("device", flat=True))


def second_device(member: Member) -> Member:
    return with_device(member.person, member.identity_private_key)


# By value -------------------------------------------------------------------------------------


def test_a_removed_device_reads_its_removal_and_nothing_after(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    alice.removes(conversation, bob)
    alice.says(conversation, epoch=2)

    bob.catches_up_as_removed(conversation)
    with pytest.raises(ConversationNotFound):
        bob.says(conversation, epoch=2)
    assert positions_read_by(bob, conversation) == [2]
    assert positions_read_by(carol, conversation) == [2, 3]
    assert log_for(bob.device, conversation.pk).last_position == 2
    assert present(conversation) == {alice.device.pk, carol.device.pk}
    assert carol.catches_up(conversation).epoch == 2


def test_who_comes_back_reads_both_times_and_not_between(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    alice.removes(conversation, bob)
    alice.says(conversation, epoch=2)
    bob.catches_up_as_removed(conversation)
    alice.adds(conversation, bob)
    bob.joins(conversation)
    bob.says(conversation, epoch=3)

    assert positions_read_by(bob, conversation) == [2, 5]
    assert Membership.objects.filter(device=bob.device).count() == 2


def test_a_leaf_that_was_left_is_given_to_the_next(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    dora = enrol("dora")
    group = alice.groups[conversation.pk]
    proposals: list[Proposal] = [Remove(leaf_of(group, bob))]
    proposals += [Add(package) for package in alice.claims(dora)]

    alice.commits(conversation, *proposals)

    dora.joins(conversation)
    leaves = {one.device_id: one.leaf_index for one in Membership.objects.all()}
    assert leaves[dora.device.pk] == leaves[bob.device.pk] == 1
    assert bob.device.pk not in present(conversation)


def test_a_person_is_removed_with_all_their_devices_or_not_at_all(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    tablet = second_device(bob)
    alice.adds(conversation, tablet)

    with pytest.raises(RemovalNotAllowed):
        alice.removes(conversation, tablet)
    alice.removes(conversation, bob, tablet)

    assert {bob.device.pk, tablet.device.pk}.isdisjoint(present(conversation))


def test_other_devices_of_the_own_account_are_removed_one_by_one(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    tablet = second_device(bob)
    alice.adds(conversation, tablet)

    bob.removes(conversation, tablet)

    assert present(conversation) >= {bob.device.pk, alice.device.pk}
    assert tablet.device.pk not in present(conversation)


def test_nobody_is_removed_from_a_direct_conversation_but_own_devices(
    alice: Member, bob: Member
) -> None:
    direct = alice.begins(direct_with=bob)
    tablet = second_device(alice)
    alice.adds(direct, bob, tablet)

    with pytest.raises(RemovalNotAllowed):
        alice.removes(direct, bob)
    alice.removes(direct, tablet)

    assert present(direct) == {alice.device.pk, bob.device.pk}


def test_a_welcome_of_a_removed_device_is_forgotten(alice: Member, bob: Member) -> None:
    group = alice.begins()
    alice.adds(group, bob)

    alice.removes(group, bob)

    assert not Welcome.objects.exists()


# Leaving --------------------------------------------------------------------------------------


def test_who_leaves_is_removed_by_the_next_commit_of_another(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    left = bob.leaves(conversation)

    alice.commits(conversation)

    assert left == Placed(2, is_new=True)
    assert positions_read_by(bob, conversation) == [2, 3]
    assert present(conversation) == {alice.device.pk, carol.device.pk}
    assert carol.catches_up(conversation).epoch == 2


def test_nothing_is_said_while_a_removal_waits(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    bob.leaves(conversation)

    for member in (alice, bob, carol):
        with pytest.raises(ProposalsPending):
            member.says(conversation)
    alice.commits(conversation)

    assert carol.says(conversation, epoch=2).position == 4


def test_a_commit_that_passes_over_a_removal_is_refused(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    bob.leaves(conversation)
    passing_over = CommitPlan(references=[], tree_in_welcome=False)
    group = alice.catches_up(conversation)

    with pytest.raises(ProposalsPending):
        alice.submits(conversation, make_commit(group, passing_over, policy()))
    assert alice.commits(conversation).position == 3


def test_a_removal_by_value_serves_as_well(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    bob.leaves(conversation)
    group = alice.catches_up(conversation)
    plan = CommitPlan(proposals=[Remove(leaf_of(group, bob))], references=[], tree_in_welcome=False)

    alice.submits(conversation, make_commit(group, plan, policy()))

    assert bob.device.pk not in present(conversation)
    assert alice.says(conversation, epoch=2).position == 4


def test_who_leaves_proposes_it_once_and_cannot_commit_it(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    ways_out = [bob.proposes_to_leave(conversation) for _ in range(2)]
    message_id = uuid4()
    own_commit = bob.prepares(conversation)

    def hand_in(proposal: bytes, message_id: object) -> Placed:
        return submit_proposal(
            caller=bob.caller,
            conversation_id=conversation.pk,
            message_id=message_id,  # type: ignore[arg-type]  # a UUID
            proposal=proposal,
        )

    placed = [hand_in(ways_out[0], message_id) for _ in range(2)]
    with pytest.raises(ProposalsPending):
        hand_in(ways_out[1], uuid4())
    with pytest.raises(ProposalsPending):
        bob.submits(conversation, own_commit)

    assert placed == [Placed(2, is_new=True), Placed(2, is_new=False)]


def test_a_proposal_is_the_leavers_own_and_verifies(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    good = bob.proposes_to_leave(conversation)
    group = carol.groups[conversation.pk]
    of_another = propose(group, Remove(leaf_of(group, bob)), policy()).message.encode()
    body = MLSMessage.decode(good).body
    assert isinstance(body, PublicMessage)
    from_outside = replace(
        body, content=replace(body.content, sender=External(sender_index=0)), membership_tag=None
    )
    cases: list[tuple[bytes, type[Exception]]] = [
        (b"\0", ProposalInvalid),
        (good + b"\0", ProposalInvalid),
        (message(conversation.pk, 1), ProposalInvalid),
        (bob.prepares(conversation).message.encode(), ProposalInvalid),
        (carol.proposes_to_leave(conversation), ProposalInvalid),
        (of_another, ProposalNotSupported),
        (MLSMessage.of(from_outside).encode(), ProposalNotSupported),
    ]

    for data, refusal in cases:
        with pytest.raises(refusal):
            submit_proposal(
                caller=bob.caller,
                conversation_id=conversation.pk,
                message_id=uuid4(),
                proposal=data,
            )
    assert not Entry.objects.filter(kind="proposal").exists()
    assert bob.leaves(conversation).position == 2


def test_a_direct_conversation_is_not_left(alice: Member, bob: Member) -> None:
    direct = alice.begins(direct_with=bob)
    alice.adds(direct, bob)

    with pytest.raises(ProposalNotSupported):
        bob.leaves(direct)


def test_where_all_leave_the_conversation_is_over(alice: Member, bob: Member) -> None:
    group = alice.begins()
    alice.adds(group, bob)
    bob.leaves(group)

    alice.leaves(group)

    assert present(group) == set()
    assert positions_read_by(alice, group) == [1, 2, 3]
    with pytest.raises(ConversationNotFound):
        alice.says(group)


# Revocation -----------------------------------------------------------------------------------


def test_a_revoked_device_is_proposed_for_removal_wherever_it_is(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    direct = bob.begins(direct_with=carol)
    bob.adds(direct, carol)
    carol.joins(direct)

    revoke_device(device=bob.device)

    proposals = Entry.objects.filter(kind="proposal")
    assert {(one.conversation_id, one.sender_id) for one in proposals} == {
        (conversation.pk, None),
        (direct.pk, None),
    }
    for room in (conversation, direct):
        with pytest.raises(ProposalsPending):
            carol.says(room)
        carol.commits(room)
        assert bob.device.pk not in present(room)
        assert carol.says(room, epoch=2).is_new
    assert alice.catches_up(conversation).epoch == 2


def test_a_deactivated_person_is_removed_with_every_device(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    tablet = second_device(bob)
    alice.adds(conversation, tablet)

    deactivate_person(person=bob.person)
    alice.commits(conversation)

    assert Entry.objects.filter(kind="proposal").count() == 2
    assert {bob.device.pk, tablet.device.pk}.isdisjoint(present(conversation))


def test_revoking_who_was_leaving_already_changes_nothing_more(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    bob.leaves(conversation)

    revoke_device(device=bob.device)
    revoke_device(device=bob.device)
    alice.commits(conversation)

    assert Entry.objects.filter(kind="proposal").count() == 1
    assert bob.device.pk not in present(conversation)


def test_what_members_would_not_believe_is_not_proposed(
    alice: Member, bob: Member, conversation: Conversation, settings: Settings
) -> None:
    settings.SERVER_SECRET = b"another key, because the first one was lost"

    revoke_device(device=bob.device)

    assert not Entry.objects.filter(kind="proposal").exists()
    assert alice.says(conversation).position == 2


def test_what_would_let_a_revoked_device_in_is_gone(alice: Member, bob: Member) -> None:
    group = alice.begins()
    pending = alice.prepares_adding(group, bob)
    bob.leaves_key_packages(2, last_resort=True)
    waiting = alice.begins()
    alice.adds(waiting, bob)

    revoke_device(device=bob.device)

    with pytest.raises(KeyPackageNotClaimed):
        alice.submits(group, pending)
    for rows in (KeyPackage, ClaimedKeyPackage, Welcome):
        assert not rows.objects.filter(device=bob.device).exists()


def test_a_revocation_that_is_undone_has_not_happened(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    with transaction.atomic():
        revoke_device(device=bob.device)
        transaction.set_rollback(True)

    bob.device.refresh_from_db()
    assert bob.device.revoked_at is None
    assert bob.says(conversation).position == 2


def test_who_lost_all_devices_begins_anew_with_the_other(alice: Member, bob: Member) -> None:
    lost = alice.begins(direct_with=bob)
    alice.adds(lost, bob)
    bob.joins(lost)
    revoke_device(device=alice.device)
    laptop = second_device(alice)

    with pytest.raises(DirectConversationExists):
        bob.begins(direct_with=laptop)
    anew = laptop.begins(direct_with=bob)
    laptop.adds(anew, bob)
    with pytest.raises(DirectConversationExists):
        laptop.begins(direct_with=bob)
    bob.commits(lost)

    assert bob.says(lost, epoch=2).is_new
    assert present(anew) == {laptop.device.pk, bob.device.pk}


def test_who_was_never_added_does_not_begin_another(alice: Member, bob: Member) -> None:
    direct = alice.begins(direct_with=bob)
    alice.commits(direct)

    with pytest.raises(DirectConversationExists):
        bob.begins(direct_with=alice)


@pytest.mark.django_db(transaction=True)
def test_after_the_revocation_nothing_stands_in_the_log_but_the_proposal() -> None:
    members = [enrol(name) for name in ("alice", "bob", "carol")]
    conversation = members[0].begins()
    members[0].adds(conversation, *members[1:])

    def send_until_refused(member: Member) -> type[Exception]:
        try:
            while True:
                place(
                    message_to_send(
                        caller=member.caller,
                        conversation_id=conversation.pk,
                        message_id=uuid4(),
                        ciphertext=message(conversation.pk, 1),
                    )
                )
        except (DeviceRevoked, ProposalsPending) as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        senders: list[Future[type[Exception]]] = [
            pool.submit(send_until_refused, member) for member in members
        ]
        wait_until(lambda: Entry.objects.count() > 20)
        revoke_device(device=members[1].device)
        refusals = [sender.result() for sender in senders]

    last = Entry.objects.order_by("position").last()
    assert last is not None
    assert (last.kind, last.sender_id) == ("proposal", None)
    assert refusals == [ProposalsPending, DeviceRevoked, ProposalsPending]


@pytest.mark.django_db(transaction=True)
def test_a_device_that_is_added_while_it_is_revoked_is_never_forgotten() -> None:
    """Whichever comes first, in the end it is not a member, or its removal waits."""
    alice = enrol("alice")
    for _ in range(8):
        bob, conversation = enrol("bob"), alice.begins()
        pending = alice.prepares_adding(conversation, bob)

        with ThreadPoolExecutor(2) as pool:
            adding = pool.submit(in_own_connection, partial(alice.submits, conversation, pending))
            revoking = pool.submit(in_own_connection, partial(revoke_device, device=bob.device))
            revoking.result()
            with suppress(KeyPackageNotClaimed):
                adding.result()

        conversation.refresh_from_db()
        is_in = bob.device.pk in present(conversation)
        assert is_in == conversation.awaits_removal


def in_own_connection(act: Callable[[], object]) -> None:
    try:
        act()
    finally:
        connection.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
