"""JSON as the whole server reads it: bounded, and nothing in it that a database cannot store."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import JSONParser as RestJSONParser

from securechat_sdk.wire.errors import InvalidInput, TooLarge

MAX_DEPTH = 32


class JSONParser(RestJSONParser):
    """Parses a request's body strictly; the size is bounded by DATA_UPLOAD_MAX_MEMORY_SIZE."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002  # REST framework's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return what ``body`` says.

    Refuses what is not JSON, repeated names, numbers that are not, nesting beyond 32, and texts
    with NUL or half of a surrogate pair.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_no_repeated_names,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not the JSON that is expected here.") from error
    _check_content(value)
    return value


def _no_repeated_names(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    items = list(pairs)
    result = dict(items)
    if len(result) != len(items):
        raise ValueError("repeated name")
    return result


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _check_content(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        for text in level:
            if isinstance(text, str):
                _check_text(text)
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise InvalidInput("The body is nested too deeply.")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidInput("A text holds a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("A text is not valid Unicode.") from error
