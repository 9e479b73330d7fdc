"""Commits: what the public group does not see through is refused, and of all who try, one wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from messaging.errors import (
    CommitInvalid,
    ConversationNotFound,
    DirectIsFull,
    KeyPackageNotClaimed,
    MessageIdReused,
    ProposalNotSupported,
    StaleEpoch,
    TooManyWelcomes,
    WelcomeMissing,
)
from messaging.models import ClaimedKeyPackage, Conversation, Entry, GroupState, Membership, Welcome
from messaging.services import commits as commit_service
from messaging.services.commits import Submission, submit_commit
from messaging.services.key_packages import claim_key_packages
from messaging.services.log import Placed
from securechat_sdk.mls.group.commit import CommitPlan
from securechat_sdk.mls.group.commit import commit as make_commit
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.group_info import GroupInfoContent
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, GroupContextExtensions, Proposal
from securechat_sdk.mls.messages.welcome import Welcome as MLSWelcome
from tests.messaging.people import (
    Member,
    enrol,
    key_package_in,
    message,
    policy,
    submission_of,
)


@pytest.fixture
def conversation(alice: Member) -> Conversation:
    """Alice's alone, at epoch 0."""
    return alice.begins()


def hand_in(member: Member, submission: Submission) -> Placed:
    return submit_commit(caller=member.caller, submission=submission)


def unchanged(conversation: Conversation) -> bool:
    now = Conversation.objects.get(pk=conversation.pk)
    return (
        now.epoch == conversation.epoch
        and now.last_position == conversation.last_position
        and not Entry.objects.exists()
        and not Welcome.objects.exists()
        and Membership.objects.count() == 1
        and list(GroupState.objects.values_list("epoch", flat=True)) == [0]
    )


def test_a_commit_moves_the_epoch_and_lets_in_exactly_the_added(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    placed = alice.adds(conversation, bob, carol)

    conversation.refresh_from_db()
    members = Membership.objects.filter(conversation=conversation)
    assert placed == Placed(position=1, is_new=True)
    assert (conversation.epoch, conversation.last_position) == (1, 1)
    assert {(one.device_id, one.joined_position, one.leaf_index) for one in members} == {
        (alice.device.pk, 0, 0),
        (bob.device.pk, 1, 1),
        (carol.device.pk, 1, 2),
    }


@pytest.mark.parametrize("suite", [0xF04E, 0x0001])
def test_everybody_added_joins_with_the_tree_that_the_server_keeps(
    db: None, settings: Settings, suite: int
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"cipher_suite": suite})
    alice, bob, carol = (enrol(name, suite=suite) for name in ("alice", "bob", "carol"))
    conversation = alice.begins()
    alice.adds(conversation, bob)
    bob.adds(conversation, carol)
    carol.commits(conversation)

    groups = [member.catches_up(conversation) for member in (alice, bob, carol)]

    assert {group.epoch for group in groups} == {3}
    assert len({bytes(group.epoch_authenticator) for group in groups}) == 1


def test_each_added_device_gets_a_welcome_with_its_own_secrets_alone(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    pending = alice.prepares_adding(conversation, bob, carol)
    alice.submits(conversation, pending)

    assert pending.welcome is not None
    sent = pending.welcome.body
    assert isinstance(sent, MLSWelcome)
    for member, secrets in zip((bob, carol), sent.secrets, strict=True):
        row = Welcome.objects.get(device=member.device)
        got = MLSMessage.decode(bytes(row.data)).body
        assert isinstance(got, MLSWelcome)
        assert got.secrets == (secrets,)
        assert got.encrypted_group_info == sent.encrypted_group_info
        assert (row.position, row.epoch) == (1, 1)


def test_the_same_commit_again_has_the_same_answer(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    submission = submission_of(conversation.pk, alice.prepares_adding(conversation, bob))
    other = submission_of(conversation.pk, alice.prepares(conversation), submission.message_id)

    first, again = hand_in(alice, submission), hand_in(alice, submission)
    with pytest.raises(MessageIdReused):
        hand_in(alice, other)

    assert (first, again) == (Placed(1, is_new=True), Placed(1, is_new=False))
    assert Welcome.objects.count() == 1


def test_a_commit_for_another_epoch_is_refused_and_told_the_current_one(
    alice: Member, conversation: Conversation
) -> None:
    late = submission_of(conversation.pk, alice.prepares(conversation))
    alice.commits(conversation)

    with pytest.raises(StaleEpoch) as refused:
        hand_in(alice, late)

    assert refused.value.facts == {"epoch": 1}


# What does not verify -------------------------------------------------------------------------


def with_auth(submission: Submission, **changes: bytes) -> Submission:
    body = MLSMessage.decode(submission.commit).body
    assert isinstance(body, PublicMessage)
    bent = replace(body, auth=replace(body.auth, **changes))
    return replace(submission, commit=MLSMessage.of(bent).encode())


BENT: dict[str, tuple[Callable[[Submission], Submission], str | None]] = {
    "a forged signature": (
        lambda one: with_auth(one, signature=b"\0" * 64),
        "message_signature_invalid",
    ),
    "a tag that is not the GroupInfo's": (
        lambda one: with_auth(one, confirmation_tag=b"\0" * 48),
        "group_info_mismatch",
    ),
    "no commit": (lambda one: replace(one, commit=b"\0"), "decode_error"),
    "a byte too many": (lambda one: replace(one, commit=one.commit + b"\0"), "decode_error"),
    "an application message": (
        lambda one: replace(one, commit=message(one.conversation_id, 0)),
        None,
    ),
    "no GroupInfo": (lambda one: replace(one, group_info=b"\0"), "decode_error"),
    "a commit in place of the GroupInfo": (
        lambda one: replace(one, group_info=one.commit),
        None,
    ),
}


@pytest.mark.parametrize("case", BENT)
def test_a_commit_that_does_not_verify_is_refused_with_the_reason(
    alice: Member, bob: Member, conversation: Conversation, case: str
) -> None:
    bend, reason = BENT[case]
    good = submission_of(conversation.pk, alice.prepares_adding(conversation, bob))

    with pytest.raises(CommitInvalid) as refused:
        hand_in(alice, bend(good))

    assert refused.value.facts.get("reason") == reason
    assert unchanged(conversation)
    assert hand_in(alice, good).position == 1


def test_the_group_info_is_the_committers_of_the_new_epoch_without_the_tree(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    alice.adds(conversation, bob)
    bob.catches_up(conversation)
    pending = alice.prepares(conversation)
    good = submission_of(conversation.pk, pending)
    old = alice.groups[conversation.pk].group_info(with_tree=False)
    with_tree = pending.group.group_info(with_tree=True)
    content = pending.group_info.fields_of(GroupInfoContent)
    bare = GroupInfoContent(**{**content, "extensions": ()})
    without_key = bare.sign(pending.group.suite, alice.signature_private_key)
    by_bob = GroupInfoContent(**{**content, "signer": bob.groups[conversation.pk].own_leaf})
    of_another = by_bob.sign(pending.group.suite, bob.signature_private_key)
    unsigned = replace(pending.group_info, signature=b"\0" * 64)

    for unfit in (old, with_tree, without_key, of_another, unsigned):
        with pytest.raises(CommitInvalid):
            hand_in(alice, replace(good, group_info=MLSMessage.of(unfit).encode()))
    assert hand_in(alice, good).position == 2


def test_nobody_commits_with_the_leaf_of_another(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    alice.adds(conversation, bob)
    bob.catches_up(conversation)
    hers = submission_of(conversation.pk, alice.prepares(conversation))

    with pytest.raises(CommitInvalid):
        hand_in(bob, hers)
    assert hand_in(alice, hers).position == 2


def test_a_commit_of_another_conversation_is_refused(
    alice: Member, conversation: Conversation
) -> None:
    elsewhere = alice.begins()
    good = submission_of(conversation.pk, alice.prepares(conversation))

    with pytest.raises(CommitInvalid):
        hand_in(alice, replace(good, conversation_id=elsewhere.pk))
    assert hand_in(alice, good).position == 1


def test_other_proposals_are_refused_in_this_version(
    alice: Member, conversation: Conversation
) -> None:
    proposal: Proposal = GroupContextExtensions(extensions=())
    plan = CommitPlan(proposals=[proposal], tree_in_welcome=False)
    pending = make_commit(alice.groups[conversation.pk], plan, policy())

    with pytest.raises(ProposalNotSupported):
        alice.submits(conversation, pending)
    assert unchanged(conversation)


def test_an_outsider_cannot_commit(alice: Member, bob: Member, conversation: Conversation) -> None:
    good = submission_of(conversation.pk, alice.prepares(conversation))

    with pytest.raises(ConversationNotFound):
        hand_in(bob, good)
    assert hand_in(alice, good).position == 1


# Whom one may add -----------------------------------------------------------------------------


def test_only_what_was_claimed_may_be_added_and_once(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    never_handed_out = bob.own_key_package().package
    (claimed_by_carol,) = carol.claims(bob)
    (claimed,) = alice.claims(bob)

    for package in (never_handed_out, claimed_by_carol):
        with pytest.raises(KeyPackageNotClaimed):
            alice.commits(conversation, Add(package))
    assert unchanged(conversation)
    assert alice.commits(conversation, Add(claimed)).position == 1
    with pytest.raises(KeyPackageNotClaimed):
        alice.commits(alice.begins(), Add(claimed))


def test_a_claim_is_good_for_some_days(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    pending = alice.prepares_adding(conversation, bob)
    ClaimedKeyPackage.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(KeyPackageNotClaimed):
        alice.submits(conversation, pending)
    assert unchanged(conversation)


def test_the_last_resort_adds_to_more_than_one_conversation(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    bob.leaves_key_packages(0, last_resort=True)
    elsewhere = alice.begins()
    (claimed,) = claim_key_packages(device=alice.device, person_id=bob.person.pk)
    again = claim_key_packages(device=alice.device, person_id=bob.person.pk)

    for room in (conversation, elsewhere):
        alice.commits(room, Add(key_package_in(claimed.key_package)))

    assert again == [claimed]
    assert Welcome.objects.filter(device=bob.device).count() == 2


def test_a_revoked_device_is_not_added(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    pending = alice.prepares_adding(conversation, bob)
    bob.device.revoked_at = timezone.now()
    bob.device.save()

    with pytest.raises(KeyPackageNotClaimed):
        alice.submits(conversation, pending)
    assert unchanged(conversation)
    assert alice.adds(conversation, carol).position == 1


def test_a_direct_conversation_is_for_two_people(alice: Member, bob: Member, carol: Member) -> None:
    conversation = alice.begins(direct_with=bob)

    with pytest.raises(DirectIsFull):
        alice.adds(conversation, carol)
    alice.adds(conversation, bob)
    with pytest.raises(DirectIsFull):
        bob.adds(conversation, carol)


def test_a_welcome_that_does_not_fit_the_additions_is_refused(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    good = submission_of(conversation.pk, alice.prepares_adding(conversation, bob))
    other = submission_of(conversation.pk, alice.prepares_adding(conversation, carol))
    empty = submission_of(conversation.pk, alice.prepares(conversation))

    for welcome in (None, b"\0\1\2", good.commit, other.welcome, (good.welcome or b"") + b"\0"):
        with pytest.raises(WelcomeMissing):
            hand_in(alice, replace(good, welcome=welcome))
    with pytest.raises(WelcomeMissing):
        hand_in(alice, replace(empty, welcome=good.welcome))
    assert unchanged(conversation)
    assert hand_in(alice, good).position == 1


def test_a_device_with_too_many_welcomes_waiting_is_not_added(
    alice: Member, bob: Member, carol: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_service, "MOST_WELCOMES", 2)
    rooms = [alice.begins() for _ in range(3)]
    for room in rooms[:2]:
        alice.adds(room, bob)

    with pytest.raises(TooManyWelcomes):
        alice.adds(rooms[2], bob, carol)
    bob.joins(rooms[0])

    assert alice.adds(rooms[2], bob, carol).position == 1


# What is kept ---------------------------------------------------------------------------------


def test_the_state_of_this_epoch_the_one_before_and_of_waiting_welcomes_is_kept(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    def kept() -> list[int]:
        return list(GroupState.objects.order_by("epoch").values_list("epoch", flat=True))

    alice.adds(conversation, bob)
    for _ in range(3):
        alice.commits(conversation)
    while_bob_is_away = kept()
    bob.catches_up(conversation)
    alice.commits(conversation)

    assert while_bob_is_away == [1, 3, 4]
    assert kept() == [4, 5]


def test_a_message_needs_no_tree(alice: Member, conversation: Conversation) -> None:
    GroupState.objects.all().delete()

    assert alice.says(conversation, epoch=0).position == 1


@pytest.mark.django_db(transaction=True)
def test_of_all_who_commit_in_an_epoch_one_wins_and_its_welcome_alone_is_released() -> None:
    members = [enrol("member") for _ in range(6)]
    joiners = [enrol("joiner") for _ in members]
    conversation = members[0].begins()
    members[0].adds(conversation, *members[1:])
    made = [
        submission_of(conversation.pk, member.prepares_adding(conversation, joiner))
        for member, joiner in zip(members, joiners, strict=True)
    ]

    def race(pair: tuple[Member, Submission]) -> int | None:
        try:
            return hand_in(*pair).position
        except StaleEpoch:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(len(members)) as pool:
        outcomes = list(pool.map(race, zip(members, made, strict=True)))

    winner = joiners[next(index for index, won in enumerate(outcomes) if won)]
    assert sorted(outcomes, key=str) == [2] + [None] * 5
    assert [row.device_id for row in Welcome.objects.all()] == [winner.device.pk]
    assert Conversation.objects.get().epoch == 2
