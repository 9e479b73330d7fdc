"""The engine and ts-mls on the same operations in the same run, as ratios.

`python -m benchmarks.mls` measures groups of 2, 10, 100 and 1,000 right after everyone was added,
which is the worst time for a commit, and ours also once every member has committed. Where an
operation has to make or check signatures, the time of these alone stands beside it: no engine in
Python can be faster than that, as they are one native call each.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.mls import browser
from benchmarks.mls.steady import steady_group
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.group.commit import CommitPlan, commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.group.messages import encrypt
from securechat_sdk.mls.group.process import ApplicationMessage, CommitReceived, process
from securechat_sdk.mls.group.storage import save_secrets
from securechat_sdk.mls.messages.framing import PublicMessage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.storage import save_public_group
from tests.mls.peers.clients import TsMls, start_ts_mls
from tests.mls.scenarios.stage import POLICY, key_package_of, over_the_wire

T = TypeVar("T")
Times = dict[str, float]

MESSAGE_SIZES = (200, 4_000, 64_000)
LEAF_SIZE = 200
QUICK = 10
"""Operations well below a millisecond are repeated so many times more often."""
IN_NODE_MOST, IN_BROWSER_MOST = 1_000, 200
"""How many members ts-mls has unless asked: in a page a pass of a thousand takes it minutes."""
OPERATIONS = ("create", "join", "add", "commit", "process")


def timed(repeats: int, operation: Callable[[], T]) -> tuple[float, T]:
    """The best round in milliseconds and the last result.

    A round counts by the clock or by the work of the process, whichever is less: on a busy machine
    a long round is interrupted, and other load only adds to it. ts-mls is timed in the same way.
    """
    times = []
    for _ in range(repeats):
        worked, begun = time.process_time(), time.perf_counter()
        result = operation()
        clock = time.perf_counter() - begun
        times.append(min(clock, time.process_time() - worked) * 1_000)
    return min(times), result


def measure(suite: int, members: int, repeats: int) -> Times:
    """Right after everyone was added in one commit."""
    times: Times = {}
    own = key_package_of("founder", suite)
    times["create"], alone = timed(repeats, lambda: create_group(own, b"bench", POLICY))
    others = [key_package_of(f"member {number}", suite) for number in range(members)]
    newcomer = others.pop()
    filled = commit(alone, CommitPlan(proposals=[_add(each) for each in others]), POLICY)
    assert filled.welcome is not None
    welcome = over_the_wire(filled.welcome).body
    assert isinstance(welcome, Welcome)
    times["join"], listener = timed(repeats, lambda: join(welcome, others[0], POLICY))
    times.update(measure_group(filled.group, listener, newcomer, repeats))
    return times


def measure_group(speaker: Group, listener: Group, newcomer: OwnKeyPackage, repeats: int) -> Times:
    """What members do, and the server, in a group that is there."""
    times: Times = {}
    adding = CommitPlan(proposals=[_add(newcomer)], path=False)  # as ts-mls adds
    times["add"], _added = timed(repeats, lambda: commit(speaker, adding, POLICY))
    times["commit"], made = timed(repeats, lambda: commit(speaker, CommitPlan(), POLICY))
    message = made.message.encode()
    times["commit bytes"] = len(message)

    def take_in() -> Group:
        received = process(listener, MLSMessage.decode(message), POLICY)
        assert isinstance(received, CommitReceived)
        return received.group

    times["process"], after = timed(repeats, take_in)
    times["server"], _public = timed(repeats, lambda: _server(listener, message))
    times["state bytes"] = len(save_secrets(after))
    times["public bytes"] = len(save_public_group(after.public))
    times["save"], _saved = timed(repeats, lambda: save_secrets(after))
    for size in MESSAGE_SIZES:
        times.update(_measure_messages(made.group, after, size, repeats))
    return times


def _server(group: Group, message: bytes) -> object:
    body = MLSMessage.decode(message).body
    assert isinstance(body, PublicMessage)
    return group.public.receive(body, POLICY)


def _measure_messages(speaker: Group, listener: Group, size: int, repeats: int) -> Times:
    sent: list[bytes] = []
    states = [speaker, listener]

    def say() -> None:
        outgoing = encrypt(states[0], bytes(size))
        states[0] = outgoing.group
        sent.append(outgoing.message.encode())

    def hear() -> None:
        received = process(states[1], MLSMessage.decode(sent.pop(0)), POLICY)
        assert isinstance(received, ApplicationMessage)
        states[1] = received.group

    encrypting, _nothing = timed(repeats * QUICK, say)
    decrypting, _nothing = timed(repeats * QUICK, hear)
    return {f"encrypt {size}": encrypting, f"decrypt {size}": decrypting}


def signatures_alone(suite_number: int, members: int, repeats: int) -> Times:
    """What an operation spends in the signature scheme, at the least."""
    scheme = cipher_suite(suite_number).signature
    private = scheme.generate()
    public = scheme.public_key_of(private)

    def times(size: int) -> tuple[float, float]:
        data = bytes(size)
        signing, signature = timed(repeats * QUICK, lambda: scheme.sign(private, data))
        checking, _nothing = timed(repeats * QUICK, lambda: scheme.verify(public, signature, data))
        return signing, checking

    _signing, checking = times(LEAF_SIZE)
    alone = {"join": (members + 1) * checking}  # every leaf and the GroupInfo
    for size in MESSAGE_SIZES:
        alone[f"encrypt {size}"], alone[f"decrypt {size}"] = times(size)
    return alone


def _add(own: OwnKeyPackage) -> Add:
    return Add(key_package=own.package)


def report(
    members: int, ours: Times, theirs: Times | None, steady: Times | None, alone: Times
) -> None:
    print(f"\n{members} members, milliseconds")
    print(f"  {'':16}{'ours':>10}{'ts-mls':>10}{'ratio':>8}{'steady':>10}  signatures alone")
    names = [*OPERATIONS, *(f"{k} {s}" for s in MESSAGE_SIZES for k in ("encrypt", "decrypt"))]
    for name in [*names, "server", "save"]:
        mine = ours[name]
        other = None if theirs is None else theirs.get(name)
        calm = None if steady is None else steady.get(name)
        line = f"  {name:16}{mine:10.2f}"
        line += f"{other:10.2f}{other / mine:8.1f}" if other is not None else " " * 18
        line += f"{calm:10.2f}" if calm is not None else " " * 10
        print(line + _bound(alone.get(name), other))
    sizes = steady or ours
    print(
        f"  commit {sizes['commit bytes']:.0f} B, secret state {sizes['state bytes']:.0f} B, "
        f"public state {sizes['public bytes']:.0f} B"
    )


def _bound(alone: float | None, other: float | None) -> str:
    """The signatures' own time, and the best ratio that leaves."""
    if alone is None:
        return ""
    best = "" if other is None else f", so at most {other / alone:.1f}"
    return f"  {alone:.2f}{best}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[2, 10, 100, 1_000])
    parser.add_argument("--suite", type=lambda text: int(text, 0), default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--ts-mls-most", type=int, help="larger groups: ours only")
    parser.add_argument("--browser", action="store_true", help="the browser's engine in Chromium")
    options = parser.parse_args(arguments)
    if options.browser:
        most = options.ts_mls_most or IN_BROWSER_MOST
        scope = browser.Scope(options.suite, options.members, most, MESSAGE_SIZES)
        browser.run(scope, options.repeats, QUICK)
        return 0
    node = start_ts_mls()
    if isinstance(node, str):
        print(f"without ts-mls: {node}")
    most = options.ts_mls_most or IN_NODE_MOST
    commits: dict[int, Times] = {}
    for members in options.members:
        repeats = max(3, options.repeats if members < 1_000 else options.repeats // 2)
        theirs = None
        if isinstance(node, TsMls) and members <= most and options.suite < 8:
            theirs = ts_mls_times(node, options.suite, members, repeats)
        steady = measure_group(*steady_group(options.suite, members), repeats)
        commits[members] = steady
        alone = signatures_alone(options.suite, members, repeats)
        report(members, measure(options.suite, members, repeats), theirs, steady, alone)
    if 100 in commits and 1_000 in commits:
        growth = commits[1_000]["commit"] / commits[100]["commit"]
        print(f"\na steady commit at 1,000 members takes {growth:.1f} times one at 100")
    if isinstance(node, TsMls):
        node.close()
    return 0


def ts_mls_times(node: TsMls, suite: int, members: int, repeats: int) -> Times:
    answer = node.ask(
        "bench",
        "bench",
        suite=suite,
        members=members,
        repeats=repeats,
        quick=QUICK,
        sizes=MESSAGE_SIZES,
    )
    times: Times = answer["milliseconds"]
    return times


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
