"""welcome.json: what a Welcome holds."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("welcome.json")
