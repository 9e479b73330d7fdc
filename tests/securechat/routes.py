"""Every address of the API, as the URLconf has it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver

API = "api/v1/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """An address with its parameters in braces, its name, and the methods that it answers."""

    template: str
    name: str
    methods: tuple[str, ...]


def api_routes(patterns: Sequence[object], prefix: str = "") -> Iterator[Route]:
    for pattern in patterns:
        if not isinstance(pattern, URLPattern | URLResolver):
            raise TypeError(pattern)
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from api_routes(pattern.url_patterns, address)
        elif address.startswith(API):
            template = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", address)
            yield Route(template, pattern.name or address, _methods(pattern.callback))


def _methods(view: Any) -> tuple[str, ...]:
    """A function's methods are its own affair; both of ours only show something."""
    if not hasattr(view, "view_class"):
        return ("GET",)
    return tuple(method for method in METHODS if hasattr(view.view_class, method.lower()))
