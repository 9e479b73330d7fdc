"""tree-math.json: where nodes stand."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("tree-math.json")
