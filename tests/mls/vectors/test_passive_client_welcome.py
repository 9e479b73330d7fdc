"""passive-client-welcome.json: members that enter a group."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("passive-client-welcome.json")
