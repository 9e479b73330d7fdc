"""The browser's engine and ts-mls in Chromium: `python -m benchmarks.mls --browser`.

Both run in a module Worker under the product's policies, in turn, and the best pass counts.
"encrypt and keep" is a message that is encrypted, whose sender's state is written to IndexedDB
for good, and which may then be sent: ours writes the private part, ts-mls has but one state.
"alone" is what the browser's own signatures, ciphers and write take for it: no engine is faster.
"""

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.mls.peers.browser_page import FOLDER, ask, opened_page

Times = dict[str, float]

OURS, THEIRS = "browser_worker", "browser_ts_mls"
HYBRID = 0xF04E
PASSES = 3
TICK = 0.005
"""A page's clock goes no finer, in milliseconds."""
_BYTES, _ALONE = "bytes", " alone"


@dataclass(frozen=True)
class Scope:
    """What is measured: the suite, the groups, and how large ts-mls's may be."""

    suite: int
    members: Sequence[int]
    ts_mls_most: int
    sizes: Sequence[int]


def run(scope: Scope, repeats: int, quick: int) -> None:
    suite, sizes = scope.suite, scope.sizes
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")  # they hold the policies
    with opened_page() as page:
        print(f"engine with the hybrid suite: {engine_size() / 1_000:.1f} kB compressed")
        warm_up(page, suite, sizes)
        for number in scope.members:
            plan = {"suite": suite, "members": number, "sizes": list(sizes)}
            plan |= {"repeats": max(3, repeats if number < 1_000 else repeats // 2), "quick": quick}
            measure(page, plan, with_ts_mls=number <= scope.ts_mls_most)


def warm_up(page: Page, suite: int, sizes: Sequence[int]) -> None:
    """Both scripts run once before they are measured, as they have in a page that is open."""
    plan = {"suite": suite, "members": 5, "repeats": 9, "quick": 9, "sizes": list(sizes)}
    ask(page, plan, OURS)
    if suite != HYBRID:
        ask(page, plan | {"suite": HYBRID}, OURS)
        ask(page, plan, THEIRS)


def measure(page: Page, plan: dict[str, object], *, with_ts_mls: bool) -> None:
    is_hybrid = plan["suite"] == HYBRID
    ours, theirs, hybrid = Times(), Times(), Times()
    for _ in range(PASSES):
        keep_best(ours, ask(page, plan, OURS))
        if not is_hybrid:
            if with_ts_mls:
                keep_best(theirs, ask(page, plan, THEIRS))
            keep_best(hybrid, ask(page, plan | {"suite": HYBRID}, OURS))
    print(f"\n{plan['members']} members in the browser, milliseconds")
    if not (is_hybrid or with_ts_mls):
        print("  without ts-mls: such a group takes it minutes a pass (--ts-mls-most)")
    print(f"  {'':24}{'ours':>10}{'ts-mls':>10}{'ratio':>8}{'ours, hybrid':>14}{'alone':>9}")
    for name, mine in ours.items():
        if name.endswith(_ALONE):
            continue
        digits = 0 if name.endswith(_BYTES) else 2
        line = f"  {name:24}{mine:10.{digits}f}"
        other = theirs.get(name)
        line += (
            f"{other:10.{digits}f}{other / max(mine, TICK):8.1f}" if other is not None else " " * 18
        )
        line += f"{hybrid[name]:14.{digits}f}" if name in hybrid else " " * 14
        alone = ours.get(name + _ALONE)
        print(line if alone is None else f"{line}{alone:9.2f}")


def keep_best(best: Times, found: Times) -> None:
    """Whatever else the machine did, it did not make an operation faster."""
    best.update({name: min(time, best.get(name, time)) for name, time in found.items()})


def engine_size() -> int:
    """What travels: minified, then gzip."""
    return len(gzip.compress((FOLDER / "whole_engine.js").read_bytes(), 9))
