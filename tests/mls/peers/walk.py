"""Random walks of groups with members of several makes.

Every step is taken in by every member and by the server's public group, and all of them have to
end it in the same state. `python -m tests.mls.peers.walk --operations 5000` walks far.
"""

import argparse
import random
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.tree.math import direct_path
from securechat_sdk.mls.tree.paths import filtered_path
from tests.mls.peers.clients import (
    POLICY,
    Change,
    Committed,
    MlsRsPeer,
    OurPeer,
    Peer,
    TsMls,
    TsMlsError,
    TsPeer,
    start_ts_mls,
)

TS_MLS_UNMERGED = "must list leaf node in its unmerged_leaves"

Maker = Callable[[str], Peer]


@dataclass
class Walk:
    """A group on its way, and the dice."""

    makers: Sequence[Maker]
    seed: int
    most: int = 12
    suite: int = 1
    members: dict[str, Peer] = field(default_factory=dict)
    born: int = 0
    blind: bool = False
    turned_down: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        founder = OurPeer("founder", self.suite)
        founder.create(b"walk %d" % self.seed)
        self.members["founder"] = founder
        self.public = self._public_of(founder)

    @property
    def founder(self) -> OurPeer:
        """One of ours is always there: the public group begins anew from it when it has to."""
        founder = self.members["founder"]
        assert isinstance(founder, OurPeer)
        return founder

    def _public_of(self, peer: OurPeer) -> PublicGroup:
        return PublicGroup.from_group_info(peer.here.group_info(with_tree=True), POLICY)

    def leaf(self, name: str) -> LeafIndex:
        credential = BasicCredential(identity=name.encode())
        return next(
            index for index, leaf in self.public.tree.members() if leaf.credential == credential
        )

    def run(self, operations: int) -> None:
        steps = (
            (self.somebody_comes, 4),
            (self.somebody_goes, 3),
            (self.somebody_renews, 3),
            (self.somebody_proposes, 3),
            (self.somebody_enters, 1),
            (self.everybody_chats, 2),
            (self.two_commit_at_once, 1),
        )
        kinds, weights = zip(*steps, strict=True)
        for _ in range(operations):
            step = self.dice.choices(kinds, weights)[0]
            step()
            self.counts[step.__name__] = self.counts.get(step.__name__, 0) + 1
            self.agree()

    def agree(self) -> None:
        """Every member exports the same secret, and the server is where they are."""
        exported = {name: peer.exported() for name, peer in self.members.items()}
        assert len(set(exported.values())) == 1, exported
        assert self.public.context == self.founder.here.context

    def somebody_comes(self) -> None:
        newcomers = [self._newborn() for _ in range(self.dice.choice((1, 1, 2, 3)))]
        if len(self.members) + len(newcomers) > self.most:
            return
        changes = [Change(add=peer.key_package(), name=peer.name) for peer in newcomers]
        self._commit(self._committer(changes), changes, newcomers)

    def somebody_goes(self) -> None:
        leaving = [name for name in self.members if name != "founder"]
        if len(leaving) < 2:
            return
        chosen = self.dice.sample(leaving, k=min(len(leaving) - 1, self.dice.choice((1, 1, 2))))
        changes = [Change(remove=self.leaf(name), name=name) for name in chosen]
        committer = self._committer(changes)
        self._commit(committer, changes, [])

    def somebody_renews(self) -> None:
        self._commit(self._committer([]), [], [])

    def somebody_proposes(self) -> None:
        """One proposes, another commits."""
        proposer = self.dice.choice(list(self.members))
        newcomer, change = self._proposal(proposer)
        if change is None:
            return
        private = self._may_be_private() and not isinstance(self.members[proposer], MlsRsPeer)
        message = self.members[proposer].propose(change, private=private)
        self._everyone_hears(message, proposer)
        others = [n for n in self.members if n not in (proposer, change.name)]
        able = [name for name in others if self._can_commit_waiting(name, change)]
        committer = self.dice.choice(able) if able else "founder"
        if committer == change.name:
            return
        newcomers = [newcomer] if newcomer else []
        self._commit(committer, [], newcomers, private=private, waiting=[change])

    def _proposal(self, proposer: str) -> tuple[Peer | None, Change | None]:
        peer = self.members[proposer]
        kind = self.dice.choice(("add", "remove", "update"))
        if kind == "update" and isinstance(peer, OurPeer):
            return None, Change()
        if kind == "add" and len(self.members) < self.most:
            newcomer = self._newborn()
            return newcomer, Change(add=newcomer.key_package(), name=newcomer.name)
        leaving = [n for n in self.members if n not in ("founder", proposer)]
        changes = [Change(remove=self.leaf(name), name=name) for name in leaving]
        possible = [each for each in changes if self._knows(peer, each)]
        return None, self.dice.choice(possible) if possible else None

    def somebody_enters(self) -> None:
        """From outside, by an external commit of ours."""
        if len(self.members) >= self.most:
            return
        newcomer = OurPeer(self._name(), self.suite)
        newcomer.key_package()
        assert newcomer.own is not None
        info = self.founder.here.group_info(with_tree=True)
        joined = join_from_outside(info, newcomer.own, POLICY)
        self._everyone_hears(joined.message.encode(), newcomer.name)
        self._server_catches_up()
        newcomer.keep(joined.group)
        self.members[newcomer.name] = newcomer

    def everybody_chats(self) -> None:
        """Some messages, which arrive at each in another order."""
        speakers = self.dice.choices(list(self.members), k=5)
        said = [
            (name, text, self.members[name].encrypt(text))
            for number, name in enumerate(speakers)
            for text in [b"%d by %s" % (number, name.encode())]
        ]
        for listener, peer in self.members.items():
            for name, text, message in self.dice.sample(said, k=len(said)):
                if name != listener:
                    assert peer.process(message, name) == text

    def two_commit_at_once(self) -> None:
        """One wins; the other's commit is refused by all and forgotten by its maker."""
        ours = [name for name, peer in self.members.items() if isinstance(peer, OurPeer)]
        if len(ours) < 2:
            return
        loser = self.dice.choice(ours)
        lost = self.members[loser].commit([], private=False)
        others = [name for name in self.members if name != loser and self._can_renew(name)]
        self._commit(self.dice.choice([*others, "founder"]), [], [], private=False)
        if loser != "founder" or others:
            for name in ours:
                if name != loser:
                    self._is_refused(name, lost)

    def _is_refused(self, name: str, lost: Committed) -> None:
        before = self.members[name].exported()
        try:
            self.members[name].process(lost.message)
        except MLSError:
            assert self.members[name].exported() == before
        else:
            raise AssertionError("a late commit was taken in")

    def _newborn(self) -> Peer:
        return self.dice.choice(self.makers)(self._name())

    def _name(self) -> str:
        self.born += 1
        return f"member {self.born}"

    def _may_be_private(self) -> bool:
        """mls-rs's binding reads private handshakes; the others also make them."""
        return self.dice.random() < 0.3

    def _committer(self, changes: Sequence[Change]) -> str:
        leaving = {change.name for change in changes if change.remove is not None}
        staying = [name for name in self.members if name not in leaving]
        able = [name for name in staying if self._can_commit(name, changes)]
        return self.dice.choice(able) if able else "founder"

    def _can_commit(self, name: str, changes: Sequence[Change]) -> bool:
        peer = self.members[name]
        removes = [change for change in changes if change.remove is not None]
        if isinstance(peer, TsPeer) and removes:
            # Its commit of one removal has no path: what everyone refuses, see test_ts_mls.
            return len(removes) > 1
        return all(self._knows(peer, change) for change in removes)

    def _can_commit_waiting(self, name: str, change: Change) -> bool:
        peer = self.members[name]
        return not (isinstance(peer, TsPeer) and change.add is None)

    def _can_renew(self, name: str) -> bool:
        return self._can_commit(name, [])

    def _knows(self, peer: Peer, change: Change) -> bool:
        if not isinstance(peer, MlsRsPeer) or change.remove is None:
            return True
        other = self.members[change.name]
        if isinstance(other, MlsRsPeer):
            peer.identities[change.name] = other.client.signing_identity()
        return change.name in peer.identities

    def _commit(
        self,
        committer: str,
        changes: Sequence[Change],
        newcomers: Sequence[Peer],
        *,
        private: bool | None = None,
        waiting: Sequence[Change] = (),
    ) -> None:
        peer = self.members[committer]
        if private is None:
            private = self._may_be_private()
        if isinstance(peer, MlsRsPeer):
            private = False
        made = peer.commit(changes, private=private)
        gone = [change for change in (*changes, *waiting) if change.remove is not None]
        leaving = {change.name for change in gone}
        self._everyone_hears(made.message, committer, leaving)
        peer.accept()
        self._forget_the_gone()
        self._server_catches_up()
        outside = [each for each in newcomers if not self._enters(each, made.welcome)]
        if outside:
            shown = [Change(remove=self.leaf(each.name), name=each.name) for each in outside]
            self._commit("founder", shown, [])

    def _enters(self, newcomer: Peer, welcome: bytes | None) -> bool:
        """Whether the newcomer takes the Welcome, as everyone but ts-mls has to.

        ts-mls wants all nodes above an unmerged leaf to have the same unmerged leaves. That is
        not the RFC's rule, so it turns down good Welcomes, and is shown out again.
        """
        assert welcome is not None
        try:
            newcomer.join(welcome)
        except TsMlsError as refusal:
            if TS_MLS_UNMERGED not in str(refusal):
                raise
            self.turned_down += 1
            return False
        self.members[newcomer.name] = newcomer
        return True

    def _is_spared(self, peer: Peer, leaving: Collection[str]) -> bool:
        """ts-mls raises an internal error at the commit that removes it: one of its faults."""
        return isinstance(peer, TsPeer) and peer.name in leaving

    def _everyone_hears(self, message: bytes, sender: str, leaving: Collection[str] = ()) -> None:
        body = MLSMessage.decode(message).body
        if isinstance(body, PublicMessage) and not self.blind:
            self.public = self.public.receive(body, POLICY)
        else:
            self.blind = True
        for name, peer in list(self.members.items()):
            if name != sender and not self._is_spared(peer, leaving):
                peer.process(message, sender)
                if isinstance(peer, OurPeer) and peer.group is None:
                    del self.members[name]
        self._forget_the_gone()

    def _server_catches_up(self) -> None:
        """What was encrypted, the server did not see; a member tells it where the group is."""
        if self.blind:
            self.public = self._public_of(self.founder)
            self.blind = False

    def _forget_the_gone(self) -> None:
        present = {leaf.credential for _index, leaf in self.founder.here.tree.members()}
        for name in list(self.members):
            if BasicCredential(identity=name.encode()) not in present:
                del self.members[name]


def is_half_blank(public: PublicGroup) -> bool:
    """Whether somebody's path leaves out a node because nobody is on its other side."""
    tree = public.tree
    return any(
        len(filtered_path(tree, leaf)) < len(direct_path(leaf, tree.slots))
        for leaf, _node in tree.members()
    )


def makers_of(kinds: str, node: TsMls | None, suite: int = 1) -> list[Maker]:
    """A letter each: o for ours, r for mls-rs, t for ts-mls."""

    def ours(name: str) -> Peer:
        return OurPeer(name, suite)

    def mls_rs(name: str) -> Peer:
        return MlsRsPeer(name)

    def ts_mls(name: str) -> Peer:
        assert node is not None
        return TsPeer(name, node, suite)

    return [{"o": ours, "r": mls_rs, "t": ts_mls}[kind] for kind in kinds]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=5_000)
    parser.add_argument("--kinds", default="orr", help="o ours, r mls-rs, t ts-mls")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--suite", type=int, default=1)
    options = parser.parse_args(arguments)
    node = start_ts_mls() if "t" in options.kinds else None
    if isinstance(node, str):
        sys.stderr.write(node + "\n")
        return 1
    makers = makers_of(options.kinds, node, options.suite)
    walk = Walk(makers, options.seed, options.most, options.suite)
    walk.run(options.operations)
    sys.stdout.write(f"{options.operations} operations, all agree: {walk.counts}\n")
    if walk.turned_down:
        sys.stdout.write(f"ts-mls turned down {walk.turned_down} good Welcomes\n")
    if node is not None:
        node.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
