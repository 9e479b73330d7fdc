"""Stories of shared keys, of groups that continue others, and of what a group requires."""

import os
from dataclasses import replace

import pytest

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.errors import (
    GroupClosed,
    GroupExtensionNotSupported,
    NotReinitialised,
    ParentMismatch,
    PskTwice,
    PskUnknown,
    PskUsageNotAllowed,
    RequiredCapabilityMissing,
)
from securechat_sdk.mls.group.commit import PendingCommit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.key_packages import OwnKeyPackage, make_key_package
from securechat_sdk.mls.group.messages import encrypt
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.group.successors import branch, reinitialise
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import (
    Extension,
    ExtensionType,
    RequiredCapabilities,
)
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.proposals import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
)
from securechat_sdk.mls.messages.psks import (
    ExternalPsk,
    PreSharedKeyID,
    ResumptionPsk,
    ResumptionUsage,
)
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.policy import Policy
from tests.mls.attacks.forge import Forger
from tests.mls.people import NOW, accept_anyone
from tests.mls.scenarios.stage import (
    LIFETIME,
    POLICY,
    Room,
    agree,
    everyone_can_talk,
    key_package_of,
    make_client,
    make_room,
    refuses,
)
from tests.mls.scenarios.test_outside import enters, published

PASSWORD = Secret(b"a shared password")


def shared_password(psk: PreSharedKeyID) -> Secret | None:
    return PASSWORD if isinstance(psk, ExternalPsk) and psk.psk_id == b"password" else None


def external(name: bytes = b"password") -> PreSharedKey:
    return PreSharedKey(psk=ExternalPsk(psk_id=name, psk_nonce=os.urandom(32)))


def resumption(room: Room, epoch: int, usage: ResumptionUsage) -> PreSharedKey:
    group = room.groups[room.names[0]]
    psk = ResumptionPsk(usage=usage, group_id=group.group_id, epoch=epoch, psk_nonce=os.urandom(32))
    return PreSharedKey(psk=psk)


def name_of(leaf: LeafNode) -> bytes:
    assert isinstance(leaf.credential, BasicCredential)
    return leaf.credential.identity


BY_NAME = Policy(judge=accept_anyone, now=NOW, client_of=name_of)


@pytest.mark.parametrize("path", [True, False], ids=["with path", "without path"])
def test_a_shared_key_goes_into_the_next_epoch(path: bool) -> None:  # noqa: FBT001
    room = make_room("alice", "bob", psks=shared_password)

    room.commit("alice", [external(), room.invite("carol")], path=path)

    everyone_can_talk(room)


def test_who_lacks_the_shared_key_stays_behind() -> None:
    room = make_room("alice", "bob", psks=shared_password)
    pending = room.start_commit("alice", [external()])

    refuses(room.groups["bob"], pending.message, PskUnknown)


def test_a_key_that_nobody_has_is_not_committed() -> None:
    room = make_room("alice", "bob", psks=shared_password)

    with pytest.raises(PskUnknown):
        room.start_commit("alice", [external(b"unheard of")])


def test_the_same_key_is_not_named_twice() -> None:
    room = make_room("alice", "bob", psks=shared_password)
    psk = external()

    with pytest.raises(PskTwice):
        room.start_commit("alice", [psk, psk])
    room.commit("alice", [psk, external()])
    everyone_can_talk(room)


def test_the_key_of_a_past_epoch_proves_who_was_there() -> None:
    room = make_room("alice", "bob")
    epoch = room.groups["alice"].epoch
    room.commit("bob")
    room.commit("alice")

    room.commit("bob", [resumption(room, epoch, ResumptionUsage.APPLICATION)])

    everyone_can_talk(room)


def test_who_came_later_does_not_have_the_key_of_a_past_epoch() -> None:
    room = make_room("alice", "bob")
    epoch = room.groups["alice"].epoch
    room.commit("alice", [room.invite("carol")])

    pending = room.start_commit("bob", [resumption(room, epoch, ResumptionUsage.APPLICATION)])

    refuses(room.groups["carol"], pending.message, PskUnknown)


@pytest.mark.parametrize("usage", [ResumptionUsage.REINIT, ResumptionUsage.BRANCH])
def test_a_successors_key_is_no_proposal_for_a_running_group(usage: ResumptionUsage) -> None:
    room = make_room("alice", "bob")
    proposal = resumption(room, room.groups["alice"].epoch, usage)

    with pytest.raises(PskUsageNotAllowed):
        room.start_commit("alice", [proposal])


def test_an_outsider_enters_with_a_shared_key() -> None:
    room = make_room("alice", "bob", psks=shared_password)

    joined = join_from_outside(
        published(room),
        key_package_of("carol"),
        POLICY,
        psk_ids=[external().psk],
        psks=shared_password,
    )

    enters(room, "carol", joined)
    everyone_can_talk(room)


REINIT = ReInit(group_id=b"the next one", version=1, cipher_suite=3, extensions=())


def closed_room() -> Room:
    room = make_room("alice", "bob", "carol")
    room.commit("alice", [REINIT])
    return room


def enter(pending: PendingCommit, own: OwnKeyPackage, parent: Group | None) -> Group:
    assert pending.welcome is not None
    assert isinstance(pending.welcome.body, Welcome)
    psks = parent
    return join(
        pending.welcome.body,
        own,
        BY_NAME,
        parent=psks,
        psks=lambda _psk: Secret(bytes(32)),
    )


def test_a_reinitialised_group_speaks_no_more() -> None:
    room = closed_room()

    for name in room.names:
        with pytest.raises(GroupClosed):
            encrypt(room.groups[name], b"one more thing")
        with pytest.raises(GroupClosed):
            room.start_commit(name)


def test_nobody_listens_to_a_reinitialised_group() -> None:
    """Not even to one who ignores that it is closed."""
    room = closed_room()
    bob, carol = room.groups["bob"], room.groups["carol"]
    reopened = replace(bob, public=replace(bob.public, reinit=None))

    refuses(carol, Forger(reopened).commit(), GroupClosed)
    refuses(carol, encrypt(reopened, b"one more thing").message, GroupClosed)
    assert room.public is not None
    message = Forger(reopened).commit().body
    assert isinstance(message, PublicMessage)
    with pytest.raises(GroupClosed):
        room.public.receive(message, POLICY)


def test_a_group_goes_on_under_another_suite() -> None:
    room = closed_room()
    others = {name: key_package_of(name, 3) for name in ("bob", "carol")}
    packages = [own.package for own in others.values()]

    pending = reinitialise(room.groups["alice"], key_package_of("alice", 3), packages, BY_NAME)

    groups = [enter(pending, own, room.groups[name]) for name, own in others.items()]
    agree([pending.group, *groups])
    assert pending.group.group_id == b"the next one"
    assert pending.group.suite.number == 3


def test_nobody_is_left_behind_when_a_group_goes_on() -> None:
    room = closed_room()
    bob = key_package_of("bob", 3)

    with pytest.raises(ParentMismatch):
        reinitialise(room.groups["alice"], key_package_of("alice", 3), [bob.package], BY_NAME)


def test_a_group_that_was_not_closed_does_not_go_on() -> None:
    room = make_room("alice", "bob")

    with pytest.raises(NotReinitialised):
        reinitialise(room.groups["alice"], key_package_of("alice"), [], BY_NAME)


def test_who_does_not_know_the_old_group_does_not_enter_its_successor() -> None:
    room = closed_room()
    others = {name: key_package_of(name, 3) for name in ("bob", "carol")}
    packages = [own.package for own in others.values()]
    pending = reinitialise(room.groups["alice"], key_package_of("alice", 3), packages, BY_NAME)

    assert pending.welcome is not None
    assert isinstance(pending.welcome.body, Welcome)
    with pytest.raises(PskUnknown):
        join(pending.welcome.body, others["bob"], BY_NAME)


@pytest.mark.parametrize(
    "other",
    [
        replace(REINIT, group_id=b"elsewhere"),
        replace(REINIT, cipher_suite=1),
        replace(REINIT, extensions=(Extension(extension_type=1, extension_data=b""),)),
    ],
    ids=["group id", "suite", "extensions"],
)
def test_a_successor_other_than_announced_is_refused(other: ReInit) -> None:
    room = closed_room()
    alice = room.groups["alice"]
    misled = replace(alice, public=replace(alice.public, reinit=other))
    suite = other.cipher_suite
    others = {name: key_package_of(name, suite) for name in ("bob", "carol")}
    packages = [own.package for own in others.values()]

    pending = reinitialise(misled, key_package_of("alice", suite), packages, BY_NAME)

    with pytest.raises(ParentMismatch):
        enter(pending, others["bob"], room.groups["bob"])


def test_some_of_a_group_go_aside() -> None:
    room = make_room("alice", "bob", "carol")
    bob = key_package_of("bob")

    pending = branch(
        room.groups["alice"], key_package_of("alice"), [bob.package], b"aside", BY_NAME
    )

    agree([pending.group, enter(pending, bob, room.groups["bob"])])


def test_all_of_a_group_may_go_aside_together() -> None:
    room = make_room("alice", "bob")
    bob = key_package_of("bob")

    pending = branch(
        room.groups["alice"], key_package_of("alice"), [bob.package], b"aside", BY_NAME
    )

    agree([pending.group, enter(pending, bob, room.groups["bob"])])


def test_strangers_do_not_come_along() -> None:
    room = make_room("alice", "bob")
    stranger = key_package_of("stranger")

    with pytest.raises(ParentMismatch):
        branch(room.groups["alice"], key_package_of("alice"), [stranger.package], b"aside", BY_NAME)


TOPIC = Extension(extension_type=0xFF01, extension_data=b"topic")


def requires(extension: int) -> Extension:
    content = RequiredCapabilities(
        extension_types=(extension,), proposal_types=(), credential_types=(1,)
    )
    return Extension(
        extension_type=ExtensionType.REQUIRED_CAPABILITIES, extension_data=content.encode()
    )


def able(name: str) -> OwnKeyPackage:
    return make_key_package(make_client(name, extensions=(0xFF01,)), LIFETIME)


def able_room(*extensions: Extension) -> Room:
    group = create_group(able("alice"), b"able", POLICY, extensions)
    room = Room({"alice": group}, None)
    room.packages["bob"] = able("bob")
    room.commit("alice", [Add(key_package=room.packages["bob"].package)])
    return room


def test_the_extensions_of_a_group_are_replaced() -> None:
    room = able_room()

    room.commit("bob", [GroupContextExtensions(extensions=(TOPIC, requires(0xFF01)))])

    assert room.groups["alice"].context.extensions == (TOPIC, requires(0xFF01))
    everyone_can_talk(room)


def test_a_group_does_not_get_an_extension_that_a_member_does_not_support() -> None:
    room = make_room("alice", "bob")

    with pytest.raises(GroupExtensionNotSupported):
        room.start_commit("alice", [GroupContextExtensions(extensions=(TOPIC,))])


def test_a_group_does_not_require_what_a_member_lacks() -> None:
    room = make_room("alice", "bob")

    with pytest.raises(RequiredCapabilityMissing):
        room.start_commit("alice", [GroupContextExtensions(extensions=(requires(0xFF01),))])


def test_nobody_enters_who_lacks_what_the_group_requires() -> None:
    room = able_room(requires(0xFF01))

    with pytest.raises(RequiredCapabilityMissing):
        room.start_commit("alice", [room.invite("carol")])


def test_new_extensions_count_for_those_who_come_with_them() -> None:
    room = able_room()
    carol = room.invite("carol")

    with pytest.raises(GroupExtensionNotSupported):
        room.start_commit("alice", [GroupContextExtensions(extensions=(TOPIC,)), carol])


def test_default_capabilities_need_not_be_listed() -> None:
    room = make_room("alice", "bob")

    room.commit("alice", [GroupContextExtensions(extensions=(requires(1),))])

    everyone_can_talk(room)


def test_what_is_exported_is_the_same_for_all_and_another_in_each_epoch() -> None:
    room = make_room("alice", "bob")
    alice, bob = (room.groups[name].export(b"label", b"context", 20) for name in room.names)
    other = room.groups["alice"].export(b"other", b"context", 20)

    room.commit("alice")

    assert len(alice) == 20
    assert alice == bob
    assert alice != other
    assert alice != room.groups["alice"].export(b"label", b"context", 20)
