"""Clients of three makes behind one face: ours, AWS mls-rs, and ts-mls."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import mls_rs_uniffi as mls_rs

from securechat_sdk.mls.group.commit import CommitPlan, PendingCommit, commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.key_packages import OwnKeyPackage, make_key_package
from securechat_sdk.mls.group.messages import (
    PRIVATE,
    PUBLIC,
    encrypt,
    propose,
    propose_update,
)
from securechat_sdk.mls.group.process import ApplicationMessage, RemovedFromGroup, process
from securechat_sdk.mls.group.storage import load, save
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import Lifetime
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.policy import Policy
from tests.mls.people import DAY, accept_anyone
from tests.mls.scenarios.stage import make_client

FOLDER = Path(__file__).resolve().parent
LABEL = b"agreement"

NOW = int(time.time())
# mls-rs makes key packages for a year, and both others ask the real clock.
POLICY = Policy(judge=accept_anyone, now=NOW + 3600, longest_lifetime=366 * DAY)


@dataclass(frozen=True)
class Committed:
    """A commit on its way and the Welcome for those it adds."""

    message: bytes
    welcome: bytes | None


@dataclass(frozen=True)
class Change:
    """What is committed or proposed: somebody comes or goes."""

    add: bytes | None = None
    remove: int | None = None
    name: str = ""


class Peer(Protocol):
    """What the walks and stories ask of a client, whatever it is made of."""

    name: str

    def key_package(self) -> bytes: ...

    def create(self, group_id: bytes) -> None: ...

    def join(self, welcome: bytes) -> None: ...

    def commit(self, changes: Sequence[Change], *, private: bool) -> Committed: ...

    def accept(self) -> None: ...

    def propose(self, change: Change, *, private: bool) -> bytes: ...

    def encrypt(self, data: bytes) -> bytes: ...

    def process(self, message: bytes, sender: str = "") -> bytes | None: ...

    def exported(self) -> bytes: ...


@dataclass
class OurPeer:
    """The engine under test; its state goes through bytes after every step, or every so-manieth."""

    name: str
    suite: int = 1
    group: Group | None = None
    own: OwnKeyPackage | None = None
    pending: PendingCommit | None = None
    every: int = 1
    steps: int = 0

    @property
    def here(self) -> Group:
        assert self.group is not None
        return self.group

    def keep(self, group: Group) -> None:
        self.steps += 1
        self.group = group if self.steps % self.every else load(save(group))

    def key_package(self) -> bytes:
        client = make_client(self.name, self.suite)
        client = replace(client, capabilities=replace(client.capabilities, credentials=(1, 2)))
        lifetime = Lifetime(not_before=NOW - DAY, not_after=NOW + 80 * DAY)
        self.own = make_key_package(client, lifetime)
        return MLSMessage.of(self.own.package).encode()

    def create(self, group_id: bytes) -> None:
        if self.own is None:
            self.key_package()
        assert self.own is not None
        self.keep(create_group(self.own, group_id, POLICY))

    def join(self, welcome: bytes) -> None:
        body = MLSMessage.decode(welcome).body
        assert isinstance(body, Welcome)
        assert self.own is not None
        self.keep(join(body, self.own, POLICY))

    def commit(self, changes: Sequence[Change], *, private: bool, path: bool = True) -> Committed:
        proposals = [as_proposal(change) for change in changes]
        framing = PRIVATE if private else PUBLIC
        plan = CommitPlan(proposals=proposals, framing=framing, path=path)
        self.pending = commit(self.here, plan, POLICY)
        self.keep(self.pending.before)
        welcome = self.pending.welcome
        return Committed(
            self.pending.message.encode(), None if welcome is None else welcome.encode()
        )

    def accept(self) -> None:
        assert self.pending is not None
        self.keep(self.pending.group)

    def propose(self, change: Change, *, private: bool) -> bytes:
        framing = PRIVATE if private else PUBLIC
        if change == Change():
            sent = propose_update(self.here, POLICY, framing=framing)
        else:
            sent = propose(self.here, as_proposal(change), POLICY, framing)
        self.keep(sent.group)
        return sent.message.encode()

    def encrypt(self, data: bytes) -> bytes:
        sent = encrypt(self.here, data, authenticated_data=b"", padding=3)
        self.keep(sent.group)
        return sent.message.encode()

    def process(self, message: bytes, sender: str = "") -> bytes | None:  # noqa: ARG002  mls-rs's
        received = process(self.here, MLSMessage.decode(message), POLICY)
        if isinstance(received, RemovedFromGroup):
            self.group = None
            return None
        self.keep(received.group)
        return received.data if isinstance(received, ApplicationMessage) else None

    def exported(self) -> bytes:
        return bytes(self.here.export(LABEL, b"", 32))


def as_proposal(change: Change) -> Proposal:
    if change.add is not None:
        body = MLSMessage.decode(change.add).body
        assert isinstance(body, UncheckedKeyPackage)
        return Add(key_package=body)
    assert change.remove is not None
    return Remove(removed=LeafIndex(change.remove))


@dataclass
class MlsRsPeer:
    """AWS mls-rs; it knows members by identities that it has to have heard of."""

    name: str
    suite: int = 1
    client: Any = None
    group: Any = None
    commit_message: Any = None
    identities: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = mls_rs.generate_signature_keypair(mls_rs.CipherSuite.CURVE25519_AES128)
        config = mls_rs.client_config_default()
        self.client = mls_rs.Client(self.name.encode(), keys, config)

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package_message().to_bytes())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self.group = self.client.join_group(None, mls_rs.Message.from_bytes(welcome)).group

    def commit(self, changes: Sequence[Change], *, private: bool) -> Committed:
        """Either additions or removals, in public, as its binding allows."""
        assert not private
        adds = [mls_rs.Message.from_bytes(each.add) for each in changes if each.add is not None]
        removes = [self.identities[each.name] for each in changes if each.remove is not None]
        assert not (adds and removes)
        if adds:
            made = self.group.add_members(adds)
        elif removes:
            made = self.group.remove_members(removes)
        else:
            made = self.group.commit()
        self.commit_message = made.commit_message
        welcome = made.welcome_message
        return Committed(
            bytes(made.commit_message.to_bytes()),
            None if welcome is None else bytes(welcome.to_bytes()),
        )

    def accept(self) -> None:
        self.group.process_incoming_message(self.commit_message)

    def propose(self, change: Change, *, private: bool) -> bytes:
        assert not private
        if change.add is not None:
            (made,) = self.group.propose_add_members([mls_rs.Message.from_bytes(change.add)])
        else:
            (made,) = self.group.propose_remove_members([self.identities[change.name]])
        return bytes(made.to_bytes())

    def encrypt(self, data: bytes) -> bytes:
        return bytes(self.group.encrypt_application_message(data).to_bytes())

    def process(self, message: bytes, sender: str = "") -> bytes | None:
        received = self.group.process_incoming_message(mls_rs.Message.from_bytes(message))
        self._remember(sender, received)
        return bytes(received.data) if received.is_application_message() else None

    def _remember(self, sender: str, received: Any) -> None:
        """Whom it heard, it can remove."""
        known = received.committer if received.is_commit() else received.sender
        self.identities[sender] = known

    def exported(self) -> bytes:
        return bytes(self.group.export_secret(LABEL, b"", 32))


class TsMls:
    """One Node process in which any number of ts-mls clients live."""

    def __init__(self, node: str) -> None:
        self.process = subprocess.Popen(
            [node, str(FOLDER / "ts_mls_peer.mjs")],
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
            raise TsMlsError("the ts-mls process ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise TsMlsError(answer["error"])
        return answer

    def close(self) -> None:
        self.process.communicate()


class TsMlsError(Exception):
    """ts-mls refused something, or is not there."""


def program(name: str) -> str | None:
    """The one that the project's Python packages bring, or the system's."""
    ours = Path(sys.executable).parent / name
    return str(ours) if ours.exists() else shutil.which(name)


def start_ts_mls() -> TsMls | str:
    """The process, installed on the first use, or why there is none."""
    node = program("node")
    if node is None:
        return "there is no Node to run ts-mls"
    if not (FOLDER / "node_modules" / "ts-mls").is_dir():
        npm = program("npm")
        if npm is None or subprocess.run([npm, "ci"], cwd=FOLDER, check=False).returncode:
            return f"ts-mls could not be installed: run `npm ci` in {FOLDER}"
    return TsMls(node)


@dataclass
class TsPeer:
    """ts-mls in Node."""

    name: str
    node: TsMls
    suite: int = 1
    package: bytes | None = None

    def ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        return self.node.ask(self.name, operation, **arguments)

    def key_package(self, *, compressed: bool = False) -> bytes:
        made = self.ask("new", name=self.name, suite=self.suite, now=NOW, compressed=compressed)
        self.package = bytes.fromhex(made["message"])
        return self.package

    def create(self, group_id: bytes) -> None:
        if self.package is None:
            self.key_package()
        self.ask("create", groupId=group_id.hex())

    def join(self, welcome: bytes) -> None:
        self.ask("join", welcome=welcome.hex())

    def commit(self, changes: Sequence[Change], *, private: bool) -> Committed:
        made = self.ask(
            "commit", proposals=[as_json(change) for change in changes], isPrivate=private
        )
        welcome = made.get("welcome")
        return Committed(
            bytes.fromhex(made["message"]), None if welcome is None else bytes.fromhex(welcome)
        )

    def accept(self) -> None:
        self.ask("accept")

    def propose(self, change: Change, *, private: bool) -> bytes:
        made = self.ask("propose", proposal=as_json(change), isPrivate=private)
        return bytes.fromhex(made["message"])

    def encrypt(self, data: bytes) -> bytes:
        made = self.ask("encrypt", data=data.hex(), authenticatedData="")
        return bytes.fromhex(made["message"])

    def process(self, message: bytes, sender: str = "") -> bytes | None:  # noqa: ARG002  mls-rs's
        done = self.ask("process", message=message.hex())
        return bytes.fromhex(done["data"]) if "data" in done else None

    def exported(self) -> bytes:
        return bytes.fromhex(self.ask("status")["exported"])


def as_json(change: Change) -> dict[str, object]:
    if change.add is not None:
        return {"add": change.add.hex()}
    return {"remove": change.remove}
