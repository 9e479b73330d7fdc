"""Lists in pages: ``{next, previous, results}``, where a page is found again by its content."""

from base64 import b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.exceptions import NotFound as RestNotFound
from rest_framework.request import Request

from accounts.api.operations import text_parameter
from securechat_sdk.wire.errors import NotFound

if TYPE_CHECKING:  # REST framework's views import this module through the settings
    from rest_framework.views import APIView

CURSOR = text_parameter(
    "cursor",
    "From `next` or `previous` of another page; one that this server never gave is not found.",
    pattern="^[A-Za-z0-9+/]*={0,2}$",
)


class CursorPagination(pagination.CursorPagination):
    """A cursor names the last row seen, so rows that come or go do not shift the pages."""

    page_size_query_param = None

    def paginate_queryset(
        self,
        queryset: QuerySet[Any] | Sequence[Any],
        request: Request,
        view: "APIView | None" = None,
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, OverflowError, ValidationError, RestNotFound) as error:
            raise NotFound("The cursor is not one that this server gave.") from error

    def get_schema_operation_parameters(self, _view: Any) -> list[dict[str, Any]]:
        return []  # each view names CURSOR itself, beside its other parameters

    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        given = request.query_params.get(self.cursor_query_param, "")
        facts = parse_qs(b64decode(given, validate=True).decode(), strict_parsing=bool(given))
        if not set(facts) <= {"o", "r", "p"}:
            raise RestNotFound
        cursor = super().decode_cursor(request)
        if cursor is not None and "\0" in str(cursor.position):
            raise RestNotFound
        return cursor
