"""passive-client-handling-commit.json: members that follow a group through its epochs."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("passive-client-handling-commit.json")
