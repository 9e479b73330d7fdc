"""treekem.json: paths that others made and that we make."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("treekem.json")
