"""Run official vector files: `python -m securechat_sdk.mls.vectors FILE...`."""

import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from securechat_sdk.mls.vectors.expect import Case
from securechat_sdk.mls.vectors.kinds import Kind, kind_of


@dataclass
class Tally:
    """How many cases passed, and what was wrong with the others."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.passed} passed, {len(self.failures)} failed"


def run_file(path: Path) -> Tally:
    """Every case of the file; a file that cannot be read is one failure."""
    tally = Tally()
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))
        kind = kind_of(path.stem, cases)
    except Exception:  # noqa: BLE001  the edge of the program: told, not hidden
        tally.failures.append(traceback.format_exc(limit=1))
        return tally
    for number, case in enumerate(cases):
        run_case(kind, number, case, tally)
    return tally


def run_case(kind: Kind, number: int, case: Case, tally: Tally) -> None:
    try:
        kind.check(case)
    except Exception:  # noqa: BLE001  the edge of the program: told, not hidden
        tally.failures.append(f"case {number}: {traceback.format_exc(limit=-1)}")
    else:
        tally.passed += 1


def main(arguments: Sequence[str]) -> int:
    if not arguments:
        _say("usage: python -m securechat_sdk.mls.vectors FILE...")
        return 2
    total = Tally()
    for argument in arguments:
        tally = run_file(Path(argument))
        _say(f"{argument}: {tally}")
        for failure in tally.failures:
            _say(f"  {failure}")
        total.passed += tally.passed
        total.failures += tally.failures
    _say(f"all: {total}")
    return 1 if total.failures or not total.passed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
