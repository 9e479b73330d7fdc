"""Clients with names, a server that orders what they send, and words for what must hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.commit import CommitPlan, PendingCommit, commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group, PskSource, no_psks
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.key_packages import Client, OwnKeyPackage, make_key_package
from securechat_sdk.mls.group.messages import PRIVATE, PUBLIC, Framing, encrypt
from securechat_sdk.mls.group.process import (
    ApplicationMessage,
    CommitReceived,
    RemovedFromGroup,
    process,
)
from securechat_sdk.mls.group.storage import save
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import MLS10, Capabilities, Lifetime
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.public_group import PublicGroup
from tests.mls.people import DAY, NOW, accept_anyone

POLICY = Policy(judge=accept_anyone, now=NOW)
LIFETIME = Lifetime(not_before=NOW - DAY, not_after=NOW + 89 * DAY)
GROUP_ID = b"a group of friends"


def make_client(name: str, suite: int = 1, *, extensions: tuple[int, ...] = ()) -> Client:
    chosen = cipher_suite(suite)
    return Client(
        suite=chosen,
        signature_key=chosen.signature.generate(),
        credential=BasicCredential(identity=name.encode()),
        capabilities=Capabilities(
            versions=(MLS10,),
            cipher_suites=(suite,),
            extensions=extensions,
            proposals=(),
            credentials=(1,),
        ),
    )


def key_package_of(name: str, suite: int = 1) -> OwnKeyPackage:
    return make_key_package(make_client(name, suite), LIFETIME)


@dataclass
class Room:
    """A conversation: everyone's state, and the server's public view of it."""

    groups: dict[str, Group]
    public: PublicGroup | None
    suite: int = 1
    framing: Framing = PUBLIC
    psks: PskSource = no_psks
    packages: dict[str, OwnKeyPackage] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.groups)

    def copy(self) -> "Room":
        """Another room in the same state; states are values, so both can go on."""
        return replace(self, groups=dict(self.groups), packages=dict(self.packages))

    def leaf(self, name: str) -> LeafIndex:
        return self.groups[name].own_leaf

    def invite(self, name: str) -> Add:
        self.packages[name] = key_package_of(name, self.suite)
        return Add(key_package=self.packages[name].package)

    def remove(self, name: str) -> Remove:
        return Remove(removed=self.leaf(name))

    def plan(self, proposals: Sequence[Proposal] = (), **options: object) -> CommitPlan:
        return CommitPlan(**{"proposals": proposals, "framing": self.framing, **options})  # type: ignore[arg-type]  # options are the plan's own

    def start_commit(
        self, by: str, proposals: Sequence[Proposal] = (), **options: object
    ) -> PendingCommit:
        plan = self.plan(proposals, **options)
        pending = commit(self.groups[by], plan, POLICY, self.psks)
        self.groups[by] = pending.before
        return pending

    def commit(self, by: str, proposals: Sequence[Proposal] = (), **options: object) -> None:
        """Commit and let everyone take it in, those who are new by the Welcome."""
        self.accept(by, self.start_commit(by, proposals, **options))

    def accept(self, by: str, pending: PendingCommit) -> None:
        message = over_the_wire(pending.message)
        for name in [name for name in self.names if name != by]:
            received = process(self.groups[name], message, POLICY, self.psks)
            match received:
                case CommitReceived():
                    self.groups[name] = received.group
                case RemovedFromGroup():
                    del self.groups[name]
                case _:
                    raise AssertionError(received)
        self.groups[by] = pending.group
        self.server_takes(message, pending)
        if pending.welcome is not None:
            self.welcome(over_the_wire(pending.welcome), pending.group)

    def server_takes(self, message: MLSMessage, pending: PendingCommit) -> None:
        if isinstance(message.body, PublicMessage) and self.public is not None:
            self.public = self.public.receive(message.body, POLICY)
            self.public.check_group_info(pending.group_info)
        else:
            self.public = PublicGroup.from_group_info(
                pending.group.group_info(with_tree=True), POLICY
            )

    def welcome(self, message: MLSMessage, inviter: Group) -> None:
        assert isinstance(message.body, Welcome)
        beside = inviter.tree.to_extension()
        references = message.body.key_package_references
        for name, own in list(self.packages.items()):
            if own.package.reference in references:
                group = join(message.body, own, POLICY, tree=beside, psks=self.psks)
                self.groups[name] = group
                del self.packages[name]

    def hear(self, name: str, message: MLSMessage) -> object:
        """One member takes in one message, proposals above all."""
        received = process(self.groups[name], over_the_wire(message), POLICY, self.psks)
        assert not isinstance(received, RemovedFromGroup)
        self.groups[name] = received.group
        return received

    def everyone_hears(self, message: MLSMessage, *, but: str | None = None) -> None:
        for name in self.names:
            if name != but:
                self.hear(name, message)
        if isinstance(message.body, PublicMessage) and self.public is not None:
            self.public = self.public.receive(message.body, POLICY)


def over_the_wire(message: MLSMessage) -> MLSMessage:
    return MLSMessage.decode(message.encode())


def make_room(
    *names: str,
    suite: int = 1,
    framing: Framing = PUBLIC,
    extensions: tuple[Extension, ...] = (),
    psks: PskSource = no_psks,
    one_by_one: bool = False,
) -> Room:
    """A room that the first name made and into which it invited the others."""
    first, *others = names
    own = key_package_of(first, suite)
    group = create_group(own, GROUP_ID, POLICY, extensions)
    public = PublicGroup.from_group_info(group.group_info(with_tree=True), POLICY)
    room = Room({first: group}, public, suite, framing, psks)
    batches = [[name] for name in others] if one_by_one else [others] if others else []
    for batch in batches:
        room.commit(first, [room.invite(name) for name in batch])
    return room


def agree(groups: Iterable[Group]) -> None:
    """Everyone is in the same epoch with the same secrets."""
    groups = list(groups)
    first = groups[0]
    for group in groups[1:]:
        assert group.epoch == first.epoch
        assert group.epoch_authenticator == first.epoch_authenticator
        assert group.tree == first.tree


def everyone_can_talk(room: Room) -> None:
    """What each says, all others read, and nobody else's name is on it."""
    agree(room.groups.values())
    if room.public is not None:
        assert room.public.context == next(iter(room.groups.values())).context
    for speaker in room.names:
        text = f"{speaker} was here".encode()
        sent = encrypt(room.groups[speaker], text, authenticated_data=b"bound", padding=11)
        room.groups[speaker] = sent.group
        for listener in room.names:
            if listener == speaker:
                continue
            heard = process(room.groups[listener], over_the_wire(sent.message), POLICY)
            assert isinstance(heard, ApplicationMessage)
            assert heard.data == text
            assert heard.authenticated_data == b"bound"
            assert heard.leaf.credential == BasicCredential(identity=speaker.encode())
            room.groups[listener] = heard.group


def is_locked_out(group: Group, messages: Iterable[MLSMessage]) -> None:
    """Nothing of it opens, whatever this state tries."""
    for message in messages:
        with pytest.raises(MLSError):
            process(group, over_the_wire(message), POLICY)


def same_state(one: Group, other: Group) -> bool:
    return save(one) == save(other)


def refuses(
    group: Group, message: MLSMessage, error: type[MLSError], policy: Policy = POLICY
) -> None:
    """The message is refused for this reason and the state stays exactly as it was."""
    before = save(group)

    with pytest.raises(error) as refusal:
        process(group, over_the_wire(message), policy)

    assert type(refusal.value) is error
    assert save(group) == before


def a_secret(suite: int = 1) -> Secret:
    return cipher_suite(suite).random_secret()


FRAMINGS = pytest.mark.parametrize("framing", [PUBLIC, PRIVATE], ids=["public", "private"])
