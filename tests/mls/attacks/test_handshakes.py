"""Attacks by a member, on every other member and on the server's public group.

Each breaks one rule and keeps all others. Beside the list stands the honest commit of the same
maker, so that no attack is refused for a wrong reason.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.process import CommitReceived, process
from securechat_sdk.mls.messages.credentials import Claim
from securechat_sdk.mls.messages.framing import (
    PublicMessage,
)
from securechat_sdk.mls.messages.leaf_nodes import (
    LeafNode,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.storage import save_public_group
from securechat_sdk.mls.tree.private import derive_path
from tests.mls.attacks.bending import Scene, add, context_extensions, replace_forger
from tests.mls.attacks.handshakes import ATTACKS, SAME
from tests.mls.people import NOW, make_card
from tests.mls.scenarios.stage import POLICY, Room, a_secret, make_room, over_the_wire, refuses
from tests.mls.scenarios.test_outside import SERVER


@pytest.fixture(scope="module")
def five() -> Room:
    return make_room("alice", "bob", "carol", "mallory", "zoe", extensions=(SERVER,))


@pytest.fixture
def scene(five: Room) -> Scene:
    return Scene(five.copy())


def keep_names(claim: Claim) -> None:
    """A member keeps the name under which it came."""
    if claim.predecessor not in (None, claim.credential):
        raise errors.CredentialRefused


JUDGING = replace(POLICY, judge=keep_names)


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 30


def test_the_forger_makes_good_commits_when_nothing_is_bent(scene: Scene) -> None:
    card = make_card("newcomer")
    proposals = [scene.removes("zoe"), add(card.package), context_extensions(SERVER)]

    for forger in (scene.mallory, replace_forger(scene, proposals=proposals)):
        message = over_the_wire(forger.commit())
        received = process(scene.room.groups["alice"], message, JUDGING)
        assert isinstance(received, CommitReceived)
        assert isinstance(message.body, PublicMessage)
        assert scene.room.public is not None
        after = scene.room.public.receive(message.body, JUDGING)
        assert after.context == received.group.context


@pytest.mark.parametrize(("attack", "error", "server"), ATTACKS.values(), ids=ATTACKS.keys())
def test_every_member_refuses(
    scene: Scene, attack: Callable[[Scene], MLSMessage], error: type[MLSError], server: object
) -> None:
    message = attack(scene)

    for name in ("alice", "carol"):
        refuses(scene.room.groups[name], message, error, JUDGING)


@pytest.mark.parametrize(("attack", "error", "server"), ATTACKS.values(), ids=ATTACKS.keys())
def test_the_server_refuses_what_it_can_see(
    scene: Scene, attack: Callable[[Scene], MLSMessage], error: type[MLSError], server: object
) -> None:
    message = over_the_wire(attack(scene)).body
    public = scene.room.public
    assert isinstance(message, PublicMessage)
    assert public is not None
    before = save_public_group(public)

    if server == SAME:
        with pytest.raises(error) as refusal:
            public.receive(message, JUDGING)
        assert type(refusal.value) is error
    else:
        public.receive(message, JUDGING)

    assert save_public_group(public) == before


def test_a_client_that_the_application_knows_is_not_added_twice(scene: Scene) -> None:
    def name_of(leaf: LeafNode) -> object:
        return leaf.credential.identity  # type: ignore[union-attr]  # all are basic

    policy = Policy(judge=keep_names, now=NOW, client_of=name_of)
    twin = replace_forger(scene, proposals=[add(make_card("bob").package)]).commit()
    other = replace_forger(scene, proposals=[add(make_card("newcomer").package)]).commit()

    refuses(scene.room.groups["alice"], twin, errors.ClientTwice, policy)
    process(scene.room.groups["alice"], over_the_wire(other), policy)


def test_a_derived_path_is_what_the_forger_believes(scene: Scene) -> None:
    suite = scene.mallory.group.suite
    secret = a_secret()

    assert derive_path(suite, secret, []).commit_secret == secret
