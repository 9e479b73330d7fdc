"""People and things of the accounts tests."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts.models import Person, Role
from tests.accounts.people import Browser, make_person


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    """Rate limits of one test are not those of the next."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> Person:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> Person:
    return make_person("bob")


@pytest.fixture
def administrator(db: None) -> Person:
    return make_person("ada", role=Role.ADMINISTRATOR)


@pytest.fixture
def auditor(db: None) -> Person:
    return make_person("otto", role=Role.AUDITOR)


@pytest.fixture
def newcomer(db: None) -> Person:
    """Somebody who has a password and no second factor yet."""
    return make_person("nina", has_codes=False)


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def other_browser() -> Browser:
    return Browser()


@pytest.fixture
def second_factor_optional(settings: Settings) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"second_factor_required": False})
