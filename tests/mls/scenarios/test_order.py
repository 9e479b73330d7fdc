"""Stories of messages that are late, lost, doubled or sent at the same time."""

import pytest

from securechat_sdk.mls.errors import (
    DecryptionFailed,
    GenerationTooFar,
    GroupKnown,
    KeyAlreadyUsed,
    NotInvited,
    UnknownProposal,
    WrongEpoch,
)
from securechat_sdk.mls.group.group import PAST_EPOCHS
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.messages import PRIVATE, encrypt, propose, propose_update
from securechat_sdk.mls.group.process import ApplicationMessage
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Remove
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.schedule import secret_tree
from tests.mls.scenarios.stage import (
    GROUP_ID,
    POLICY,
    Room,
    everyone_can_talk,
    key_package_of,
    make_room,
    refuses,
)


def say(room: Room, name: str, text: bytes) -> MLSMessage:
    sent = encrypt(room.groups[name], text)
    room.groups[name] = sent.group
    return sent.message


def hears(room: Room, name: str, message: MLSMessage) -> bytes:
    heard = room.hear(name, message)
    assert isinstance(heard, ApplicationMessage)
    return heard.data


def test_messages_may_arrive_in_any_order() -> None:
    room = make_room("alice", "bob")
    messages = [say(room, "alice", str(number).encode()) for number in range(10)]

    for number in (9, 0, 5, 4, 1, 8, 2, 3, 7, 6):
        assert hears(room, "bob", messages[number]) == str(number).encode()

    kind = secret_tree.RatchetKind.APPLICATION
    assert room.groups["bob"].keys.ratchets[room.leaf("alice"), kind].skipped == {}


def test_lost_messages_do_not_stop_those_that_follow() -> None:
    room = make_room("alice", "bob")
    for _ in range(100):
        say(room, "alice", b"lost")

    assert hears(room, "bob", say(room, "alice", b"found")) == b"found"


def test_a_message_from_before_the_commit_still_opens() -> None:
    room = make_room("alice", "bob", "carol")
    late = say(room, "alice", b"late")
    room.commit("bob", [room.remove("alice"), room.invite("dave")])

    assert room.leaf("dave") == 0, "dave sits where alice sat"
    heard = room.hear("carol", late)

    assert isinstance(heard, ApplicationMessage)
    assert heard.data == b"late"
    assert heard.leaf.credential.identity == b"alice"  # type: ignore[union-attr]  # basic
    everyone_can_talk(room)


def test_a_message_opens_for_as_many_epochs_as_are_kept() -> None:
    room = make_room("alice", "bob", "carol")
    first, second = say(room, "alice", b"1"), say(room, "alice", b"2")
    for _ in range(PAST_EPOCHS):
        room.commit("bob")

    assert hears(room, "carol", first) == b"1"
    refuses(room.groups["carol"], first, KeyAlreadyUsed)
    room.commit("bob")
    refuses(room.groups["carol"], second, WrongEpoch)


def test_skipped_keys_are_kept_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_tree, "MOST_SKIPPED", 5)
    room = make_room("alice", "bob")
    messages = [say(room, "alice", str(number).encode()) for number in range(8)]

    assert hears(room, "bob", messages[7]) == b"7"

    refuses(room.groups["bob"], messages[1], KeyAlreadyUsed)
    for number in range(2, 7):
        assert hears(room, "bob", messages[number]) == str(number).encode()


def test_a_generation_too_far_ahead_is_not_walked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_tree, "MOST_STEPS", 5)
    room = make_room("alice", "bob")
    messages = [say(room, "alice", b"x") for _ in range(7)]

    refuses(room.groups["bob"], messages[6], GenerationTooFar)

    assert hears(room, "bob", messages[5]) == b"x"
    assert hears(room, "bob", messages[6]) == b"x"


def test_of_two_commits_at_once_one_wins_and_the_loser_tries_again() -> None:
    room = make_room("alice", "bob", "carol")
    winner = room.start_commit("alice", [room.invite("dave")])
    loser = room.start_commit("bob", [room.invite("erin")])

    room.accept("alice", winner)

    refuses(room.groups["carol"], loser.message, WrongEpoch)
    room.commit("bob", [room.invite("erin")])
    assert sorted(room.names) == ["alice", "bob", "carol", "dave", "erin"]
    everyone_can_talk(room)


def test_a_private_commit_that_lost_does_not_use_its_key_again() -> None:
    room = make_room("alice", "bob", "carol", framing=PRIVATE)
    before = room.groups["bob"]
    winner = room.start_commit("alice")
    room.start_commit("bob")

    assert room.groups["bob"].keys != before.keys

    room.accept("alice", winner)
    everyone_can_talk(room)


def test_a_commit_is_not_taken_in_twice() -> None:
    room = make_room("alice", "bob")
    pending = room.start_commit("alice")

    room.accept("alice", pending)

    refuses(room.groups["bob"], pending.message, WrongEpoch)
    everyone_can_talk(room)


def test_a_commit_that_skips_an_epoch_waits() -> None:
    room = make_room("alice", "bob", "carol")
    first = room.start_commit("alice")
    late = room.groups.pop("carol")
    room.accept("alice", first)
    second = room.start_commit("bob")
    room.accept("bob", second)

    refuses(late, second.message, WrongEpoch)

    room.groups["carol"] = late
    room.hear("carol", first.message)
    room.hear("carol", second.message)
    everyone_can_talk(room)


def test_a_commit_waits_for_the_proposal_it_refers_to() -> None:
    room = make_room("alice", "bob", "carol")
    sent = propose_update(room.groups["bob"], POLICY)
    room.groups["bob"] = sent.group
    room.hear("alice", sent.message)
    pending = room.start_commit("alice")

    refuses(room.groups["carol"], pending.message, UnknownProposal)

    room.hear("carol", sent.message)
    assert room.public is not None
    room.public = room.public.receive(sent.message.body, POLICY)  # type: ignore[arg-type]  # public
    room.accept("alice", pending)
    everyone_can_talk(room)


def test_a_proposal_that_comes_twice_waits_once() -> None:
    room = make_room("alice", "bob", "carol")
    sent = propose(room.groups["bob"], room.invite("dave"), POLICY)
    room.groups["bob"] = sent.group
    for _ in range(2):
        room.everyone_hears(sent.message, but="bob")

    room.commit("alice")

    everyone_can_talk(room)


def test_a_proposal_of_the_epoch_before_is_gone() -> None:
    room = make_room("alice", "bob", "carol")
    sent = propose(room.groups["bob"], room.invite("dave"), POLICY)
    room.commit("alice")

    refuses(room.groups["carol"], sent.message, WrongEpoch)
    assert room.groups["carol"].public.proposals == {}


def test_a_lost_welcome_is_made_good_by_a_new_invitation() -> None:
    room = make_room("alice", "bob")
    room.commit("alice", [room.invite("carol")])
    del room.groups["carol"]

    room.commit("alice", [room.invite("carol"), Remove(removed=LeafIndex(2))])

    everyone_can_talk(room)


def test_a_welcome_for_somebody_else_is_of_no_use() -> None:
    room = make_room("alice")
    pending = room.start_commit("alice", [room.invite("bob")])
    assert pending.welcome is not None
    welcome = pending.welcome.body
    assert isinstance(welcome, Welcome)

    with pytest.raises(NotInvited):
        join(welcome, key_package_of("mallory"), POLICY)
    join(welcome, room.packages["bob"], POLICY)


def test_a_group_is_not_joined_twice() -> None:
    room = make_room("alice")
    pending = room.start_commit("alice", [room.invite("bob")])
    assert pending.welcome is not None
    welcome = pending.welcome.body
    assert isinstance(welcome, Welcome)

    with pytest.raises(GroupKnown):
        join(welcome, room.packages["bob"], POLICY, known_groups=[GROUP_ID])


def test_two_members_in_different_futures_notice() -> None:
    """A server that shows each half of the group another commit splits it, and is seen."""
    room = make_room("alice", "bob", "carol", "dave")
    other = Room(dict(room.groups), None)
    room.groups.pop("dave")
    room.commit("alice")
    other.groups.pop("carol")
    other.commit("bob")

    assert room.groups["carol"].epoch_authenticator != other.groups["dave"].epoch_authenticator
    refuses(other.groups["dave"], say(room, "alice", b"x"), DecryptionFailed)
