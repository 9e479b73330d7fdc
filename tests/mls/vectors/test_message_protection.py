"""message-protection.json: public and private messages in every suite."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("message-protection.json")
