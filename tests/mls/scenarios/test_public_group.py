"""Stories of the server, which knows who is there and nothing of what is said."""

import pytest

from securechat_sdk.mls.errors import DecodeError, SenderNotAllowed, StoredStateInvalid
from securechat_sdk.mls.group.messages import propose
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.storage import load_public_group, save_public_group
from tests.mls.scenarios.stage import POLICY, Room, everyone_can_talk, make_room, over_the_wire


def public_of(room: Room) -> PublicGroup:
    assert room.public is not None
    return room.public


def test_the_server_learns_whom_a_commit_adds_and_removes() -> None:
    room = make_room("alice", "bob", "carol")
    add, remove = room.invite("dave"), room.remove("bob")
    pending = room.start_commit("alice", [add, remove])
    message = over_the_wire(pending.message).body
    assert isinstance(message, PublicMessage)

    staged = public_of(room).receive_commit(message, POLICY)

    (added,) = staged.changes.added
    assert added.key_package.reference == add.key_package.reference
    assert staged.changes.proposals.removed_leaves == (room.leaf("bob"),)
    assert staged.changes.committer == room.leaf("alice")
    assert staged.group.context == pending.group.context
    assert staged.group.tree == pending.group.tree


def test_a_proposal_is_no_commit() -> None:
    room = make_room("alice", "bob")
    message = propose(room.groups["alice"], room.remove("bob"), POLICY).message.body
    assert isinstance(message, PublicMessage)

    with pytest.raises(SenderNotAllowed):
        public_of(room).receive_commit(message, POLICY)
    public_of(room).receive(message, POLICY)


def test_a_commit_is_staged_and_a_proposal_kept_and_never_the_other_way() -> None:
    room = make_room("alice", "bob")
    proposal = propose(room.groups["alice"], room.remove("bob"), POLICY).message.body
    committed = room.start_commit("alice").message.body
    assert isinstance(proposal, PublicMessage)
    assert isinstance(committed, PublicMessage)

    with pytest.raises(TypeError):
        public_of(room).stage(proposal.authenticated, POLICY)
    with pytest.raises(TypeError):
        public_of(room).with_proposal(committed.authenticated, POLICY)


def test_the_public_state_comes_back_from_its_bytes() -> None:
    room = make_room("alice", "bob", "carol", one_by_one=True)
    sent = propose(room.groups["bob"], room.remove("carol"), POLICY)
    room.groups["bob"] = sent.group
    room.everyone_hears(sent.message, but="bob")
    public = public_of(room)

    restored = load_public_group(save_public_group(public))

    assert restored == public
    assert save_public_group(restored) == save_public_group(public)
    room.public = restored
    room.commit("alice")
    assert sorted(room.names) == ["alice", "bob"]
    everyone_can_talk(room)


def test_a_public_state_of_another_version_is_refused() -> None:
    data = save_public_group(public_of(make_room("alice")))

    with pytest.raises(StoredStateInvalid):
        load_public_group(b"\x00\x02" + data[2:])
    with pytest.raises(DecodeError):
        load_public_group(data[:-1])


def test_the_public_state_holds_nothing_that_opens_a_message() -> None:
    """Every secret of every member is absent from its bytes."""
    room = make_room("alice", "bob", "carol")
    data = save_public_group(public_of(room))

    for group in room.groups.values():
        secrets = [getattr(group.secrets, name) for name in group.secrets.names()]
        keys = [*group.private.keys.values(), group.signature_key]
        for secret in [*secrets, *keys, *group.keys.nodes.values()]:
            assert bytes(secret) not in data
