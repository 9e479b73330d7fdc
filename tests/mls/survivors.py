"""What both mutation runs say in the end: which faults nobody noticed, and why that may be."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """A fault, by the words under which its harmlessness is explained."""

    @property
    def name(self) -> str: ...


M = TypeVar("M", bound=Named)


def list_survivors(
    chosen: Sequence[M], survives: Callable[[M], bool], harmless: Mapping[str, str]
) -> int:
    """Print them and their share; return 1 if one of them is not explained."""
    begun, survivors = time.perf_counter(), []
    for mutant in chosen:
        if survives(mutant):
            survivors.append(mutant)
            reason = harmless.get(mutant.name, "NOT EXPLAINED")
            print(f"survives: {mutant.name} ({reason})", flush=True)  # noqa: T201  for a program
    killed = len(chosen) - len(survivors)
    share = 100 * killed / max(1, len(chosen))
    seconds = time.perf_counter() - begun
    print(f"{killed} of {len(chosen)} killed ({share:.1f} %) in {seconds:.0f} s")  # noqa: T201
    return 1 if any(mutant.name not in harmless for mutant in survivors) else 0
