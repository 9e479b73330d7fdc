"""Random walks of groups whose members live in both of our engines.

Messages are lost, come in any order and come twice, and two commit at once. After every step all
members export the same secret, both engines' public groups are the same bytes, and what one side
refuses the other refuses with the same code. `python -m tests.mls.peers.browser_walk
--operations 5000` walks far. Reading a large state again after every step takes nine tenths of
the time, so far walks do it at every tenth step of a member; the short ones of the tests at each.
"""

import argparse
import random
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass

import pytest

from securechat_sdk.mls.errors import MLSError, WrongEpoch
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.storage import save_public_group
from tests.mls.peers.browser import (
    BrowserEngine,
    BrowserPeer,
    MovingPeer,
    Refusal,
    start_browser_engine,
)
from tests.mls.peers.clients import NOW, POLICY, Change, OurPeer, Peer
from tests.mls.peers.walk import Maker, Walk

LEG = 100
"""Operations between two lines that say how far it is."""


def makers_of(kinds: str, engine: BrowserEngine, suite: int, every: int = 1) -> list[Maker]:
    """A letter each: o for ours, b for the browser's, m for one that moves between both.

    States go through bytes at every so-manieth step of a member.
    """

    def ours(name: str) -> Peer:
        return OurPeer(name, suite, every=every)

    def browser(name: str) -> Peer:
        return BrowserPeer(name, engine, suite, every)

    def moving(name: str) -> Peer:
        return MovingPeer(name, engine, suite, every, random.Random(name))

    return [{"o": ours, "b": browser, "m": moving}[kind] for kind in kinds]


def is_member(peer: Peer) -> bool:
    """Whether the peer has a group, and was not just removed from it."""
    match peer:
        case OurPeer():
            return peer.group is not None
        case BrowserPeer() | MovingPeer():
            return peer.is_member
        case _:
            raise TypeError(peer)


@dataclass(kw_only=True)
class BrowserWalk(Walk):
    """A walk in which everyone can do everything."""

    engine: BrowserEngine
    heard_twice: int = 0
    lost: int = 0

    def _proposal(self, proposer: str) -> tuple[Peer | None, Change | None]:
        if self.dice.random() < 0.3:
            return None, Change()
        return super()._proposal(proposer)

    def somebody_enters(self) -> None:
        """From outside, by an external commit of either engine."""
        if len(self.members) >= self.most:
            return
        newcomer = self._newborn()
        info = self.founder.here.group_info(with_tree=True)
        if isinstance(newcomer, BrowserPeer):
            newcomer.key_package()
            made = newcomer.ask("outside", groupInfo=info.encode().hex())
            message = bytes.fromhex(made["message"])
        else:
            newcomer = newcomer.python if isinstance(newcomer, MovingPeer) else newcomer
            assert isinstance(newcomer, OurPeer)
            newcomer.key_package()
            assert newcomer.own is not None
            joined = join_from_outside(info, newcomer.own, POLICY)
            newcomer.keep(joined.group)
            message = joined.message.encode()
        self._everyone_hears(message, newcomer.name)
        self._server_catches_up()
        self.members[newcomer.name] = newcomer

    def everybody_chats(self) -> None:
        """As elsewhere, and some of the messages never arrive."""
        speakers = self.dice.choices(list(self.members), k=5)
        said = [(name, self.members[name].encrypt(name.encode())) for name in speakers]
        for listener, peer in self.members.items():
            heard = [each for each in said if self.dice.random() < 0.8]
            self.lost += len(said) - len(heard)
            for name, message in self.dice.sample(heard, k=len(heard)):
                if name != listener:
                    assert peer.process(message, name) == name.encode()

    def two_commit_at_once(self) -> None:
        """One wins; the other's commit is refused by all members and both servers alike."""
        names = list(self.members)
        if len(names) < 2:
            return
        loser, winner = self.dice.sample(names, k=2)
        lost = self.members[loser].commit([], private=False).message
        self._commit(winner, [], [], private=False)
        codes = {self._code_of(peer, lost) for name, peer in self.members.items() if name != loser}
        assert codes | self._codes_of_servers(lost) == {WrongEpoch.code}

    def _code_of(self, peer: Peer, message: bytes) -> str:
        before = peer.exported()
        try:
            peer.process(message)
        except (MLSError, Refusal) as refusal:
            assert peer.exported() == before
            return refusal.code
        return "accepted"

    def _codes_of_servers(self, message: bytes) -> set[str]:
        body = MLSMessage.decode(message).body
        assert isinstance(body, PublicMessage)
        with pytest.raises(MLSError) as here:
            self.public.receive(body, POLICY)
        with pytest.raises(Refusal) as there:
            self._other_server(self.public, message)
        return {here.value.code, there.value.code}

    def _everyone_hears(self, message: bytes, sender: str, leaving: Collection[str] = ()) -> None:
        public = self.public
        super()._everyone_hears(message, sender, leaving)
        body = MLSMessage.decode(message).body
        if isinstance(body, PublicMessage) and self.public is not public:
            self._other_server_agrees(public, message)
        for name, peer in self.members.items():
            if name != sender and is_member(peer):
                self._is_refused_again(peer, message)

    def _other_server_agrees(self, before: PublicGroup, message: bytes) -> None:
        assert self._other_server(before, message) == save_public_group(self.public)

    def _other_server(self, before: PublicGroup, message: bytes) -> bytes:
        group = save_public_group(before).hex()
        policy = {"now": NOW + 3600, "longest": POLICY.longest_lifetime}
        after = self.engine.ask("server", "receive", group=group, message=message.hex(), **policy)
        return bytes.fromhex(after["group"])

    def _is_refused_again(self, peer: Peer, message: bytes) -> None:
        """A commit or an encrypted message that arrives twice, now and then."""
        body = MLSMessage.decode(message).body
        repeats = (
            isinstance(body, PublicMessage) and body.content.epoch == self.public.context.epoch
        )
        if repeats or self.dice.random() < 0.8:
            return
        self.heard_twice += 1
        assert self._code_of(peer, message) != "accepted"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=5_000)
    parser.add_argument("--kinds", default="obm", help="o ours, b the browser's, m moving")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=50)
    parser.add_argument("--suite", type=lambda text: int(text, 0), default=1)
    parser.add_argument("--every", type=int, default=10, help="steps between states as bytes")
    options = parser.parse_args(arguments)
    engine = start_browser_engine()
    if isinstance(engine, str):
        sys.stderr.write(engine + "\n")
        return 1
    makers = makers_of(options.kinds, engine, options.suite, options.every)
    walk = BrowserWalk(makers, options.seed, options.most, options.suite, engine=engine)
    begun = time.perf_counter()
    for done in range(0, options.operations, LEG):
        walk.run(min(LEG, options.operations - done))
        seconds, members = time.perf_counter() - begun, len(walk.members)
        sys.stdout.write(f"{sum(walk.counts.values())} in {seconds:.0f} s, {members} members\n")
        sys.stdout.flush()
    sys.stdout.write(f"{options.operations} operations, all agree: {walk.counts}\n")
    sys.stdout.write(f"{walk.heard_twice} messages heard twice and refused, {walk.lost} lost\n")
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
