"""People with devices, and the MLS messages they would make."""

import pytest

from tests.messaging.people import Member, enrol


@pytest.fixture
def alice(db: None) -> Member:
    return enrol("alice")


@pytest.fixture
def bob(db: None) -> Member:
    return enrol("bob")


@pytest.fixture
def carol(db: None) -> Member:
    return enrol("carol")
