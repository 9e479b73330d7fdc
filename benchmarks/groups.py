"""What a commit costs the server: its bytes, and the processor's time to check it.

``python -m benchmarks.groups --members 10 100 1000 --json``. For each size the group right after
everybody was added (the worst time), and once every member has committed. ``restore`` reads the
stored state; ``check`` is all that RFC 9420 lets a server check, the GroupInfo, and the next
state's bytes. Both run once for each commit, outside any lock; a message costs neither. The
bytes of a commit and Welcome that add ``--adding`` devices stand beside.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID, uuid4

import django

from benchmarks.mls.steady import steady_group
from benchmarks.product import report
from securechat_sdk.identity import (
    conversation_policy,
    group_extensions,
    issue,
    read_credential,
)
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.group.commit import CommitPlan, PendingCommit, commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.key_packages import Client, OwnKeyPackage, make_key_package
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extensions
from securechat_sdk.mls.messages.leaf_nodes import MLS10, Capabilities, Lifetime
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add
from securechat_sdk.mls.public_group.policy import Policy

T = TypeVar("T")
REPEATS = 5
DAY = 24 * 3600


def cpu_ms(act: Callable[[], T]) -> tuple[float, T]:
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        result = act()
        times.append((time.process_time() - begun) * 1000)
    return statistics.median(times), result


def own_key_package(_name: str, suite: int) -> OwnKeyPackage:
    """Make a key package of some device of some account."""
    chosen, key = cipher_suite(suite), ED25519.generate()
    credential = issue(ED25519.generate(), uuid4().bytes, uuid4().bytes, ED25519.public_key_of(key))
    client = Client(
        suite=chosen,
        signature_key=key,
        credential=BasicCredential(identity=credential.encode()),
        capabilities=Capabilities((MLS10,), (suite,), (), (), (1,)),
    )
    now = int(time.time())
    return make_key_package(client, Lifetime(now - DAY, now + DAY))


def fresh_group(suite: int, members: int, policy: Policy, extensions: Extensions) -> Group:
    """Return the founder's group right after all others were added by one commit."""
    group = create_group(own_key_package("", suite), b"fresh", policy, extensions)
    return add(group, members - 1, policy).group if members > 1 else group


def add(group: Group, count: int, policy: Policy) -> PendingCommit:
    adds = [Add(own_key_package("", group.suite.number).package) for _ in range(count)]
    return commit(group, CommitPlan(proposals=adds, tree_in_welcome=False), policy)


def cost_of_commit(group: Group, policy: Policy) -> dict[str, float]:
    """Have the first member commit nothing but fresh keys, and the server check it."""
    from messaging.envelopes import Owner, read_commit
    from messaging.groups import Snapshot, check_commit

    leaf = group.tree.leaf(group.own_leaf)
    credential = read_credential(leaf.credential)
    owner = Owner(UUID(bytes=credential.device_id), credential.encode(), leaf.signature_key)
    made = commit(group, CommitPlan(tree_in_welcome=False), policy)
    data, info = made.message.encode(), MLSMessage.of(made.group_info).encode()
    before = MLSMessage.of(group.group_info(with_tree=False)).encode()
    restoring, restored = cpu_ms(Snapshot.of(group.public, before).restore)
    now = int(time.time())
    checking, step = cpu_ms(
        lambda: check_commit(restored, read_commit(data), info, sender=owner, now=now)
    )
    return {
        "restore_ms": restoring,
        "check_ms": checking,
        "commit_bytes": len(data),
        "tree_bytes": len(step.snapshot.ratchet_tree),
    }


def measure(sizes: Sequence[int], suite: int, adding: int) -> dict[str, Any]:
    from messaging.groups import external_sender

    policy = conversation_policy(external_sender(), now=int(time.time()))
    extensions = group_extensions(external_sender())
    figures: dict[str, Any] = {"suite": suite}
    for members in sizes:
        fresh = fresh_group(suite, members, policy, extensions)
        steady, _, _ = steady_group(suite, members, make=own_key_package, extensions=extensions)
        for kind, group in (("fresh", fresh), ("steady", steady)):
            cost = cost_of_commit(group, policy)
            figures |= {f"{members}_{kind}_{name}": value for name, value in cost.items()}
        made = add(steady, adding, policy)
        figures[f"{members}_adding_{adding}_commit_bytes"] = len(made.message.encode())
        figures[f"{members}_adding_{adding}_welcome_bytes"] = len(
            made.welcome.encode() if made.welcome else b""
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--suite", type=lambda text: int(text, 0), default=0xF04E)
    parser.add_argument("--adding", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="securechat-groups-") as folder:
        os.environ["SECURECHAT_DATA"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "securechat.settings")
        django.setup()
        figures = measure(options.members, options.suite, options.adding)
    report(figures, as_json=options.json)


if __name__ == "__main__":
    main()
