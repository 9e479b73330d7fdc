"""A stored state that no member can have is refused before it is used."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from securechat_sdk.mls.errors import StoredStateInvalid
from securechat_sdk.mls.group.storage import SavedGroup, StoredSecretPart, load, save
from securechat_sdk.mls.messages.indexes import NodeIndex
from tests.mls.scenarios.stage import everyone_can_talk, make_room, same_state

Spoil = Callable[[StoredSecretPart], StoredSecretPart]


def _with_keys(**changes: Any) -> Spoil:
    return lambda part: replace(part, keys=replace(part.keys, **changes))


def _without_a_ratchet(part: StoredSecretPart) -> StoredSecretPart:
    return _with_keys(ratchets=part.keys.ratchets[1:])(part)


def _with_a_ratchet_twice(part: StoredSecretPart) -> StoredSecretPart:
    first, *others = part.keys.ratchets
    return _with_keys(ratchets=(first, first, *others))(part)


def _with_a_key_beyond_the_tree(part: StoredSecretPart) -> StoredSecretPart:
    beyond = replace(part.node_keys[0], node=NodeIndex(1000))
    return replace(part, node_keys=(*part.node_keys, beyond))


SPOILED: dict[str, Spoil] = {
    "half of a sender's ratchets": _without_a_ratchet,
    "a ratchet twice": _with_a_ratchet_twice,
    "no slots": _with_keys(slots=0),
    "too many slots": _with_keys(slots=8),
    "a key beyond the tree": _with_a_key_beyond_the_tree,
}


@pytest.fixture(scope="module")
def stored() -> SavedGroup:
    """A member's state in which others have spoken."""
    room = make_room("alice", "bob", "carol")
    everyone_can_talk(room)
    saved = save(room.groups["bob"])
    assert same_state(load(saved), room.groups["bob"])
    return saved


def spoiled(stored: SavedGroup, spoil: Spoil) -> SavedGroup:
    return SavedGroup(spoil(StoredSecretPart.decode(stored.secret)).encode(), stored.public)


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_state_that_nobody_can_have_is_not_loaded(stored: SavedGroup, spoil: Spoil) -> None:
    with pytest.raises(StoredStateInvalid):
        load(spoiled(stored, spoil))
