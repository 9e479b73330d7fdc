"""tree-operations.json: what proposals do to the tree."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("tree-operations.json")
