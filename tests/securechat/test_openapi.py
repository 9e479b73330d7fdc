"""The schema says what the server does: every operation, fuzzed as anybody, a page and a script.

`SECURECHAT_API_EXAMPLES` sets how many random requests each operation gets (see CONTRIBUTING.md).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from accounts.models import Role, Scope
from messaging.services.conversations import create_conversation
from securechat.urls import urlpatterns
from tests.accounts.people import Browser, make_person, read
from tests.messaging.people import member_at
from tests.securechat import media_types  # noqa: F401 - known once it is imported
from tests.securechat.routes import api_routes

CONFIG = Path(__file__).resolve().parents[2] / "schemathesis.toml"
EXAMPLES = int(os.environ.get("SECURECHAT_API_EXAMPLES", "8"))
NOT_IN_THE_SCHEMA = {"schema", "api-docs"}  # they are the schema

pytestmark = pytest.mark.django_db

# A case is schemathesis's, which makes it from the schema: hence Any.


@dataclass
class Caller:
    """What a request carries to show who calls, and the ids of what is the caller's."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)

    def calls(self, case: Any) -> None:
        """Ask as generated, and once more about what is there."""
        keep_the_connection()
        case.call_and_validate(headers=self.headers, cookies=self.cookies)
        if self.own.keys() & case.path_parameters.keys():
            case.path_parameters = {
                name: self.own.get(name, value) for name, value in case.path_parameters.items()
            }
            case.call_and_validate(headers=self.headers, cookies=self.cookies)


def keep_the_connection() -> None:
    """As Django's test client does: the test's transaction outlives its requests."""
    for signal in SIGNALS:
        signal.disconnect(close_old_connections)


schema = schemathesis.openapi.from_wsgi(
    "/api/v1/schema/?format=json", WSGIHandler(), config=SchemathesisConfig.from_path(CONFIG)
)
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in schema.raw_schema["paths"].items()
    for method, operation in item.items()
]


SIGNALS = (request_started, request_finished)


@pytest.fixture(autouse=True)
def own_cache_and_connection(db: None) -> Iterator[None]:
    cache.clear()
    yield
    for signal in SIGNALS:
        signal.connect(close_old_connections)


@pytest.fixture
def browser(db: None) -> Browser:
    return Browser().at_home(make_person("ada", role=Role.ADMINISTRATOR))


@pytest.fixture
def own(browser: Browser) -> dict[str, str]:
    conversation = "11111111-2222-4333-8444-555555555555"
    member = member_at(browser)
    wanted = member.wants(conversation_id=UUID(conversation))
    create_conversation(device=member.device, wanted=wanted)
    invitation = browser.api("POST", "invitations", {"username": "carol"})
    upload = "21111111-2222-4333-8444-555555555555"
    file = {"id": upload, "message_id": conversation, "size": 1}
    begun = browser.api("POST", f"conversations/{conversation}/attachments", file)
    assert begun.status_code == 201
    return {
        "attachment_id": upload,
        "conversation_id": conversation,
        "device_id": str(browser.keys.device_id),
        "invitation_id": read(invitation)["id"],
        "person_id": read(browser.api("GET", "session"))["person"]["id"],
    }


@pytest.fixture
def page(browser: Browser, own: dict[str, str]) -> Caller:
    cookies = {name: morsel.value for name, morsel in browser.client.cookies.items()}
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    # The WSGI client sends the cookies; the header tells schemathesis that they are not its own.
    return Caller({"Cookie": cookie, "X-CSRFToken": cookies["csrftoken"]}, cookies, own)


@pytest.fixture
def script(browser: Browser, own: dict[str, str]) -> Caller:
    token = browser.make_token(*Scope.values).token
    return Caller({"Authorization": f"Bearer {token}"}, {}, own)


fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),  # requests take as long as they take
)


@schema.parametrize()
@fuzzed
def test_strangers_get_what_the_schema_says(case: Any) -> None:
    Caller().calls(case)


@schema.parametrize()
@fuzzed
def test_a_page_gets_what_the_schema_says(case: Any, page: Caller) -> None:
    page.calls(case)


@schema.parametrize()
@fuzzed
def test_a_script_gets_what_the_schema_says(case: Any, script: Caller) -> None:
    script.calls(case)


def test_each_caller_is_who_it_says(page: Caller, script: Caller) -> None:
    def people(caller: Caller) -> int:
        keep_the_connection()
        case = schema["/api/v1/people"]["GET"].Case()
        return int(case.call(headers=caller.headers, cookies=caller.cookies).status_code)

    assert [people(caller) for caller in (Caller(), page, script)] == [401, 200, 200]


def test_the_schema_is_valid_and_made_without_a_warning() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


def test_the_schema_and_the_addresses_are_the_same() -> None:
    answered = {
        f"{method} /{route.template}"
        for route in api_routes(urlpatterns)
        if route.name not in NOT_IN_THE_SCHEMA
        for method in route.methods
    }

    assert {place for place, _ in OPERATIONS} == answered


def test_every_operation_says_what_it_does() -> None:
    tags = {tag["name"] for tag in schema.raw_schema["tags"]}

    for place, operation in OPERATIONS:
        assert operation["summary"], place
        assert operation["description"], place
        assert set(operation["tags"]) <= tags, place
        assert all(answer["description"] for answer in operation["responses"].values()), place


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]

    assert len(set(names)) == len(names)


def test_scopes_are_named_where_a_token_is_enough() -> None:
    for place, operation in OPERATIONS:
        takes_a_token = {"token": []} in operation["security"]
        named = [scope for scope in Scope.values if f"`{scope}`" in operation["description"]]
        assert len(named) == takes_a_token, place
