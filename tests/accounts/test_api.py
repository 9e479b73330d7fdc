"""What other applications use of accounts.api."""

from base64 import b64encode
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions, serializers

from accounts.api.problems import CONTENT_TYPE, exception_handler, problem_response
from accounts.api.serializers import (
    Base64Field,
    IdField,
    StrictSerializer,
    TextField,
    WholeNumberField,
)
from securechat_sdk.wire.errors import Conflict, TooManyRequests


class Shape(StrictSerializer):
    id = IdField()
    name = TextField(max_length=5)
    count = WholeNumberField(min_value=0)
    share = Base64Field(min_bytes=2, max_bytes=4)


GOOD = {
    "id": "6b1b36cb-03b8-4d3a-9a0c-2f9f3f3f5a55",
    "name": "abc",
    "count": 3,
    "share": b64encode(b"abc").decode(),
}


def test_the_right_shape_is_read() -> None:
    shape = Shape(data=GOOD)

    assert shape.is_valid()
    assert shape.validated_data["share"] == b"abc"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "6b1b36cb03b84d3a9a0c2f9f3f3f5a55"},
        {"id": 5},
        {"id": "{6b1b36cb-03b8-4d3a-9a0c-2f9f3f3f5a}"},
        {"id": "x" * 36},
        {"name": 5},
        {"name": True},
        {"name": "a\0"},
        {"name": ""},
        {"name": "abcdef"},
        {"count": "3"},
        {"count": 3.0},
        {"count": True},
        {"count": -1},
        {"share": "YWJ"},
        {"share": "YWJj\n"},
        {"share": "YWK="},
        {"share": "YW-j"},
        {"share": "YQ=="},
        {"share": "YWJjZGU="},
        {"share": "\u00e4AAA"},
        {"share": ["YWJj"]},
        {"share": None},
        {"more": 1},
    ],
)
def test_a_wrong_shape_is_refused_and_pointed_at(change: dict[str, Any]) -> None:
    shape = Shape(data=GOOD | change)

    assert not shape.is_valid()
    assert list(shape.errors) == list(change)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exceptions.ParseError(), 400, "invalid_input"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("a/b"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=2.5), 429, "too_many_requests"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (RequestDataTooBig(), 413, "too_large"),
        (SuspiciousOperation(), 400, "invalid_input"),
        (Conflict(), 409, "conflict"),
    ],
)
def test_every_refusal_is_a_problem(error: Exception, status: int, code: str) -> None:
    response = exception_handler(error, {})

    assert response is not None
    assert response.status_code == response.data["status"] == status
    assert response.data["code"] == code
    assert response.content_type == CONTENT_TYPE


def test_a_bug_is_not_a_refusal() -> None:
    assert exception_handler(RuntimeError(), {}) is None


def test_facts_stand_beside_the_code() -> None:
    response = problem_response(TooManyRequests(retry_after=7))

    assert b'"retry_after": 7' in response.content
    assert response["Retry-After"] == "7"


def test_nested_errors_have_pointers() -> None:
    detail: Any = {"members": {0: ["wrong"]}, "a/b~c": ["odd"], "non_field_errors": ["all"]}

    response = exception_handler(serializers.ValidationError(detail), {})

    assert response is not None
    assert response.data["errors"] == [
        {"pointer": "/members/0", "detail": "wrong"},
        {"pointer": "/a~1b~0c", "detail": "odd"},
        {"pointer": "", "detail": "all"},
    ]
