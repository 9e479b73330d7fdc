"""Every refusal as an RFC 9457 problem: ``application/problem+json`` with a stable ``code``."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.metrics import count_refusal
from securechat_sdk.wire.errors import (
    ChatError,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
)

CONTENT_TYPE = "application/problem+json"


class MethodNotAllowed(ChatError):
    status: ClassVar[int] = 405
    code: ClassVar[str] = "method_not_allowed"
    title: ClassVar[str] = "This address does not answer that method."


class NotAcceptable(ChatError):
    status: ClassVar[int] = 406
    code: ClassVar[str] = "not_acceptable"
    title: ClassVar[str] = "The answer is JSON only."


class UnsupportedMediaType(ChatError):
    status: ClassVar[int] = 415
    code: ClassVar[str] = "unsupported_media_type"
    title: ClassVar[str] = "The body is not of an accepted type."


# The first kind that fits names the refusal.
REFUSALS: dict[type[Exception], type[ChatError]] = {
    exceptions.NotAuthenticated: NotAuthenticated,
    exceptions.AuthenticationFailed: NotAuthenticated,
    exceptions.PermissionDenied: Forbidden,
    exceptions.NotFound: NotFound,
    exceptions.MethodNotAllowed: MethodNotAllowed,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
    exceptions.APIException: InvalidInput,
    OperationalError: Unavailable,  # the database is down, full, or too slow
    RequestDataTooBig: TooLarge,
    SuspiciousOperation: InvalidInput,
    Http404: NotFound,
    PermissionDenied: Forbidden,
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; what is not a refusal is a bug and stays loud."""
    chat_error = as_chat_error(error)
    if chat_error is None:
        return None
    body = problem(chat_error)
    count_refusal(chat_error.code)
    if isinstance(error, exceptions.ValidationError):
        body["errors"] = list(_pointers(error.detail))
    response = Response(
        body, status=chat_error.status, headers=_headers(chat_error), content_type=CONTENT_TYPE
    )
    if isinstance(error, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(_allowed(context))
    return response


def problem_response(error: ChatError) -> JsonResponse:
    """Answer with a problem outside a REST view, for instance from a middleware."""
    count_refusal(error.code)
    return JsonResponse(
        problem(error), status=error.status, headers=_headers(error), content_type=CONTENT_TYPE
    )


def problem(error: ChatError) -> dict[str, Any]:
    return {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **error.facts,
    }


def as_chat_error(error: Exception) -> ChatError | None:
    """Name the refusal that Django or REST framework meant."""
    if isinstance(error, ChatError):
        return error
    if isinstance(error, exceptions.Throttled):
        return TooManyRequests(retry_after=_seconds(error))
    for kind, refusal in REFUSALS.items():
        if isinstance(error, kind):
            return refusal()
    return None


def _seconds(error: exceptions.Throttled) -> int | None:
    wait: float | None = error.wait  # type: ignore[attr-defined]  # the stubs lack it
    return None if wait is None else math.ceil(wait)


def _headers(error: ChatError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    retry_after = error.facts.get("retry_after")
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return headers


def _allowed(context: Mapping[str, Any]) -> list[str]:
    view = context.get("view")
    return view.allowed_methods if view is not None else []


def _pointers(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Flatten REST framework's nested errors into JSON pointers (RFC 6901)."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else f"/{_escape(str(name))}"
            yield from _pointers(inner, pointer + step)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            step = "" if isinstance(inner, str) else f"/{index}"
            yield from _pointers(inner, pointer + step)
    else:
        yield {"pointer": pointer, "detail": str(detail)}


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
