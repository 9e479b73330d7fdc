"""Who cannot follow the group any more takes its own place again; nobody else comes in so."""

from dataclasses import replace
from uuid import uuid4

import pytest

from accounts.services.devices import revoke_device
from messaging.access import log_for
from messaging.envelopes import read_group_info
from messaging.errors import (
    CommitInvalid,
    ConversationNotFound,
    ProposalNotSupported,
    ProposalsPending,
    StaleEpoch,
    TooManyRejoins,
)
from messaging.models import Conversation, Entry, Membership
from messaging.services.commits import REJOINS, Submission, submit_commit
from messaging.services.groups import snapshot_of
from messaging.services.log import Placed
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.messages import encrypt
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.group.process import ApplicationMessage, process
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from tests.messaging.api import api_of, commit_body
from tests.messaging.people import (
    Member,
    enrol,
    policy,
    rejoining,
    submission_of,
    with_device,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(alice: Member, bob: Member, carol: Member) -> Conversation:
    """All three are in it, at epoch 1."""
    conversation = alice.begins()
    alice.adds(conversation, bob, carol)
    for member in (bob, carol):
        member.catches_up(conversation)
    conversation.refresh_from_db()
    return conversation


def hand_in(member: Member, submission: Submission) -> Placed:
    return submit_commit(caller=member.caller, submission=submission)


def wedge(conversation: Conversation, member: Member) -> None:
    """Have the member post a commit with secrets that nobody can open: the server cannot know."""
    pending = member.prepares(conversation)
    message = pending.message.body
    assert isinstance(message, PublicMessage)
    commit = message.content.content
    assert isinstance(commit, Commit)
    tag = bytes(len(message.auth.confirmation_tag or b""))
    bad = replace(message, auth=replace(message.auth, confirmation_tag=tag))
    group = replace(pending.group, public=replace(pending.group.public, confirmation_tag=tag))
    submission = replace(
        submission_of(conversation.pk, pending),
        commit=MLSMessage.of(bad).encode(),
        group_info=MLSMessage.of(group.group_info(with_tree=False)).encode(),
    )
    hand_in(member, submission)
    conversation.refresh_from_db()


def can_talk(conversation: Conversation, speaker: Member, *others: Member) -> bool:
    """Whether what the speaker says now is opened by all the others."""
    group = speaker.groups[conversation.pk]
    said = encrypt(group, b"hello")
    speaker.groups[conversation.pk] = said.group
    opened = [process(one.groups[conversation.pk], said.message, policy()) for one in others]
    return all(isinstance(one, ApplicationMessage) and one.data == b"hello" for one in opened)


def test_a_wedged_conversation_goes_on_once_its_members_have_rejoined(
    conversation: Conversation, alice: Member, bob: Member, carol: Member
) -> None:
    wedge(conversation, carol)
    with pytest.raises(MLSError):
        alice.catches_up(conversation)

    alice.rejoins(conversation)
    bob.rejoins(conversation)
    alice.catches_up(conversation)

    assert can_talk(conversation, alice, bob)
    assert can_talk(conversation, bob, alice)


def test_the_others_follow_a_device_that_rejoins(
    conversation: Conversation, alice: Member, bob: Member, carol: Member
) -> None:
    bob.rejoins(conversation)

    for member in (alice, carol):
        member.catches_up(conversation)

    assert can_talk(conversation, bob, alice, carol)
    assert can_talk(conversation, carol, alice, bob)


def test_a_rejoined_device_has_not_read_what_came_in_between(
    conversation: Conversation, alice: Member, bob: Member
) -> None:
    alice.says(conversation, epoch=1)

    placed = bob.rejoins(conversation)

    rows = Membership.objects.filter(conversation=conversation, device=bob.device).order_by("pk")
    assert [(row.joined_position, row.left_position) for row in rows] == [
        (1, placed.position),
        (placed.position, None),
    ]
    assert log_for(bob.device, conversation.pk).last_position == placed.position


def test_a_rejoined_device_reads_what_follows_and_can_do_so_again(
    conversation: Conversation, alice: Member, bob: Member, carol: Member
) -> None:
    bob.rejoins(conversation)
    bob.rejoins(conversation)
    carol.rejoins(conversation)

    for member in (alice, bob):
        member.catches_up(conversation)

    assert can_talk(conversation, bob, alice, carol)


def test_a_device_does_not_rejoin_without_end(
    conversation: Conversation, bob: Member, carol: Member
) -> None:
    REJOINS.spend((conversation.pk, bob.device.pk), REJOINS.limit)

    with pytest.raises(TooManyRejoins):
        bob.rejoins(conversation)

    assert carol.rejoins(conversation).is_new


def test_the_same_rejoining_again_has_the_same_answer(
    conversation: Conversation, bob: Member
) -> None:
    submission = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))

    first, again = hand_in(bob, submission), hand_in(bob, submission)

    assert (first.position, first.is_new) == (again.position, True)
    assert not again.is_new


def test_it_works_over_the_api_with_what_the_server_gives(
    conversation: Conversation, bob: Member
) -> None:
    api = api_of(bob)
    path = f"conversations/{conversation.pk}"

    answer = api.get(f"{path}/group")
    submission = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))
    placed = api.post(f"{path}/commits", commit_body(submission))

    assert (answer["epoch"], set(answer)) == (1, {"epoch", "group_info", "ratchet_tree"})
    assert placed == {"position": conversation.last_position + 1}


def test_only_a_member_is_told_how_the_group_stands(conversation: Conversation) -> None:
    api_of(enrol("dave")).get(f"conversations/{conversation.pk}/group", status=404)


def test_a_device_that_is_overtaken_is_told_the_epoch(
    conversation: Conversation, alice: Member, bob: Member
) -> None:
    submission = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))
    alice.commits(conversation)

    with pytest.raises(StaleEpoch) as refusal:
        hand_in(bob, submission)

    assert refusal.value.facts == {"epoch": 2}


# Who must not come in so ----------------------------------------------------------------------


def test_a_stranger_comes_in_by_no_commit_of_its_own(conversation: Conversation) -> None:
    dave = enrol("dave")
    snapshot = snapshot_of(conversation, 1)
    group = snapshot.restore()
    info = read_group_info(snapshot.group_info)
    made = join_from_outside(info, dave.own_key_package(), policy(), tree=group.tree.to_extension())

    with pytest.raises(ProposalNotSupported):  # without a leaf to give up
        hand_in(dave, rejoining(conversation.pk, made))


def test_a_stranger_does_not_take_a_members_leaf(conversation: Conversation, bob: Member) -> None:
    stolen = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))

    with pytest.raises(ConversationNotFound):
        hand_in(enrol("dave"), stolen)


def test_a_removed_member_does_not_come_back_by_itself(
    conversation: Conversation, alice: Member, bob: Member
) -> None:
    submission = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))
    alice.removes(conversation, bob)

    with pytest.raises(ConversationNotFound):
        hand_in(bob, submission)


def test_a_member_does_not_hand_in_what_another_made(
    conversation: Conversation, alice: Member, bob: Member
) -> None:
    submission = rejoining(conversation.pk, alice.prepares_to_rejoin(conversation))

    with pytest.raises(CommitInvalid):
        hand_in(bob, submission)


def test_a_members_leaf_passes_to_nobody_else(conversation: Conversation, bob: Member) -> None:
    for other in (enrol("dave"), with_device(bob.person, bob.identity_private_key)):
        made = other.prepares_to_rejoin(conversation, replacing=bob)

        with pytest.raises(CommitInvalid) as refusal:
            hand_in(bob, rejoining(conversation.pk, made))

        assert refusal.value.facts == {"reason": "wrong_successor"}


# Removals that wait ----------------------------------------------------------------------------


def test_removals_that_wait_wait_on_in_the_new_epoch(
    conversation: Conversation, alice: Member, bob: Member, carol: Member
) -> None:
    wedge(conversation, carol)
    revoke_device(device=carol.device)

    alice.rejoins(conversation)

    proposal = Entry.objects.filter(conversation=conversation).order_by("position").last()
    assert proposal is not None
    assert (proposal.kind, proposal.epoch, proposal.sender) == ("proposal", 3, None)
    with pytest.raises(ProposalsPending):
        alice.says(conversation, epoch=3)
    alice.commits(conversation)
    assert not Membership.objects.filter(device=carol.device, left_position=None).exists()
    bob.rejoins(conversation)
    alice.catches_up(conversation)
    assert can_talk(conversation, alice, bob)


def test_a_device_that_is_to_be_removed_does_not_rejoin(
    conversation: Conversation, bob: Member
) -> None:
    bob.leaves(conversation)
    submission = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))

    with pytest.raises(ProposalsPending):
        hand_in(bob, submission)


def test_a_rejoining_device_brings_no_welcome(conversation: Conversation, bob: Member) -> None:
    submission = rejoining(conversation.pk, bob.prepares_to_rejoin(conversation))

    with pytest.raises(Exception, match="adds nobody"):
        hand_in(bob, replace(submission, welcome=b"x", message_id=uuid4()))
