"""What drf-spectacular cannot see by itself: who may call, refusals, fields of our own kinds."""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, cast

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction
from rest_framework.permissions import SAFE_METHODS

from accounts.api.operations import refusals_of
from accounts.api.permissions import Permission
from accounts.api.problems import CONTENT_TYPE, NotAcceptable, UnsupportedMediaType
from securechat_sdk.wire.errors import (
    ChatError,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooManyRequests,
)

# OpenAPI's objects are dictionaries of anything: hence Any.

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Further facts, such as `epoch` or `retry_after`, stand beside.",
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained."},
        "title": {"type": "string", "description": "The refusal in words."},
        "status": {"type": "integer", "description": "The answer's status."},
        "detail": {"type": "string", "description": "What is wrong this time."},
        "code": {"type": "string", "description": "The refusal for programs; it never changes."},
        "errors": {
            "type": "array",
            "description": "Which parts of the body are wrong.",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "code"],
}
ALWAYS: tuple[type[ChatError], ...] = (InvalidInput, NotAuthenticated, NotAcceptable)
WITH_A_BODY: tuple[type[ChatError], ...] = (TooLarge, UnsupportedMediaType)
HEADERS = {
    NotAuthenticated.status: {
        "WWW-Authenticate": {"required": True, "schema": {"type": "string", "enum": ["Bearer"]}}
    },
    TooManyRequests.status: {
        "Retry-After": {
            "description": "Seconds to wait, where the server can tell.",
            "schema": {"type": "integer", "minimum": 0},
        }
    },
}
MEANINGS = {
    "200": "Done; this is how it stands.",
    "201": "Made.",
    "202": "Taken; the decision comes later.",
    "204": "Done; there is nothing to say.",
}


class AutoSchema(SpectacularAutoSchema):
    """Reads an operation off its method (see `accounts.api.operations`) and its view."""

    def get_summary(self) -> str:
        return self._docstring()[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]  # the library says the same
        callers = [permission.who for permission in self._permissions()]
        scope = self.token_scope
        if scope:
            callers.append(f"a token with the scope `{scope}`")
        may = f"For {', or '.join(callers)}."
        return "\n\n".join(filter(None, [self._docstring()[1].strip(), may]))

    def _docstring(self) -> tuple[str, str]:
        summary, _, rest = cleandoc(self._handler.__doc__ or "").partition("\n")
        return summary, rest

    @property
    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower())

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE_METHODS

    @property
    def token_scope(self) -> str | None:
        """The scope that a token needs; nothing when no token is enough."""
        scopes: dict[str, str] = getattr(self.view, "required_scopes", {})
        return scopes.get(self.method)

    def _get_serializer_name(self, *args: Any, **options: Any) -> str:
        name: str = super()._get_serializer_name(*args, **options)
        return name.replace("RequestRequest", "Request")

    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for status, body in bodies.items():
            if body["description"] in {"", "No response body"}:
                body["description"] = MEANINGS[status]
        by_status: dict[int, set[type[ChatError]]] = {}
        for refusal in self._refusals():
            by_status.setdefault(refusal.status, set()).add(refusal)
        return bodies | {
            str(status): self._refused(status, by_status[status]) for status in sorted(by_status)
        }

    def _permissions(self) -> list[Permission]:
        return cast("list[Permission]", self.view.get_permissions())

    def _refusals(self) -> Iterable[type[ChatError]]:
        yield from ALWAYS
        if "{" in self.path:
            yield NotFound
        if self.get_request_serializer() is not None:
            yield from WITH_A_BODY
        for permission in self._permissions():
            yield from permission.refused_for(self.method)
        yield from refusals_of(self._handler)

    def _refused(self, status: int, refusals: Iterable[type[ChatError]]) -> dict[str, Any]:
        """Describe one status: the general problem, with exactly these codes."""
        problem = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Problem", type=ResolvedComponent.SCHEMA, schema=PROBLEM, object="Problem"
        )
        self.registry.register_on_missing(problem)
        titles = {refusal.code: refusal.title for refusal in refusals}
        codes = {"type": "object", "properties": {"code": {"enum": sorted(titles)}}}
        lines = [f"`{code}`: {titles[code]}" for code in sorted(titles)]
        answer = {
            "description": "\n".join(lines),
            "content": {CONTENT_TYPE: {"schema": {"allOf": [problem.ref, codes]}}},
        }
        return {"headers": HEADERS[status], **answer} if status in HEADERS else answer


# Who calls ------------------------------------------------------------------------------------


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The cookie, and for what changes something the header that shows whose page it was."""

    target_class = "accounts.api.authentication.SessionAuthentication"
    name = ["session", "csrf"]

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[Any]]:
        permissions = auto_schema.view.get_permissions()
        needs = {
            "session": any(permission.needs_session for permission in permissions),
            "csrf": not auto_schema.is_safe,
        }
        return {name: [] for name, is_needed in needs.items() if is_needed}

    def get_security_definition(self, _auto_schema: SpectacularAutoSchema) -> list[dict[str, str]]:
        return [
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-CSRFToken",
                "description": "What the cookie `csrftoken` says.",
            },
        ]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_requirement(  # type: ignore[override]  # None: not for this operation
        self, auto_schema: Any
    ) -> dict[str, list[Any]] | None:
        return {"token": []} if auto_schema.token_scope else None

    def get_security_definition(self, _auto_schema: SpectacularAutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sct_…"}


# Shapes ---------------------------------------------------------------------------------------


class StrictScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Fields that are not named are refused."""

    target_class = "accounts.api.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(
        self, auto_schema: SpectacularAutoSchema, direction: Direction
    ) -> dict[str, Any]:
        shape: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]  # noqa: SLF001  # the library's own way
            self.target, direction, bypass_extensions=True
        )
        if not type(self.target).__doc__:
            shape.pop("description", None)  # the base class's, which says nothing of this one
        return {**shape, "additionalProperties": False}


class TextScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Without NUL; where a blank one is refused, with something that is not space."""

    target_class = "accounts.api.serializers.TextField"
    match_subclasses = True

    def map_serializer_field(
        self, _auto_schema: SpectacularAutoSchema, _direction: Direction
    ) -> dict[str, Any]:
        field = self.target
        shape: dict[str, Any] = {"type": "string", "pattern": field.pattern}
        if field.max_length is not None:
            shape["maxLength"] = field.max_length
        return shape


class Base64Scheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Standard base64 with padding, in its one right spelling.

    Where the length may vary, the longest is told in whole groups of three bytes: of that length
    every spelling is accepted.
    """

    target_class = "accounts.api.serializers.Base64Field"

    def map_serializer_field(
        self, _auto_schema: SpectacularAutoSchema, _direction: Direction
    ) -> dict[str, Any]:
        least, most = self.target.min_bytes, self.target.max_bytes
        if least == most:
            size, rules = f"{least}", {"pattern": _base64_of(least)}
        else:
            lengths = {"minLength": (least + 2) // 3 * 4, "maxLength": most // 3 * 4}
            size, rules = f"{least} to {most}", {"pattern": BASE64, **lengths}
        meaning = f"{self.target.help_text or ''} {size} bytes in base64.".strip()
        return {"type": "string", "description": meaning, **rules}


DIGIT = "[A-Za-z0-9+/]"
ENDINGS = ("", f"{DIGIT}[AQgw]==", f"{DIGIT}{{2}}[AEIMQUYcgkosw048]=")  # by bytes beyond the groups
BASE64 = f"^(?:{DIGIT}{{4}})*(?:{ENDINGS[1]}|{ENDINGS[2]})?$"


def _base64_of(size: int) -> str:
    return f"^(?:{DIGIT}{{4}}){{{size // 3}}}{ENDINGS[size % 3]}$"
