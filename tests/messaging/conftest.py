"""People with devices, and the MLS messages they would make."""

from collections.abc import Iterator

import pytest
from channels.layers import channel_layers

from messaging.services.writer import WRITER
from tests.messaging.people import Member, enrol


@pytest.fixture(autouse=True)
def fresh_channel_layer() -> None:
    """Each test has an event loop of its own; a layer keeps locks of the one it was used in."""
    channel_layers.backends.clear()


@pytest.fixture(autouse=True)
def nobody_writes_after_the_test() -> Iterator[None]:
    yield
    WRITER.close()


@pytest.fixture
def alice(db: None) -> Member:
    return enrol("alice")


@pytest.fixture
def bob(db: None) -> Member:
    return enrol("bob")


@pytest.fixture
def carol(db: None) -> Member:
    return enrol("carol")
