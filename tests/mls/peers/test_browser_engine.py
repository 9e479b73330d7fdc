"""The browser's engine against Python's: the same groups, the same states, the same refusals."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.commit import CommitPlan, commit
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.key_packages import OwnKeyPackage, make_key_package
from securechat_sdk.mls.group.messages import PRIVATE, encrypt, propose, propose_update
from securechat_sdk.mls.group.process import ApplicationMessage, process
from securechat_sdk.mls.group.storage import SavedGroup, load, save
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.framing import PrivateMessage, ProposalContent, PublicMessage
from securechat_sdk.mls.messages.group_info import GroupInfo, GroupInfoContent
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import KeyPackageSource, Lifetime
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
)
from securechat_sdk.mls.messages.psks import ExternalPsk, ResumptionUsage
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.storage import save_public_group
from tests.mls import test_key_packages as key_packages
from tests.mls.attacks import test_private_messages as private_messages
from tests.mls.attacks import test_proposals as proposals
from tests.mls.attacks import test_stored_states as stored_states
from tests.mls.attacks import test_welcomes as welcomes
from tests.mls.attacks.bending import Scene, add, replace_forger
from tests.mls.attacks.forge import Forger
from tests.mls.attacks.handshakes import ATTACKS, SAME
from tests.mls.peers.browser import BrowserEngine, code_of, hears
from tests.mls.peers.browser_walk import BrowserWalk, makers_of
from tests.mls.peers.clients import Change
from tests.mls.people import NOW, Card, accept_anyone, make_card
from tests.mls.scenarios.stage import (
    LIFETIME,
    POLICY,
    Room,
    key_package_of,
    make_client,
    make_room,
    over_the_wire,
)
from tests.mls.scenarios.test_outside import SERVER
from tests.mls.scenarios.test_successors import closed_room

OPERATIONS = 200
SPOILED = 150
JUDGING = {"now": NOW, "judge": "keep names"}


@pytest.mark.parametrize(
    ("suite", "operations", "most"),
    [(1, OPERATIONS, 12), (0xF04E, 100, 8), (2, 40, 5), (3, 40, 5)],
)
def test_a_walk_of_both_engines(
    engine: BrowserEngine, suite: int, operations: int, most: int
) -> None:
    makers = makers_of("obm", engine, suite)
    walk = BrowserWalk(makers, suite, most, suite, engine=engine)

    walk.run(operations)

    assert sum(walk.counts.values()) == operations
    assert walk.heard_twice > 0
    assert walk.lost > 0


def test_fifty_members_of_both_engines(engine: BrowserEngine) -> None:
    walk = BrowserWalk(makers_of("obm", engine, 1), seed=7, most=50, engine=engine)
    while len(walk.members) < 50:
        newcomers = [walk._newborn() for _ in range(min(10, 50 - len(walk.members)))]
        changes = [Change(add=peer.key_package(), name=peer.name) for peer in newcomers]
        walk._commit(walk.dice.choice(list(walk.members)), changes, newcomers)
        walk.agree()

    walk.somebody_renews()
    walk.two_commit_at_once()
    walk.everybody_chats()

    walk.agree()
    assert len(walk.members) == 50


def test_both_engines_leave_the_same_bad_proposals_out(engine: BrowserEngine) -> None:
    room = make_room("alice", "bob", "mallory")
    unknown = Extension(extension_type=0xFF77, extension_data=b"")
    dave = room.invite("dave")
    for proposal in (
        GroupContextExtensions(extensions=(unknown,)),
        PreSharedKey(psk=ExternalPsk(psk_id=b"nobody's", psk_nonce=bytes(32))),
        ReInit(group_id=b"elsewhere", version=1, cipher_suite=1, extensions=()),
        dave,
        room.invite("carol"),
        room.remove("alice"),
        room.remove("bob"),
        dave,
    ):
        sent = propose(room.groups["mallory"], proposal, POLICY)
        room.groups["mallory"] = sent.group
        room.everyone_hears(sent.message, but="mallory")
    alice = room.groups["alice"]
    saved = save(alice)

    here = commit(alice, CommitPlan(), POLICY).message
    engine.ask("alice", "load", secret=saved.secret.hex(), public=saved.public.hex())
    made = engine.ask("alice", "commit", proposals=[], isPrivate=0, path=1, now=NOW)
    there = MLSMessage.decode(bytes.fromhex(made["message"]))

    assert named_by(there) == named_by(here)
    assert 0 < len(named_by(here)) < len(alice.public.proposals)


def named_by(message: MLSMessage) -> tuple[object, ...]:
    """The proposals of a commit."""
    assert isinstance(message.body, PublicMessage)
    said = message.body.content.content
    assert isinstance(said, Commit)
    return said.proposals


@pytest.fixture(scope="module")
def five() -> Room:
    return make_room("alice", "bob", "carol", "mallory", "zoe", extensions=(SERVER,))


@pytest.fixture
def scene(five: Room) -> Scene:
    return Scene(five.copy())


@pytest.mark.parametrize(("attack", "error", "server"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_malicious_commit_meets_the_same_refusal(
    engine: BrowserEngine,
    scene: Scene,
    attack: Callable[[Scene], MLSMessage],
    error: type[MLSError],
    server: object,
) -> None:
    message = over_the_wire(attack(scene))
    public = scene.room.public
    assert public is not None

    for name in ("alice", "carol"):
        assert hears(engine, scene.room.groups[name], message, **JUDGING) == error.code
    group, data = save_public_group(public).hex(), message.encode().hex()
    code = code_of(engine, "server", "receive", group=group, message=data, **JUDGING)
    assert code == (error.code if server == SAME else "accepted")


def test_an_honest_commit_of_the_forger_is_taken_in(engine: BrowserEngine, scene: Scene) -> None:
    newcomer = add(make_card("newcomer").package)
    twin = add(make_card("bob").package)
    commits = [
        replace_forger(scene, proposals=[scene.removes("zoe"), each]).commit()
        for each in (newcomer, twin)
    ]

    alice = scene.room.groups["alice"]
    assert hears(engine, alice, commits[0], **JUDGING) == "accepted"
    assert hears(engine, alice, commits[1], **JUDGING) == "accepted"
    assert hears(engine, alice, commits[0], clients="by name", **JUDGING) == "accepted"
    assert hears(engine, alice, commits[1], clients="by name", **JUDGING) == "client_twice"


@pytest.fixture(scope="module")
def three() -> Room:
    return make_room("alice", "bob", "mallory")


@pytest.mark.parametrize(
    ("attack", "error"), proposals.ATTACKS.values(), ids=proposals.ATTACKS.keys()
)
def test_a_malicious_proposal_meets_the_same_refusal(
    engine: BrowserEngine,
    three: Room,
    attack: Callable[[Room], Proposal],
    error: type[MLSError],
) -> None:
    room = three.copy()
    message = Forger(room.groups["mallory"]).say(ProposalContent(proposal=attack(room)))
    honest = Forger(room.groups["mallory"]).say(ProposalContent(proposal=proposals.update(room)))

    assert hears(engine, room.groups["alice"], message, **JUDGING) == error.code
    assert hears(engine, room.groups["alice"], honest, **JUDGING) == "accepted"


def test_a_good_resumption_key_may_be_proposed(engine: BrowserEngine, three: Room) -> None:
    proposal = proposals.resumption(ResumptionUsage.APPLICATION)

    message = Forger(three.groups["mallory"]).say(ProposalContent(proposal=proposal))

    assert hears(engine, three.groups["alice"], message, **JUDGING) == "accepted"


@pytest.fixture(scope="module")
def four() -> Room:
    room = make_room("alice", "bob", "mallory", "zoe", "yan")
    room.commit("alice", [room.remove("zoe")])
    return room


@pytest.mark.parametrize(
    ("attack", "error"), private_messages.ATTACKS.values(), ids=private_messages.ATTACKS.keys()
)
def test_a_malicious_private_message_meets_the_same_refusal(
    engine: BrowserEngine,
    four: Room,
    attack: Callable[[Room], PrivateMessage],
    error: type[MLSError],
) -> None:
    room = four.copy()
    message = MLSMessage.of(attack(room))
    honest = MLSMessage.of(private_messages.honest(room))

    assert hears(engine, room.groups["bob"], message, now=NOW) == error.code
    assert hears(engine, room.groups["bob"], honest, now=NOW) == "accepted"


invitation = welcomes.invitation
sealed_invitation = welcomes.sealed_invitation


def enters(engine: BrowserEngine, invitation: Any, **options: object) -> str:
    engine.ask("newcomer", "use", own=invitation.own.encode().hex())
    return code_of(
        engine,
        "newcomer",
        "join",
        welcome=MLSMessage.of(invitation.close()).encode().hex(),
        tree=RatchetTreeExtension(nodes=invitation.nodes).encode().hex(),
        zeros="for every psk",
        now=NOW,
        **options,
    )


@pytest.mark.parametrize(("bend", "error"), welcomes.ATTACKS.values(), ids=welcomes.ATTACKS.keys())
def test_a_malicious_welcome_meets_the_same_refusal(
    engine: BrowserEngine, invitation: Any, bend: Callable[[Any], None], error: type[MLSError]
) -> None:
    assert enters(engine, invitation) == "accepted"

    bend(invitation)

    assert enters(engine, invitation) == error.code


def test_without_a_tree_nobody_enters(engine: BrowserEngine, invitation: Any) -> None:
    kept = tuple(each for each in invitation.info.extensions if each.extension_type != 2)
    invitation.with_info(extensions=kept)
    welcome = MLSMessage.of(invitation.close()).encode().hex()
    engine.ask("newcomer", "use", own=invitation.own.encode().hex())

    code = code_of(engine, "newcomer", "join", welcome=welcome, zeros="for every psk", now=NOW)

    assert code == errors.TreeMissing.code
    assert enters(engine, invitation) == "accepted"


def test_a_welcome_for_others_meets_the_same_refusal(
    engine: BrowserEngine, invitation: Any
) -> None:
    welcome = invitation.close()

    def code(welcome: Welcome, own: OwnKeyPackage) -> str:
        engine.ask("newcomer", "use", own=own.encode().hex())
        data = MLSMessage.of(welcome).encode().hex()
        tree = RatchetTreeExtension(nodes=invitation.nodes).encode().hex()
        psks = "for every psk"
        return code_of(engine, "newcomer", "join", welcome=data, tree=tree, zeros=psks, now=NOW)

    assert code(welcome, invitation.own) == "accepted"
    assert code(welcome, key_package_of("stranger")) == errors.NotInvited.code
    other = replace(welcome, cipher_suite=3)
    assert code(other, invitation.own) == errors.WelcomeSuiteMismatch.code


pathless, first, unmerged = welcomes.pathless, welcomes.first, welcomes.unmerged


@pytest.mark.parametrize(
    ("bend", "error"), welcomes.SUCCESSIONS.values(), ids=welcomes.SUCCESSIONS.keys()
)
def test_what_continues_another_group_is_judged_alike(
    engine: BrowserEngine,
    first: Any,
    bend: Callable[[Any], Group | None],
    error: type[MLSError] | None,
) -> None:
    parent = bend(first)

    code = enters(engine, first, clients="by name", **known_as_parent(engine, parent))

    assert code == ("accepted" if error is None else error.code)


def known_as_parent(engine: BrowserEngine, group: Group | None) -> dict[str, str]:
    if group is None:
        return {}
    saved = save(group)
    engine.ask("parent", "load", secret=saved.secret.hex(), public=saved.public.hex())
    return {"parent": "parent"}


def test_a_branch_is_not_entered_later_there_either(engine: BrowserEngine, pathless: Any) -> None:
    parent = known_as_parent(engine, pathless.parent())
    assert enters(engine, pathless, **parent) == "accepted"

    pathless.with_secrets(psks=(welcomes._BRANCH,))

    assert enters(engine, pathless, **parent) == errors.ParentMismatch.code


def test_a_group_that_is_known_is_not_entered_again(engine: BrowserEngine, first: Any) -> None:
    own = first.info.group_context.group_id
    assert enters(engine, first, known=b"another".hex()) == "accepted"

    assert enters(engine, first, known=own.hex()) == errors.GroupKnown.code


def test_a_node_that_forgets_a_member_meets_the_same_refusal(
    engine: BrowserEngine, unmerged: Any
) -> None:
    assert enters(engine, unmerged) == "accepted"

    welcomes.forget_the_unmerged(unmerged)

    assert enters(engine, unmerged) == errors.ParentHashInvalid.code


def test_nobody_listens_to_a_reinitialised_group(engine: BrowserEngine) -> None:
    open_room, closed = make_room("alice", "bob", "carol"), closed_room()
    bob, carol = closed.groups["bob"], closed.groups["carol"]
    reopened = replace(bob, public=replace(bob.public, reinit=None))
    for sender, listener, room, code in (
        (open_room.groups["bob"], open_room.groups["carol"], open_room, "accepted"),
        (reopened, carol, closed, errors.GroupClosed.code),
    ):
        message, spoken = Forger(sender).commit(), encrypt(sender, b"one more thing").message
        assert room.public is not None
        group, data = save_public_group(room.public).hex(), message.encode().hex()

        assert hears(engine, listener, message, **JUDGING) == code
        assert hears(engine, listener, spoken, **JUDGING) == code
        assert code_of(engine, "server", "receive", group=group, message=data, **JUDGING) == code


@pytest.mark.parametrize(
    ("changes", "error"), welcomes.FALSE_LEAVES.values(), ids=welcomes.FALSE_LEAVES.keys()
)
def test_a_false_leaf_meets_the_same_refusal(
    engine: BrowserEngine, pathless: Any, changes: dict[str, Any], error: type[MLSError]
) -> None:
    pathless.with_node(welcomes.JUDY, replace(pathless.nodes[welcomes.JUDY], **changes))

    assert enters(engine, pathless) == error.code


@pytest.mark.parametrize(
    ("changes", "error"), welcomes.BAD_MEMBERS.values(), ids=welcomes.BAD_MEMBERS.keys()
)
def test_a_bad_member_meets_the_same_refusal(
    engine: BrowserEngine, pathless: Any, changes: dict[str, Any], error: type[MLSError]
) -> None:
    card = make_card("judy")
    pathless.with_node(welcomes.JUDY, card.package.leaf_node)
    assert enters(engine, pathless) == "accepted"

    pathless.with_node(welcomes.JUDY, card.with_leaf(**changes).leaf_node)

    assert enters(engine, pathless) == error.code


def test_a_tree_without_a_seat_meets_the_same_refusal(engine: BrowserEngine, pathless: Any) -> None:
    pathless.with_node(4, make_card("other").package.leaf_node)

    assert enters(engine, pathless) == errors.OwnLeafMissing.code


@pytest.mark.parametrize(
    ("spoil", "error"), key_packages.REFUSED.values(), ids=key_packages.REFUSED.keys()
)
def test_a_bad_key_package_meets_the_same_refusal(
    engine: BrowserEngine,
    spoil: Callable[[Card], UncheckedKeyPackage],
    error: type[MLSError],
) -> None:
    alice = make_card("alice")

    def code(package: UncheckedKeyPackage) -> str:
        data = package.encode().hex()
        return code_of(engine, "reader", "checkPackage", package=data, suite=1, now=NOW)

    assert code(alice.package) == "accepted"
    assert code(spoil(alice)) == error.code


def test_a_good_key_package_is_taken_to_its_limits(engine: BrowserEngine) -> None:
    alice = make_card("alice")
    known = Extension(extension_type=1, extension_data=b"an application's name for it")
    grease = Extension(extension_type=0x0A0A, extension_data=b"")
    sources = [
        KeyPackageSource(lifetime=Lifetime(not_before=first, not_after=last))
        for first, last in key_packages.LIFETIMES
    ]

    for package in (
        *(alice.with_leaf(source=source) for source in sources),
        alice.with_leaf(extensions=(known,)),
        alice.with_leaf(extensions=(grease,)),
    ):
        package.check(now=NOW, suites=(1,), judge=accept_anyone)
        data = package.encode().hex()
        code = code_of(engine, "reader", "checkPackage", package=data, suite=1, now=NOW)
        assert code == "accepted"


def test_one_member_who_does_not_support_it_keeps_an_extension_out(engine: BrowserEngine) -> None:
    room = make_room("mallory", "alice", "bob")
    extension = Extension(extension_type=0xFF77, extension_data=b"")
    able = make_key_package(make_client("erin", extensions=(0xFF77,)), LIFETIME)
    scene = Scene(room)
    proposals_ = [Add(key_package=able.package), GroupContextExtensions(extensions=(extension,))]

    message = over_the_wire(replace_forger(scene, proposals=proposals_).commit())

    unsupported = errors.GroupExtensionNotSupported
    with pytest.raises(unsupported):
        process(room.groups["alice"], message, POLICY)
    assert hears(engine, room.groups["alice"], message, **JUDGING) == unsupported.code


def test_the_server_takes_the_same_group_info(engine: BrowserEngine, three: Room) -> None:
    alice = three.groups["alice"]
    true = alice.group_info(with_tree=True)

    def code(info: GroupInfo) -> str:
        group = save_public_group(alice.public).hex()
        data = info.encode().hex()
        return code_of(engine, "server", "checkGroupInfo", group=group, groupInfo=data)

    def changed(**changes: object) -> str:
        content = GroupInfoContent(**{**true.fields_of(GroupInfoContent), **changes})
        return code(content.sign(alice.suite, alice.signature_key))

    mismatch = errors.GroupInfoMismatch.code
    assert code(true) == "accepted"
    assert changed(group_context=replace(true.group_context, epoch=7)) == mismatch
    assert changed(group_context=replace(true.group_context, tree_hash=bytes(32))) == mismatch
    assert changed(confirmation_tag=bytes(32)) == mismatch
    leaf = RatchetTreeExtension(nodes=(alice.tree.leaf(alice.own_leaf),))
    assert changed(extensions=(Extension(extension_type=2, extension_data=leaf.encode()),)) == (
        mismatch
    )
    assert changed(extensions=()) == "accepted"
    assert changed(extensions=true.extensions * 2) == errors.DuplicateExtension.code
    assert code(replace(true, signature=bytes(64))) == errors.GroupInfoSignatureInvalid.code
    assert code(replace(true, signer=LeafIndex(9))) == errors.BlankLeaf.code


def test_each_engine_reads_what_the_other_stored(engine: BrowserEngine) -> None:
    room = make_room("alice", "bob")
    saved = save(room.groups["bob"])
    engine.ask("bob", "load", secret=saved.secret.hex(), public=saved.public.hex())

    sent = engine.ask("bob", "encrypt", data=b"hello".hex(), aad=b"bound".hex())
    stored = engine.ask("bob", "save")
    message = MLSMessage.decode(bytes.fromhex(sent["message"]))
    heard = process(room.groups["alice"], message, POLICY)
    back = load(
        replace(
            saved, secret=bytes.fromhex(stored["secret"]), public=bytes.fromhex(stored["public"])
        )
    )

    assert isinstance(heard, ApplicationMessage)
    assert (heard.data, heard.authenticated_data) == (b"hello", b"bound")
    assert back.keys != room.groups["bob"].keys
    assert hears(engine, back, message) == errors.OwnMessage.code


def spoiled(data: bytes, dice: Random) -> bytes:
    """One bit, one byte more or less, or a cut."""
    place = dice.randrange(len(data))
    match dice.randrange(4):
        case 0:
            return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]
        case 1:
            return data[:place] + data[place + 1 :]
        case 2:
            return data[:place] + bytes([dice.randrange(256)]) + data[place:]
        case _:
            return data[:place]


@pytest.mark.parametrize("kind", ["application", "commit", "proposal", "private commit"])
def test_spoiled_bytes_meet_the_same_refusal(engine: BrowserEngine, kind: str) -> None:
    room = make_room("alice", "bob", "carol", one_by_one=True)
    alice, bob = room.groups["alice"], room.groups["bob"]
    plan = CommitPlan(proposals=[room.invite("dave")])
    message = {
        "application": lambda: encrypt(alice, b"hello").message,
        "commit": lambda: commit(alice, plan, POLICY).message,
        "proposal": lambda: propose_update(alice, POLICY).message,
        "private commit": lambda: commit(alice, replace(plan, framing=PRIVATE), POLICY).message,
    }[kind]()
    assert hears(engine, bob, message, now=NOW) == "accepted"
    saved, dice = save(bob), Random(kind)
    engine.ask("spoiled", "load", secret=saved.secret.hex(), public=saved.public.hex())

    for _ in range(SPOILED):
        data = spoiled(message.encode(), dice)
        with pytest.raises(MLSError) as refusal:
            process(bob, MLSMessage.decode(data), POLICY)
        code = code_of(engine, "spoiled", "process", message=data.hex(), now=NOW)
        assert code == refusal.value.code, data.hex()


@pytest.mark.parametrize("part", ["secret", "public"])
@pytest.mark.parametrize("spoil", [lambda data: b"\x00\x02" + data[2:], lambda data: data[:-1]])
def test_a_spoiled_state_is_refused_alike(
    engine: BrowserEngine, three: Room, part: str, spoil: Callable[[bytes], bytes]
) -> None:
    saved = save(three.groups["bob"])
    bad = replace(saved, **{part: spoil(getattr(saved, part))})

    with pytest.raises(MLSError) as refusal:
        load(bad)

    parts = {"secret": bad.secret.hex(), "public": bad.public.hex()}
    assert code_of(engine, "spoiled", "load", **parts) == refusal.value.code


stored = stored_states.stored


@pytest.mark.parametrize("spoil", stored_states.SPOILED.values(), ids=stored_states.SPOILED.keys())
def test_a_state_that_nobody_can_have_is_refused_there_too(
    engine: BrowserEngine, stored: SavedGroup, spoil: stored_states.Spoil
) -> None:
    bad = stored_states.spoiled(stored, spoil)
    good, spoilt = (
        code_of(engine, "spoiled", "load", secret=one.secret.hex(), public=one.public.hex())
        for one in (stored, bad)
    )

    assert good == "accepted"
    assert spoilt == errors.StoredStateInvalid.code
