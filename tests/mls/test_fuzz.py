"""A hundred thousand spoiled messages, and not one way out but the package's errors."""

from tests.mls.fuzz import Fuzzer

CASES = 100_000


def test_spoiled_bytes_are_refused_and_nothing_worse() -> None:
    fuzzer = Fuzzer(seed=2)

    fuzzer.run(CASES)

    assert fuzzer.counts["refused"] > CASES // 2


def test_unspoiled_bytes_get_in() -> None:
    """Otherwise the fuzzer would be knocking at closed doors."""
    fuzzer = Fuzzer(seed=2)

    for sample in fuzzer.samples:
        if sample.name != "signed commit":  # it has no true confirmation tag
            sample.door(sample.data)
