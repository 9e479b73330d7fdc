"""A group against a simple model: delayed, lost, doubled and reordered messages, races included."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.commit import CommitPlan, PendingCommit, commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import PAST_EPOCHS, Group
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.messages import PRIVATE, PUBLIC, encrypt
from securechat_sdk.mls.group.process import (
    ApplicationMessage,
    CommitReceived,
    RemovedFromGroup,
    process,
)
from securechat_sdk.mls.group.storage import load, save
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove
from securechat_sdk.mls.messages.welcome import Welcome
from tests.mls.scenarios.stage import POLICY, key_package_of, over_the_wire

MOST = 7


@dataclass
class Said:
    """A message, who could hear it, and who has."""

    message: MLSMessage
    text: bytes
    epoch: int
    speaker: str
    audience: frozenset[str]
    heard_by: set[str] = field(default_factory=set)


@dataclass
class Device:
    """One member: its state, and how much of the log it has taken in (its epoch says it)."""

    group: Group

    @property
    def epoch(self) -> int:
        return self.group.epoch


class Conversation(RuleBasedStateMachine):
    """The model: an ordered log of commits, and the set of members after each."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[str, Device] = {}
        self.log: list[MLSMessage] = []
        self.rosters: list[frozenset[str]] = []
        self.said: list[Said] = []
        self.authenticators: dict[int, bytes] = {}
        self.born = 0

    @initialize()
    def somebody_begins(self) -> None:
        group = create_group(key_package_of("founder"), b"model", POLICY)
        self.devices["founder"] = Device(group)
        self.rosters.append(frozenset({"founder"}))

    @property
    def head(self) -> int:
        return len(self.log)

    def _some(self, data: st.DataObject, names: list[str]) -> str:
        return data.draw(st.sampled_from(sorted(names)))

    def _up_to_date(self) -> list[str]:
        return [name for name, device in self.devices.items() if device.epoch == self.head]

    @rule(data=st.data(), private=st.booleans())
    def somebody_commits(self, data: st.DataObject, private: bool) -> None:  # noqa: FBT001
        """Whoever is behind loses the race, and nobody is the worse for it."""
        name = self._some(data, list(self.devices))
        device = self.devices[name]
        roster = self.rosters[device.epoch]
        leaving = sorted(roster - {name, "founder"})
        kind = data.draw(st.sampled_from(["renew", "add", "remove"]))
        proposals: list[Proposal] = []
        newcomer = None
        if kind == "add" and len(roster) < MOST:
            self.born += 1
            newcomer = f"member {self.born}"
            own = key_package_of(newcomer)
            proposals = [Add(key_package=own.package)]
        elif kind == "remove" and leaving:
            gone = data.draw(st.sampled_from(leaving))
            roster -= {gone}
            proposals = [Remove(removed=self._leaf(device.group, gone))]
        plan = CommitPlan(proposals=proposals, framing=PRIVATE if private else PUBLIC)
        pending = commit(device.group, plan, POLICY)
        device.group = pending.before
        if device.epoch != self.head:
            self._nobody_takes_it(pending, name)
            return
        device.group = pending.group
        self.log.append(over_the_wire(pending.message))
        if newcomer is not None:
            roster |= {newcomer}
            assert pending.welcome is not None
            assert isinstance(pending.welcome.body, Welcome)
            self.devices[newcomer] = Device(join(pending.welcome.body, own, POLICY))
        self.rosters.append(roster)

    def _leaf(self, group: Group, name: str) -> LeafIndex:
        credential = BasicCredential(identity=name.encode())
        return next(i for i, leaf in group.tree.members() if leaf.credential == credential)

    def _nobody_takes_it(self, pending: PendingCommit, maker: str) -> None:
        for name in self._up_to_date():
            if name != maker:
                with pytest.raises(MLSError):
                    process(self.devices[name].group, pending.message, POLICY)

    @precondition(lambda self: any(d.epoch < self.head for d in self.devices.values()))
    @rule(data=st.data())
    def somebody_catches_up(self, data: st.DataObject) -> None:
        behind = [name for name, device in self.devices.items() if device.epoch < self.head]
        name = self._some(data, behind)
        device = self.devices[name]
        epoch = device.epoch
        received = process(device.group, self.log[epoch], POLICY)
        if name in self.rosters[epoch + 1]:
            assert isinstance(received, CommitReceived)
            device.group = received.group
        else:
            assert isinstance(received, RemovedFromGroup)
            del self.devices[name]

    @precondition(lambda self: any(d.epoch < self.head for d in self.devices.values()))
    @rule(data=st.data())
    def a_commit_comes_out_of_order(self, data: st.DataObject) -> None:
        name = self._some(data, list(self.devices))
        device = self.devices[name]
        wrong = [n for n in range(self.head) if n != device.epoch]
        if wrong:
            with pytest.raises(MLSError):
                process(device.group, self.log[data.draw(st.sampled_from(wrong))], POLICY)

    @rule(data=st.data(), count=st.integers(1, 3))
    def somebody_speaks(self, data: st.DataObject, count: int) -> None:
        name = self._some(data, list(self.devices))
        device = self.devices[name]
        for _ in range(count):
            text = f"{len(self.said)} by {name}".encode()
            sent = encrypt(device.group, text)
            device.group = sent.group
            audience = self.rosters[device.epoch] - {name}
            said = Said(over_the_wire(sent.message), text, device.epoch, name, audience)
            self.said.append(said)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def a_message_arrives(self, data: st.DataObject) -> None:
        """In any order, any number of times, or never."""
        said = data.draw(st.sampled_from(self.said))
        name = self._some(data, list(self.devices))
        device = self.devices[name]
        is_first = name in said.audience and name not in said.heard_by
        is_near = device.epoch - PAST_EPOCHS <= said.epoch <= device.epoch
        if is_first and is_near:
            heard = process(device.group, said.message, POLICY)
            assert isinstance(heard, ApplicationMessage)
            assert heard.data == said.text
            assert heard.leaf.credential == BasicCredential(identity=said.speaker.encode())
            device.group = heard.group
            said.heard_by.add(name)
        else:
            before = save(device.group)
            with pytest.raises(MLSError):
                process(device.group, said.message, POLICY)
            assert save(device.group) == before

    @rule(data=st.data())
    def somebody_restarts(self, data: st.DataObject) -> None:
        device = self.devices[self._some(data, list(self.devices))]
        device.group = load(save(device.group))

    @invariant()
    def all_in_an_epoch_agree(self) -> None:
        for device in self.devices.values():
            known = self.authenticators.setdefault(
                device.epoch, bytes(device.group.epoch_authenticator)
            )
            assert device.group.epoch_authenticator == known

    @invariant()
    def everyone_knows_who_is_there(self) -> None:
        for device in self.devices.values():
            names = {
                leaf.credential.identity.decode()  # type: ignore[union-attr]  # all are basic
                for leaf in device.group.members.values()
            }
            assert names == self.rosters[device.epoch]


def test_the_group_behaves_like_the_model() -> None:
    run_state_machine_as_test(
        Conversation,
        settings=settings(
            max_examples=100,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
