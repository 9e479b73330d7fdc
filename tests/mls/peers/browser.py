"""The engine of the browser client behind the face of the other peers.

It runs in Node, built with the browser client's own tools. Where those are not installed, the
tests that need it are skipped and say so.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.group.storage import SavedGroup, load, save
from securechat_sdk.mls.messages.mls_message import MLSMessage
from tests.mls.peers.clients import NOW, POLICY, Change, Committed, OurPeer, as_json, program

WEB = Path(__file__).resolve().parents[3] / "web"
_POLICY = {"now": POLICY.now, "longest": POLICY.longest_lifetime}


class BrowserEngineError(Exception):
    """The engine threw something that is none of its refusals, or is gone: always a bug."""


class Refusal(Exception):
    """The engine refused, and this is its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BrowserEngine:
    """One Node process in which any number of clients live."""

    def __init__(self, node: str) -> None:
        self.process = subprocess.Popen(
            [node, "--enable-source-maps", str(WEB / "dist-tests" / "mls" / "peer.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, client: str, operation: str, **arguments: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"client": client, "operation": operation, **arguments}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise BrowserEngineError("the process ended")
        answer: dict[str, Any] = json.loads(line)
        if "bug" in answer:
            raise BrowserEngineError(answer["bug"])
        if "refused" in answer:
            raise Refusal(answer["refused"])
        return answer

    def close(self) -> None:
        self.process.communicate()


class NoBrowserEngineError(Exception):
    """What has to be installed before the browser's engine can be built."""


def built_tools() -> str:
    """Build the tests' programs; the path of the Node that runs them."""
    node = program("node")
    if node is None:
        raise NoBrowserEngineError("there is no Node to run the browser's engine")
    if not (WEB / "node_modules" / "esbuild").is_dir():
        raise NoBrowserEngineError(f"to build the browser's engine run `npm ci` in {WEB}")
    subprocess.run([node, "build.mjs", "--tools"], cwd=WEB, check=True)
    return node


def start_browser_engine() -> BrowserEngine | str:
    """The process, freshly built, or why there is none."""
    try:
        return BrowserEngine(built_tools())
    except NoBrowserEngineError as missing:
        return str(missing)


def code_of(engine: BrowserEngine, client: str, operation: str, **arguments: object) -> str:
    """The code of the refusal, or that there was none."""
    try:
        engine.ask(client, operation, **arguments)
    except Refusal as refusal:
        return refusal.code
    return "accepted"


def hears(engine: BrowserEngine, group: Group, message: MLSMessage, **policy: object) -> str:
    """What the browser's engine says of a message to a member whose state Python wrote.

    The peer itself makes sure that a refused message leaves the state as it was.
    """
    saved = save(group)
    engine.ask("target", "load", secret=saved.secret.hex(), public=saved.public.hex())
    return code_of(engine, "target", "process", message=message.encode().hex(), **policy)


@dataclass
class BrowserPeer:
    """A member in the browser's engine, whose state goes through bytes there."""

    name: str
    engine: BrowserEngine
    suite: int = 1
    every: int = 1
    package: bytes | None = None
    is_member: bool = True

    def ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        return self.engine.ask(self.name, operation, **_POLICY, **arguments)

    def key_package(self) -> bytes:
        self.package = bytes.fromhex(self.make_key_package()["message"])
        return self.package

    def make_key_package(self) -> dict[str, Any]:
        return self.ask("new", name=self.name, suite=self.suite, made=NOW, every=self.every)

    def create(self, group_id: bytes) -> None:
        if self.package is None:
            self.key_package()
        self.ask("create", groupId=group_id.hex())

    def join(self, welcome: bytes) -> None:
        self.ask("join", welcome=welcome.hex())

    def commit(self, changes: Sequence[Change], *, private: bool, path: bool = True) -> Committed:
        proposals = [as_json(change) for change in changes]
        made = self.ask("commit", proposals=proposals, isPrivate=int(private), path=int(path))
        welcome = made["welcome"]
        return Committed(
            bytes.fromhex(made["message"]), None if welcome is None else bytes.fromhex(welcome)
        )

    def accept(self) -> None:
        self.ask("accept")

    def propose(self, change: Change, *, private: bool) -> bytes:
        proposals = [] if change == Change() else [as_json(change)]
        made = self.ask("propose", proposals=proposals, isPrivate=int(private))
        return bytes.fromhex(made["message"])

    def encrypt(self, data: bytes) -> bytes:
        return bytes.fromhex(self.ask("encrypt", data=data.hex())["message"])

    def process(self, message: bytes, sender: str = "") -> bytes | None:  # noqa: ARG002  mls-rs's
        done = self.ask("process", message=message.hex())
        self.is_member = done["kind"] != "RemovedFromGroup"
        return None if done["data"] is None else bytes.fromhex(done["data"])

    def exported(self) -> bytes:
        return bytes.fromhex(self.ask("status")["exported"])

    def saved(self) -> SavedGroup:
        parts = self.ask("save")
        return SavedGroup(bytes.fromhex(parts["secret"]), bytes.fromhex(parts["public"]))

    def load(self, saved: SavedGroup) -> None:
        self.ask("load", secret=saved.secret.hex(), public=saved.public.hex())


@dataclass
class MovingPeer:
    """A member whose state goes to and fro between both engines, as bytes."""

    name: str
    engine: BrowserEngine
    suite: int = 1
    every: int = 1
    dice: Random = field(default_factory=lambda: Random(0))
    moves: int = 0

    def __post_init__(self) -> None:
        self.python = OurPeer(self.name, self.suite, every=self.every)
        self.browser = BrowserPeer(self.name, self.engine, self.suite, self.every)
        self.here: OurPeer | BrowserPeer = self.dice.choice((self.python, self.browser))

    @property
    def is_member(self) -> bool:
        here = self.here
        return here.is_member if isinstance(here, BrowserPeer) else here.group is not None

    def move(self) -> OurPeer | BrowserPeer:
        """Perhaps to the other engine; both have to write the same bytes for the same state."""
        if self.dice.random() * self.every > 0.5:
            return self.here
        self.moves += 1
        if self.here is self.python:
            saved = save(self.python.here)
            self.browser.load(saved)
            assert self.browser.saved() == saved
            self.here = self.browser
        else:
            saved = self.browser.saved()
            self.python.group = load(saved)
            assert save(self.python.group) == saved
            self.here = self.python
        return self.here

    def key_package(self) -> bytes:
        """Made by one engine, used by the other."""
        made = self.browser.make_key_package()
        self.python.own = OwnKeyPackage.decode(bytes.fromhex(made["own"]))
        return bytes.fromhex(made["message"])

    def create(self, group_id: bytes) -> None:
        self.key_package()
        self.here.create(group_id)

    def join(self, welcome: bytes) -> None:
        self.here.join(welcome)

    def commit(self, changes: Sequence[Change], *, private: bool) -> Committed:
        return self.move().commit(changes, private=private)

    def accept(self) -> None:
        self.here.accept()

    def propose(self, change: Change, *, private: bool) -> bytes:
        return self.move().propose(change, private=private)

    def encrypt(self, data: bytes) -> bytes:
        return self.move().encrypt(data)

    def process(self, message: bytes, sender: str = "") -> bytes | None:
        return self.move().process(message, sender)

    def exported(self) -> bytes:
        return self.here.exported()
