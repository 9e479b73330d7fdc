"""Spoiled bytes at the doors of the browser's engine: the outcome and code are Python's.

Anything but a refusal that comes out is a bug, and so is a refused message that changes the state;
the peer says so. `python -m tests.mls.peers.browser_fuzz --cases 1000000` goes on for long.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.outside import join_from_outside
from securechat_sdk.mls.group.process import process
from securechat_sdk.mls.group.storage import SavedGroup, load, save
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.storage import save_public_group
from tests.mls.fuzz import Fuzzer
from tests.mls.peers.browser import BrowserEngine, Refusal, start_browser_engine
from tests.mls.people import NOW
from tests.mls.scenarios.stage import POLICY, key_package_of

ACCEPTED = "accepted"


class BrowserFuzzer(Fuzzer):
    """The same group, samples and spoiler, and each spoiled message goes to both engines."""

    def __init__(self, seed: int, engine: BrowserEngine) -> None:
        self.engine = engine
        super().__init__(seed)
        self.saved = save(self.room.groups["alice"])
        self.gina = key_package_of("gina")
        self._load_alice()
        self._ask("frank", "use", own=self.room.packages["frank"].encode())
        self._ask("gina", "use", own=self.gina.encode())
        stored = {"secret part": self._secret_part, "public part": self._public_part}
        self.samples = tuple(
            replace(sample, door=stored.get(sample.name, sample.door)) for sample in self.samples
        )

    def _load_alice(self) -> None:
        self._ask("alice", "load", secret=self.saved.secret, public=self.saved.public)

    def _ask(self, client: str, operation: str, **parts: bytes) -> str:
        """The code of the refusal, or that there was none."""
        arguments = {name: data.hex() for name, data in parts.items()}
        try:
            self.engine.ask(client, operation, **arguments, now=NOW)
        except Refusal as refusal:
            return refusal.code
        return ACCEPTED

    def _compare(
        self, here: Callable[[], object], client: str, operation: str, **parts: bytes
    ) -> None:
        """Both have to say the same; a refusal goes on to whoever counts them."""
        there = self._ask(client, operation, **parts)
        refusal: MLSError | None = None
        try:
            here()
        except MLSError as refused:
            refusal = refused
        code = ACCEPTED if refusal is None else refusal.code
        assert code == there, f"{operation}: {code} and {there}"
        if refusal is not None:
            raise refusal

    def _message(self, data: bytes) -> None:
        self._compare(lambda: MLSMessage.decode(data), "reader", "decode", message=data)
        message = MLSMessage.decode(data)
        match message.body:
            case UncheckedKeyPackage():
                pass  # the peer has no door for it alone; an Add has
            case Welcome() as welcome:
                frank = self.room.packages["frank"]
                self._compare(lambda: join(welcome, frank, POLICY), "frank", "join", welcome=data)
            case GroupInfo() as info:
                group_info = info.encode()
                self._compare(
                    lambda: join_from_outside(info, self.gina, POLICY),
                    "gina",
                    "outside",
                    groupInfo=group_info,
                )
            case PublicMessage():
                self._both(message)
            case _:
                self._process(message)

    def _both(self, message: MLSMessage) -> None:
        body, public = message.body, self.room.public
        assert isinstance(body, PublicMessage)
        assert public is not None
        group, data = save_public_group(public), message.encode()
        try:
            self._compare(
                lambda: public.receive(body, POLICY), "server", "receive", group=group, message=data
            )
        except MLSError:
            self.counts["refused"] += 1
        self._process(message)

    def _process(self, message: MLSMessage) -> None:
        alice = self.room.groups["alice"]
        self._compare(
            lambda: process(alice, message, POLICY), "alice", "process", message=message.encode()
        )
        self._load_alice()

    def _secret_part(self, data: bytes) -> None:
        self._stored(SavedGroup(data, self.saved.public))

    def _public_part(self, data: bytes) -> None:
        self._stored(SavedGroup(self.saved.secret, data))

    def _stored(self, saved: SavedGroup) -> None:
        """The peer also saves what it loaded, which need not give the same bytes for these."""
        try:
            if save(load(saved)) != saved:
                return
        except MLSError:
            pass
        self._compare(
            lambda: load(saved), "loader", "load", secret=saved.secret, public=saved.public
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    engine = start_browser_engine()
    if isinstance(engine, str):
        sys.stderr.write(engine + "\n")
        return 1
    fuzzer = BrowserFuzzer(options.seed, engine)
    begun = time.perf_counter()
    fuzzer.run(options.cases)
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{options.cases} cases in {seconds:.0f} s, alike: {fuzzer.counts}\n")
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
