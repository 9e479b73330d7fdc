"""People with devices, and the MLS messages they would make."""

import pytest
from channels.layers import channel_layers

from tests.messaging.people import Member, enrol


@pytest.fixture(autouse=True)
def fresh_channel_layer() -> None:
    """Each test has an event loop of its own; a layer keeps locks of the one it was used in."""
    channel_layers.backends.clear()


@pytest.fixture
def alice(db: None) -> Member:
    return enrol("alice")


@pytest.fixture
def bob(db: None) -> Member:
    return enrol("bob")


@pytest.fixture
def carol(db: None) -> Member:
    return enrol("carol")
