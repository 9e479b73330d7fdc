"""psk_secret.json: many pre-shared keys become one."""

from collections.abc import Callable


def test_every_published_case_passes(run_vectors: Callable[[str], None]) -> None:
    run_vectors("psk_secret.json")
