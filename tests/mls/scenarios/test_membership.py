"""Stories of people who come, change and go."""

import pytest

from securechat_sdk.mls.crypto.suites import SUITES
from securechat_sdk.mls.errors import CommitFirst, OwnMessage, WrongEpoch
from securechat_sdk.mls.group.messages import (
    Framing,
    LeafChanges,
    encrypt,
    propose,
    propose_update,
)
from securechat_sdk.mls.group.storage import load, save
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.proposals import GroupContextExtensions, PreSharedKey, ReInit
from securechat_sdk.mls.messages.psks import ExternalPsk
from tests.mls.scenarios.stage import (
    FRAMINGS,
    POLICY,
    everyone_can_talk,
    is_locked_out,
    make_room,
    refuses,
    same_state,
)


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_three_people_meet_change_their_keys_and_part(suite: int) -> None:
    room = make_room("alice", "bob", "carol", suite=suite)
    everyone_can_talk(room)

    room.commit("bob")
    everyone_can_talk(room)

    room.commit("carol", [room.remove("bob"), room.invite("dave")])
    everyone_can_talk(room)

    assert sorted(room.names) == ["alice", "carol", "dave"]


@FRAMINGS
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "all at once"])
def test_a_group_grows_and_shrinks(framing: Framing, one_by_one: bool) -> None:  # noqa: FBT001
    names = [f"member {number}" for number in range(9)]
    room = make_room(*names, framing=framing, one_by_one=one_by_one)
    everyone_can_talk(room)

    while len(room.names) > 2:
        room.commit(room.names[-1], [room.remove(room.names[len(room.names) // 2])])
        everyone_can_talk(room)


@FRAMINGS
def test_an_update_takes_effect_when_somebody_else_commits_it(framing: Framing) -> None:
    room = make_room("alice", "bob", "carol", framing=framing)
    old_leaf = room.groups["alice"].tree.leaf(room.leaf("bob"))
    sent = propose_update(room.groups["bob"], POLICY, framing=framing)
    room.groups["bob"] = sent.group
    room.everyone_hears(sent.message, but="bob")

    room.commit("alice")

    assert room.groups["alice"].tree.leaf(room.leaf("bob")) != old_leaf
    everyone_can_talk(room)
    room.commit("bob")
    everyone_can_talk(room)


@pytest.mark.parametrize("how", ["update", "commit", "add"])
def test_a_member_takes_a_new_signature_key_and_name(how: str) -> None:
    room = make_room("alice", "bob", "carol")
    new = LeafChanges(
        signature_key=room.groups["bob"].suite.signature.generate(),
        credential=BasicCredential(identity=b"robert"),
    )
    if how == "update":
        sent = propose_update(room.groups["bob"], POLICY, new)
        room.groups["bob"] = sent.group
        room.everyone_hears(sent.message, but="bob")
        room.commit("carol")
    elif how == "add":
        room.commit("bob", [room.invite("erin")], leaf=new, path=False)
    else:
        room.commit("bob", leaf=new)

    room.groups["robert"] = room.groups.pop("bob")
    everyone_can_talk(room)
    room.commit("robert", [room.invite("dave")])
    everyone_can_talk(room)


def test_proposals_of_several_people_go_into_one_commit() -> None:
    room = make_room("alice", "bob", "carol", "dave")
    for proposer, proposal in (
        ("bob", room.invite("erin")),
        ("carol", room.remove("dave")),
        ("bob", room.remove("dave")),
        ("dave", room.invite("frank")),
    ):
        sent = propose(room.groups[proposer], proposal, POLICY)
        room.groups[proposer] = sent.group
        room.everyone_hears(sent.message, but=proposer)

    room.commit("alice")

    assert sorted(room.names) == ["alice", "bob", "carol", "erin", "frank"]
    everyone_can_talk(room)


def test_a_removal_goes_before_an_update_of_the_same_member() -> None:
    room = make_room("alice", "bob", "carol")
    update = propose_update(room.groups["bob"], POLICY)
    room.groups["bob"] = update.group
    room.everyone_hears(update.message, but="bob")
    removal = propose(room.groups["carol"], room.remove("bob"), POLICY)
    room.groups["carol"] = removal.group
    room.everyone_hears(removal.message, but="carol")

    room.commit("alice")

    assert sorted(room.names) == ["alice", "carol"]
    everyone_can_talk(room)


def test_bad_proposals_of_one_member_keep_nobody_from_committing() -> None:
    room = make_room("alice", "bob", "mallory")
    unknown = Extension(extension_type=0xFF77, extension_data=b"")
    for proposal in (
        GroupContextExtensions(extensions=(unknown,)),
        PreSharedKey(psk=ExternalPsk(psk_id=b"nobody's", psk_nonce=bytes(32))),
        ReInit(group_id=b"elsewhere", version=1, cipher_suite=1, extensions=()),
        room.invite("carol"),
        room.remove("alice"),
    ):
        sent = propose(room.groups["mallory"], proposal, POLICY)
        room.groups["mallory"] = sent.group
        room.everyone_hears(sent.message, but="mallory")

    room.commit("alice")

    assert sorted(room.names) == ["alice", "bob", "carol", "mallory"]
    everyone_can_talk(room)


def test_the_latest_of_two_updates_counts() -> None:
    room = make_room("alice", "bob")
    for _ in range(2):
        sent = propose_update(room.groups["bob"], POLICY)
        room.groups["bob"] = sent.group
        room.everyone_hears(sent.message, but="bob")

    room.commit("alice")

    everyone_can_talk(room)


def test_an_add_without_a_path_leaves_the_members_keys_alone() -> None:
    room = make_room("alice", "bob")
    leaf = room.groups["bob"].tree.leaf(room.leaf("alice"))

    room.commit("alice", [room.invite("carol")], path=False)

    assert room.groups["bob"].tree.leaf(room.leaf("alice")) == leaf
    everyone_can_talk(room)


def test_a_removed_member_cannot_read_what_follows() -> None:
    """Also when its removal is the only proposal."""
    room = make_room("alice", "bob", "mallory")
    mallory = room.groups["mallory"]

    room.commit("alice", [room.remove("mallory")])

    assert "mallory" not in room.groups
    sent = encrypt(room.groups["alice"], b"at last")
    following = room.start_commit("bob").message
    is_locked_out(mallory, [sent.message, following])


def test_a_removed_member_cannot_speak_to_those_who_went_on() -> None:
    room = make_room("alice", "bob", "mallory")
    mallory = room.groups["mallory"]
    room.commit("alice", [room.remove("mallory")])

    room.commit("bob")
    for _ in range(4):
        room.commit("alice")

    refuses(room.groups["bob"], encrypt(mallory, b"me again").message, WrongEpoch)
    refuses(room.groups["bob"], propose_update(mallory, POLICY).message, WrongEpoch)


def test_a_new_member_cannot_read_what_came_before() -> None:
    room = make_room("alice", "bob")
    before = [encrypt(room.groups["alice"], b"between us").message]
    room.commit("alice")
    before.append(encrypt(room.groups["bob"], b"still between us").message)

    room.commit("alice", [room.invite("carol")])

    is_locked_out(room.groups["carol"], before)
    everyone_can_talk(room)


def test_a_seized_state_opens_nothing_after_its_owners_next_update() -> None:
    room = make_room("alice", "bob", "carol")
    seized = load(save(room.groups["bob"]))

    sent = propose_update(room.groups["bob"], POLICY)
    room.groups["bob"] = sent.group
    room.everyone_hears(sent.message, but="bob")
    commit = room.start_commit("alice")
    room.accept("alice", commit)

    is_locked_out(seized, [commit.message, encrypt(room.groups["alice"], b"x").message])
    everyone_can_talk(room)


def test_a_seized_state_opens_nothing_older_than_the_window() -> None:
    room = make_room("alice", "bob")
    old = []
    for _ in range(6):
        sent = encrypt(room.groups["alice"], b"x")
        room.groups["alice"] = sent.group
        old.append(sent.message)
        room.commit("alice")

    seized = room.groups["bob"]

    is_locked_out(seized, old[:2])
    for message in old[2:]:
        room.hear("bob", message)


def test_a_message_that_was_read_does_not_open_again() -> None:
    room = make_room("alice", "bob")
    sent = encrypt(room.groups["alice"], b"once")
    room.hear("bob", sent.message)

    is_locked_out(room.groups["bob"], [sent.message])


def test_ones_own_echo_is_recognised() -> None:
    room = make_room("alice", "bob")
    sent = encrypt(room.groups["alice"], b"echo")

    refuses(sent.group, sent.message, OwnMessage)
    refuses(room.groups["alice"], room.start_commit("alice").message, OwnMessage)


def test_nobody_speaks_while_a_removal_waits() -> None:
    room = make_room("alice", "bob", "carol")
    sent = propose(room.groups["bob"], room.remove("carol"), POLICY)
    room.groups["bob"] = sent.group
    room.everyone_hears(sent.message, but="bob")

    for name in room.names:
        with pytest.raises(CommitFirst):
            encrypt(room.groups[name], b"psst")

    room.commit("alice")
    everyone_can_talk(room)


def test_a_state_comes_back_from_its_bytes() -> None:
    room = make_room("alice", "bob", "carol", one_by_one=True)
    everyone_can_talk(room)
    sent = propose_update(room.groups["bob"], POLICY)
    room.groups["bob"] = sent.group
    room.everyone_hears(sent.message, but="bob")

    for name in room.names:
        restored = load(save(room.groups[name]))
        assert same_state(restored, room.groups[name])
        assert restored == room.groups[name]
        room.groups[name] = restored

    room.commit("alice")
    everyone_can_talk(room)


def test_within_an_epoch_only_the_small_part_changes() -> None:
    room = make_room("alice", "bob")
    before = save(room.groups["alice"])

    after = save(encrypt(room.groups["alice"], b"x").group)

    assert after.public == before.public
    assert after.secret != before.secret
    assert len(after.secret) < 2_000
