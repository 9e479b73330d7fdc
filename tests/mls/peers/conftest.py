"""The browser's engine, for every module that asks it something."""

from collections.abc import Iterator

import pytest

from tests.mls.peers.browser import BrowserEngine, start_browser_engine


@pytest.fixture(scope="module")
def engine() -> Iterator[BrowserEngine]:
    started = start_browser_engine()
    if isinstance(started, str):
        pytest.skip(started)
    yield started
    started.close()
