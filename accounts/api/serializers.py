"""Shapes of requests: exactly the named fields, each of exactly its type."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

WITHOUT_NUL = r"^[^\u0000]*$"
# Python strips more than ECMA 262 calls space: the separators and U+0085.
NOT_ONLY_SPACE = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = set(data) - set(self.fields)
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known."] for name in sorted(unknown)}
                )
        return super().to_internal_value(data)


def read_fields(serializer: type[serializers.BaseSerializer[Any]], data: Any) -> dict[str, Any]:
    """The fields of a request, of their right types; or a refusal that points at the wrong ones."""
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    fields: dict[str, Any] = checked.validated_data
    return fields


class PageSerializer(serializers.Serializer[Any]):
    """One page of a list, and where its neighbours are."""

    next = serializers.URLField(read_only=True, allow_null=True)
    previous = serializers.URLField(read_only=True, allow_null=True)


class TextField(serializers.CharField):
    """A text; a number is not one."""

    @property
    def pattern(self) -> str:
        """What the schema promises to accept; parsers refuse a NUL anywhere."""
        needs_more_than_space = not self.allow_blank and self.trim_whitespace
        return NOT_ONLY_SPACE if needs_more_than_space else WITHOUT_NUL

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A whole number; neither ``true`` nor ``"1"`` nor 1.0 is one."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class YesOrNoField(serializers.BooleanField):
    """``true`` or ``false``; neither ``1`` nor ``"yes"`` is one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IdField(serializers.UUIDField):
    """A UUID in its usual form of 36 characters."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) != 36:  # noqa: PLR2004  # 32 digits, 4 hyphens
            self.fail("invalid", value="this")
        return super().to_internal_value(data)


class Base64Field(serializers.Field[bytes, str, str, Any]):
    """Bytes as standard base64 with padding, and only in its one right spelling."""

    default_error_messages = {
        "invalid": "This is not standard base64 with padding.",
        "length": "Between {min_bytes} and {max_bytes} bytes are expected here.",
    }

    def __init__(self, *, min_bytes: int = 1, max_bytes: int, **options: Any) -> None:
        super().__init__(**options)
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, str):
            self.fail("invalid")
        if len(data) > (self.max_bytes + 2) // 3 * 4:
            self.fail("length", min_bytes=self.min_bytes, max_bytes=self.max_bytes)
        try:
            value = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            self.fail("invalid")
        if base64.b64encode(value).decode() != data:
            self.fail("invalid")
        if not self.min_bytes <= len(value) <= self.max_bytes:
            self.fail("length", min_bytes=self.min_bytes, max_bytes=self.max_bytes)
        return value

    def to_representation(self, value: bytes) -> str:
        return base64.b64encode(value).decode()
