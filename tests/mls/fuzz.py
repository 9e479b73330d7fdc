"""Spoiled bytes at every door of the engine: nothing but the package's own errors comes out.

`python -m tests.mls.fuzz --cases 10000000` goes on for hours; the tests take 100,000.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from securechat_sdk.identity import DeviceCredential, issue
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.commit import CommitPlan, commit
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.messages import PRIVATE, encrypt, propose, propose_update
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.group.process import process
from securechat_sdk.mls.group.storage import SavedGroup, load, save
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.framing import ProposalContent, PublicMessage
from securechat_sdk.mls.messages.group_info import GroupInfo, GroupInfoContent
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.storage import load_public_group, save_public_group
from tests.mls.attacks.forge import Forger
from tests.mls.people import accept_anyone
from tests.mls.scenarios.stage import POLICY, key_package_of, make_room
from tests.mls.scenarios.test_outside import SERVER, SERVER_KEY

SLOWEST = 2.0
"""No spoiled message may keep the engine busy for longer, in seconds."""

Door = Callable[[bytes], object]


@dataclass(frozen=True)
class Sample:
    """Good bytes and the door they go in by."""

    name: str
    data: bytes
    door: Door


class Fuzzer:
    """A group in the middle of its life, good messages of every kind, and a spoiler."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        names = ("alice", "bob", "carol", "dave", "erin")
        self.room = make_room(*names, extensions=(SERVER,), one_by_one=True)
        self.room.commit("bob", [self.room.remove("dave")])
        self.samples = tuple(self._samples())
        self.counts = {"taken in": 0, "refused": 0}

    def run(self, cases: int) -> None:
        for _ in range(cases):
            sample = self.dice.choice(self.samples)
            self._try(sample, spoil(self.dice, sample.data))

    def _try(self, sample: Sample, data: bytes) -> None:
        begun = time.perf_counter()
        try:
            sample.door(data)
        except MLSError:
            self.counts["refused"] += 1
        except Exception as escaped:
            raise AssertionError(f"{sample.name}: {data.hex()}") from escaped
        else:
            self.counts["taken in"] += 1
        if time.perf_counter() - begun > SLOWEST and _seconds_of_work(sample, data) > SLOWEST:
            raise AssertionError(f"{sample.name} took too long: {data.hex()}")

    def _samples(self) -> list[Sample]:
        room, bob = self.room, self.room.groups["bob"]
        add = room.invite("frank")
        pending = commit(bob, CommitPlan(proposals=[add, room.remove("erin")]), POLICY)
        assert pending.welcome is not None
        private = commit(bob, CommitPlan(framing=PRIVATE), POLICY)
        info = MLSMessage.of(bob.group_info(with_tree=True))
        messages = {
            "commit": pending.message,
            "private commit": private.message,
            "update": propose_update(bob, POLICY).message,
            "add": propose(bob, add, POLICY).message,
            "private add": propose(bob, add, POLICY, PRIVATE).message,
            "application": encrypt(bob, b"hello", padding=5).message,
            "welcome": pending.welcome,
            "group info": info,
            "key package": MLSMessage.of(add.key_package),
            "external commit": self._external_commit(),
        }
        doors = [Sample(name, m.encode(), self._message) for name, m in messages.items()]
        return doors + self._signed_samples(pending.message) + self._other_samples()

    def _external_commit(self) -> MLSMessage:
        info = self.room.groups["bob"].group_info(with_tree=True)
        return join_from_outside(info, key_package_of("gina"), POLICY).message

    def _signed_samples(self, message: MLSMessage) -> list[Sample]:
        """Spoiled inside and signed again: these get past the outer gates."""
        body = message.body
        assert isinstance(body, PublicMessage)
        bob = self.room.groups["bob"]
        said = body.content.content
        remove = ProposalContent(proposal=self.room.remove("erin"))
        update = propose_update(bob, POLICY).message.body
        assert isinstance(update, PublicMessage)
        info = bob.group_info(with_tree=True)
        return [
            Sample("signed commit", said.encode(), self._signed_commit),
            Sample("signed remove", remove.encode(), self._signed_proposal),
            Sample("signed update", update.content.content.encode(), self._signed_proposal),
            Sample("signed group info", info.encode_as(GroupInfoContent), self._signed_info),
        ]

    def _other_samples(self) -> list[Sample]:
        suite, alice = cipher_suite(1), self.room.groups["alice"]
        public = suite.signature.public_key_of(SERVER_KEY)
        credential = issue(SERVER_KEY, bytes(16), bytes(16), public).encode()
        saved = save(alice)
        return [
            Sample("credential", credential, DeviceCredential.parse),
            Sample("public group", save_public_group(alice.public), load_public_group),
            Sample("secret part", saved.secret, lambda data: load(SavedGroup(data, saved.public))),
            Sample("public part", saved.public, lambda data: load(SavedGroup(saved.secret, data))),
        ]

    def _message(self, data: bytes) -> None:
        message = MLSMessage.decode(data)
        assert message.encode() == data
        match message.body:
            case UncheckedKeyPackage():
                message.body.check(now=POLICY.now, suites=(1,), judge=accept_anyone)
            case Welcome():
                join(message.body, self.room.packages["frank"], POLICY)
            case GroupInfo():
                join_from_outside(message.body, key_package_of("gina"), POLICY)
            case PublicMessage():
                self._both(message)
            case _:
                process(self.room.groups["alice"], message, POLICY)

    def _both(self, message: MLSMessage) -> None:
        """The server first, then a member; the member's answer is the test's."""
        assert isinstance(message.body, PublicMessage)
        assert self.room.public is not None
        try:
            self.room.public.receive(message.body, POLICY)
        except MLSError:
            self.counts["refused"] += 1
        process(self.room.groups["alice"], message, POLICY)

    def _signed_commit(self, data: bytes) -> None:
        said = Commit.decode(data)
        message = Forger(self.room.groups["bob"]).say(said)
        assert isinstance(message.body, PublicMessage)
        auth = replace(message.body.auth, confirmation_tag=bytes(32))
        tagged = Forger(self.room.groups["bob"])._framed(
            replace(message.body.authenticated, auth=auth), bytes(32)
        )
        self._both(tagged)

    def _signed_proposal(self, data: bytes) -> None:
        self._both(Forger(self.room.groups["bob"]).say(ProposalContent.decode(data)))

    def _signed_info(self, data: bytes) -> None:
        bob = self.room.groups["bob"]
        info = GroupInfoContent.decode(data).sign(bob.suite, bob.signature_key)
        PublicGroup.from_group_info(info, POLICY)


def spoil(dice: random.Random, data: bytes) -> bytes:
    """The bytes with one change or a few."""
    spoiled = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        dice.choice((_flip, _replace, _drop, _insert, _cut, _repeat, _stretch))(dice, spoiled)
    return bytes(spoiled)


def _seconds_of_work(sample: Sample, data: bytes) -> float:
    """How long the engine itself works at it, whatever else the machine does."""
    begun = time.process_time()
    with suppress(MLSError):
        sample.door(data)
    return time.process_time() - begun


def _flip(dice: random.Random, data: bytearray) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _replace(dice: random.Random, data: bytearray) -> None:
    if data:
        data[dice.randrange(len(data))] = dice.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xFF))


def _drop(dice: random.Random, data: bytearray) -> None:
    if data:
        at = dice.randrange(len(data))
        del data[at : at + dice.choice((1, 2, 4, 32))]


def _insert(dice: random.Random, data: bytearray) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = dice.randbytes(dice.choice((1, 2, 4, 32)))


def _cut(dice: random.Random, data: bytearray) -> None:
    del data[dice.randrange(len(data) + 1) :]


def _repeat(dice: random.Random, data: bytearray) -> None:
    at, size = dice.randrange(len(data) + 1), dice.choice((1, 4, 33, 100))
    data[at:at] = data[at : at + size]


def _stretch(dice: random.Random, data: bytearray) -> None:
    """A length that promises more than is there."""
    if data:
        at = dice.randrange(len(data))
        data[at : at + 4] = dice.choice((b"\xbf\xff\xff\xff", b"\x7f\xff", b"\xff" * 4))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    fuzzer = Fuzzer(options.seed)
    begun = time.perf_counter()
    fuzzer.run(options.cases)
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{options.cases} cases in {seconds:.0f} s: {fuzzer.counts}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
