"""What drf-spectacular cannot see by itself: authentication, base64 fields, refusals."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction

from accounts.api.problems import CONTENT_TYPE

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Further facts, such as `epoch` or `retry_after`, stand beside.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "code"],
}


class AutoSchema(SpectacularAutoSchema):
    """Adds to every operation that a refusal is a problem."""

    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        problem = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Refusal", type=ResolvedComponent.SCHEMA, schema=PROBLEM, object="Refusal"
        )
        self.registry.register_on_missing(problem)
        return bodies | {
            "default": {
                "description": "Refused.",
                "content": {CONTENT_TYPE: {"schema": problem.ref}},
            }
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, _auto_schema: SpectacularAutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema: SpectacularAutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sct_…"}


class Base64Scheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.serializers.Base64Field"

    def map_serializer_field(
        self, _auto_schema: SpectacularAutoSchema, _direction: Direction
    ) -> dict[str, Any]:
        return {
            "type": "string",
            "contentEncoding": "base64",
            "minLength": (self.target.min_bytes + 2) // 3 * 4,
            "maxLength": (self.target.max_bytes + 2) // 3 * 4,
        }
