"""Some thousand spoiled messages, and the browser's engine says of each what Python's says."""

from tests.mls.peers.browser import BrowserEngine
from tests.mls.peers.browser_fuzz import BrowserFuzzer

CASES = 5_000


def test_spoiled_bytes_meet_the_same_refusals_and_nothing_worse(engine: BrowserEngine) -> None:
    fuzzer = BrowserFuzzer(3, engine)

    fuzzer.run(CASES)

    assert fuzzer.counts["refused"] > CASES // 2


def test_unspoiled_bytes_get_in(engine: BrowserEngine) -> None:
    fuzzer = BrowserFuzzer(3, engine)

    for sample in fuzzer.samples:
        if sample.name != "signed commit":  # it has no true confirmation tag
            sample.door(sample.data)
