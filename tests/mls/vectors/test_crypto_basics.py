"""crypto-basics.json: the labelled operations of every suite."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("crypto-basics.json")
