"""Stories of those who stand outside: external commits, and proposals of outsiders."""

from dataclasses import replace

import pytest

from securechat_sdk.mls.codec import Struct
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import SUITES, cipher_suite
from securechat_sdk.mls.errors import (
    BlankLeaf,
    CredentialRefused,
    ExternalPubMissing,
    ExternalSenderUnknown,
    MessageSignatureInvalid,
    SenderNotAllowed,
)
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.messages import LeafChanges, encrypt, new_leaf
from securechat_sdk.mls.group.outside import ExternalJoin, join_from_outside
from securechat_sdk.mls.group.process import (
    CommitReceived,
    ProposalReceived,
    RemovedFromGroup,
    process,
)
from securechat_sdk.mls.messages.credentials import BasicCredential, Claim
from securechat_sdk.mls.messages.extensions import (
    AllowedSender,
    Extension,
    ExtensionType,
    ExternalSenders,
)
from securechat_sdk.mls.messages.framing import External
from securechat_sdk.mls.messages.group_info import GroupInfo, GroupInfoContent
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import UpdateSource
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import ReInit, Remove, Update
from securechat_sdk.mls.public_group.outside import propose_as_external_sender, propose_self
from tests.mls.scenarios.stage import (
    POLICY,
    Room,
    everyone_can_talk,
    is_locked_out,
    key_package_of,
    make_room,
    over_the_wire,
    refuses,
)

SUITE = cipher_suite(1)
SERVER_KEY: SignaturePrivateKey = SUITE.signature.generate()


def as_extension(extension_type: ExtensionType, content: Struct) -> Extension:
    return Extension(extension_type=extension_type, extension_data=content.encode())


SERVER = as_extension(
    ExtensionType.EXTERNAL_SENDERS,
    ExternalSenders(
        senders=(
            AllowedSender(
                signature_key=SUITE.signature.public_key_of(SERVER_KEY),
                credential=BasicCredential(identity=b"server"),
            ),
        )
    ),
)


def published(room: Room, by: str = "alice") -> GroupInfo:
    message = over_the_wire(MLSMessage.of(room.groups[by].group_info(with_tree=True)))
    assert isinstance(message.body, GroupInfo)
    return message.body


def enters(room: Room, name: str, joined: ExternalJoin) -> list[str]:
    """The external commit reaches everyone; the names of those it removed."""
    removed = []
    message = over_the_wire(joined.message)
    for other in room.names:
        received = process(room.groups[other], message, POLICY, room.psks)
        if isinstance(received, RemovedFromGroup):
            removed.append(other)
            del room.groups[other]
        else:
            assert isinstance(received, CommitReceived)
            room.groups[other] = received.group
    assert room.public is not None
    room.public = room.public.receive(message.body, POLICY)  # type: ignore[arg-type]  # public
    room.public.check_group_info(joined.group_info)
    room.groups[name] = joined.group
    return removed


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_someone_enters_from_outside(suite: int) -> None:
    room = make_room("alice", "bob", suite=suite)

    joined = join_from_outside(published(room), key_package_of("carol", suite), POLICY)

    assert enters(room, "carol", joined) == []
    everyone_can_talk(room)
    room.commit("carol", [room.remove("alice")])
    everyone_can_talk(room)


def test_someone_enters_a_full_tree_and_one_with_a_gap() -> None:
    room = make_room("alice", "bob", "carol", "dave")
    joined = join_from_outside(published(room), key_package_of("erin"), POLICY)
    enters(room, "erin", joined)
    everyone_can_talk(room)
    assert room.leaf("erin") == 4
    room.commit("alice", [room.remove("bob")])

    joined = join_from_outside(published(room), key_package_of("frank"), POLICY)
    enters(room, "frank", joined)

    assert room.leaf("frank") == 1
    everyone_can_talk(room)


def test_a_group_in_its_first_epoch_can_be_entered() -> None:
    room = make_room("alice")

    joined = join_from_outside(published(room), key_package_of("bob"), POLICY)

    enters(room, "bob", joined)
    everyone_can_talk(room)


def test_someone_comes_back_in_the_place_of_an_old_self() -> None:
    room = make_room("alice", "bob", "carol")
    old, leaf = room.groups["bob"], room.leaf("bob")

    joined = join_from_outside(published(room), key_package_of("bob"), POLICY, replaces=leaf)

    assert enters(room, "bob", joined) == ["bob"]
    assert room.leaf("bob") == leaf
    everyone_can_talk(room)
    is_locked_out(old, [encrypt(room.groups["alice"], b"x").message])


def test_nobody_enters_without_the_external_key() -> None:
    room = make_room("alice", "bob")
    info = room.groups["alice"].group_info(with_tree=True)
    kept = tuple(e for e in info.extensions if e.extension_type != ExtensionType.EXTERNAL_PUB)
    fields = {name: getattr(info, name) for name in info.names() if name != "signature"}
    bare = GroupInfoContent(**{**fields, "extensions": kept}).sign(
        SUITE, room.groups["alice"].signature_key
    )

    with pytest.raises(ExternalPubMissing):
        join_from_outside(bare, key_package_of("carol"), POLICY)
    join_from_outside(info, key_package_of("carol"), POLICY)


def test_the_server_proposes_a_removal_that_members_commit() -> None:
    room = make_room("alice", "bob", "mallory", extensions=(SERVER,))
    context = room.groups["alice"].context
    message = propose_as_external_sender(context, 0, SERVER_KEY, room.remove("mallory"))

    for name in room.names:
        received = room.hear(name, message)
        assert isinstance(received, ProposalReceived)
        assert isinstance(received.sender, External)
    assert room.public is not None
    room.public = room.public.receive(message.body, POLICY)  # type: ignore[arg-type]  # public
    room.commit("bob")

    assert sorted(room.names) == ["alice", "bob"]
    everyone_can_talk(room)


def test_a_new_device_proposes_itself_and_a_member_commits() -> None:
    room = make_room("alice", "bob")
    own = key_package_of("phone")
    room.packages["phone"] = own
    message = propose_self(room.groups["alice"].context, own.package, own.signature_key)
    room.everyone_hears(message)

    room.commit("bob")

    assert sorted(room.names) == ["alice", "bob", "phone"]
    everyone_can_talk(room)


def test_an_outsider_who_is_not_listed_is_not_heard() -> None:
    room = make_room("alice", "bob", extensions=(SERVER,))
    context, removal = room.groups["alice"].context, room.remove("bob")

    good = propose_as_external_sender(context, 0, SERVER_KEY, removal)
    other_number = propose_as_external_sender(context, 1, SERVER_KEY, removal)
    other_key = propose_as_external_sender(context, 0, SUITE.signature.generate(), removal)

    refuses(room.groups["alice"], other_number, ExternalSenderUnknown)
    refuses(room.groups["alice"], other_key, MessageSignatureInvalid)
    room.hear("alice", good)


def test_without_a_list_of_external_senders_no_outsider_is_heard() -> None:
    room = make_room("alice", "bob")
    context, removal = room.groups["alice"].context, room.remove("bob")

    message = propose_as_external_sender(context, 0, SERVER_KEY, removal)

    refuses(room.groups["alice"], message, ExternalSenderUnknown)


def test_an_outsider_does_not_update_a_member() -> None:
    room = make_room("alice", "bob", extensions=(SERVER,))
    leaf = new_leaf(room.groups["bob"], LeafChanges(), UpdateSource()).node
    context = room.groups["alice"].context

    message = propose_as_external_sender(context, 0, SERVER_KEY, Update(leaf_node=leaf))

    refuses(room.groups["alice"], message, SenderNotAllowed)


def test_an_outsider_may_propose_to_reinitialise() -> None:
    room = make_room("alice", "bob", extensions=(SERVER,))
    proposal = ReInit(group_id=b"new", version=1, cipher_suite=3, extensions=())
    context = room.groups["alice"].context

    message = propose_as_external_sender(context, 0, SERVER_KEY, proposal)

    room.everyone_hears(message)
    room.commit("alice")
    assert room.groups["bob"].public.reinit == proposal


def test_a_device_proposes_nobody_but_itself() -> None:
    room = make_room("alice", "bob")
    own, other = key_package_of("phone"), key_package_of("accomplice")
    context = room.groups["alice"].context

    message = propose_self(context, other.package, own.signature_key)

    refuses(room.groups["alice"], message, MessageSignatureInvalid)


def test_the_removal_of_nobody_is_refused() -> None:
    room = make_room("alice", "bob", extensions=(SERVER,))
    context = room.groups["alice"].context

    message = propose_as_external_sender(
        context, 0, SERVER_KEY, Remove(removed=LeafIndex(2**32 - 1))
    )

    refuses(room.groups["alice"], message, BlankLeaf)


def test_the_policy_may_refuse_an_outsider_in_the_extension() -> None:
    def no_servers(claim: Claim) -> None:
        if claim.credential == BasicCredential(identity=b"server"):
            raise CredentialRefused

    make_room("alice", extensions=(SERVER,))
    with pytest.raises(CredentialRefused):
        create_group(key_package_of("alice"), b"x", replace(POLICY, judge=no_servers), (SERVER,))
