"""Lists in pages: ``{next, previous, results}``, where a page is found again by its content."""

from base64 import b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from securechat_sdk.wire.errors import InvalidInput

if TYPE_CHECKING:  # REST framework's views import this module through the settings
    from rest_framework.views import APIView


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
        except (ValueError, OverflowError, ValidationError, NotFound) as error:
            raise InvalidInput("The cursor is not one that this server gave.") from error

    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        given = request.query_params.get(self.cursor_query_param, "")
        facts = parse_qs(b64decode(given, validate=True).decode(), strict_parsing=bool(given))
        if not set(facts) <= {"o", "r", "p"}:
            raise NotFound
        cursor = super().decode_cursor(request)
        if cursor is not None and "\0" in str(cursor.position):
            raise NotFound
        return cursor
