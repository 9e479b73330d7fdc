"""Whatever is sent to the addresses of messaging, the answer is one that the schema describes."""

import re
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.models import Scope
from accounts.services.tokens import issue_token
from tests.messaging.people import Member, enrol
from tests.securechat import media_types  # noqa: F401 - known once it is imported

PATHS = re.compile(r"/api/v1/(messaging|key-packages|conversations|welcomes|attachments)")


def operations() -> list[Any]:
    """Every operation of messaging; Any because schemathesis has its own results."""
    generator: Any = SchemaGenerator  # drf-spectacular leaves these calls untyped
    described = generator().get_schema(request=None, public=True)
    schema: Any = schemathesis.openapi.from_dict(described)
    schema.app = get_wsgi_application()
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if PATHS.match(one.path)]


@pytest.fixture
def alice(transactional_db: None) -> Member:
    """Committed to the database: each request of the test opens and closes a connection."""
    return enrol("alice")


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
def test_every_answer_is_described(operation: Any, alice: Member) -> None:
    _, token = issue_token(
        device=alice.device, name="schema", scopes=tuple(Scope), expires_in_days=1
    )

    @settings(
        max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        # No schema can say which bytes verify, so what it allows may still be refused.
        case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            excluded_checks=[positive_data_acceptance],
        )

    send()
