"""The REST API for people to read: one page made from the OpenAPI schema, without any script.

Swagger and its like would run foreign script on the origin that holds the keys (DESIGN section 7
rule 10); a page of HTML does not.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")
FIRST_REFUSAL = 400

# OpenAPI's objects are dictionaries of anything: hence Any.


@dataclass(frozen=True, kw_only=True)
class Field:
    name: str
    type: SafeString
    required: bool
    description: SafeString


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: str
    description: SafeString
    shape: SafeString


@dataclass(frozen=True, kw_only=True)
class Refusal:
    status: str
    codes: list[str]


@dataclass(frozen=True, kw_only=True)
class Operation:
    id: str
    method: str
    path: str
    summary: SafeString
    description: list[SafeString]
    parameters: list[Field]
    body: list[Field]
    answers: list[Answer]
    refusals: list[Refusal]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a request or an answer may hold: fields, or one of some words."""

    name: str
    description: SafeString
    fields: list[Field]
    words: list[str]


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # untyped library
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in schema["tags"]}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                operation = _operation(schema, path=path, method=method, item=item[method])
                groups[item[method]["tags"][0]].append(operation)
    context = {
        "info": schema["info"],
        "groups": [(tag, groups[tag["name"]]) for tag in schema["tags"]],
        "shapes": list(_shapes(schema)),
    }
    return render(request, "docs/reference.html", context)


def _operation(
    schema: dict[str, Any], *, path: str, method: str, item: dict[str, Any]
) -> Operation:
    answers = item["responses"].items()
    return Operation(
        id=item["operationId"],
        method=method.upper(),
        path=path,
        summary=_prose(item["summary"]),
        description=[_prose(text) for text in item["description"].split("\n\n")],
        parameters=[_parameter(parameter) for parameter in item.get("parameters", [])],
        body=_fields(schema, _content(item.get("requestBody", {}))),
        answers=[_answer(*answer) for answer in answers if not _is_refusal(*answer)],
        refusals=[_refusal(*answer) for answer in answers if _is_refusal(*answer)],
    )


def _answer(status: str, answer: dict[str, Any]) -> Answer:
    shape = _content(answer)
    return Answer(
        status=status,
        description=_prose(answer["description"]),
        shape=_type(shape) if shape else SafeString(""),
    )


def _is_refusal(status: str, _answer: dict[str, Any]) -> bool:
    return int(status) >= FIRST_REFUSAL


def _refusal(status: str, answer: dict[str, Any]) -> Refusal:
    _problem, codes = _content(answer)["allOf"]
    return Refusal(status=status, codes=codes["properties"]["code"]["enum"])


def _parameter(parameter: dict[str, Any]) -> Field:
    return Field(
        name=parameter["name"],
        type=_type(parameter["schema"]),
        required=parameter.get("required", False),
        description=_prose(parameter.get("description", "")),
    )


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    """The first content's schema of a request body or an answer."""
    for content in holder.get("content", {}).values():
        shape: dict[str, Any] = content.get("schema", {})
        return shape
    return {}


def _shapes(schema: dict[str, Any]) -> Iterator[Shape]:
    for name, shape in sorted(schema["components"]["schemas"].items()):
        yield Shape(
            name=name,
            description=_prose(shape.get("description", "") if "enum" not in shape else ""),
            fields=_fields(schema, shape),
            words=shape.get("enum", []),
        )


def _fields(schema: dict[str, Any], shape: dict[str, Any]) -> list[Field]:
    if "$ref" in shape:
        shape = schema["components"]["schemas"][_name(shape)]
    required = shape.get("required", [])
    return [
        Field(
            name=name,
            type=_type(field),
            required=name in required,
            description=_prose(field.get("description", "")),
        )
        for name, field in shape.get("properties", {}).items()
    ]


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[1]


def _type(shape: dict[str, Any]) -> SafeString:
    """Name a type in words; a shape of ours is a link to what it holds."""
    named = _one_type(shape)
    return format_html("{} or null", named) if shape.get("nullable") else named


def _one_type(shape: dict[str, Any]) -> SafeString:
    if "$ref" in shape:
        return format_html('<a href="#shape-{name}">{name}</a>', name=_name(shape))
    for combined in ("oneOf", "anyOf", "allOf"):
        if combined in shape:
            return _joined(" or ", [_type(part) for part in shape[combined]])
    if shape.get("type") == "array":
        return format_html("list of {}", _type(shape.get("items", {})))
    if "enum" in shape and None in shape["enum"]:
        return format_html("null")
    return format_html("{}", shape.get("format") or shape.get("type") or "any")


def _prose(text: str) -> SafeString:
    """Set what stands between backticks as code."""
    parts = text.split("`")
    return _joined(
        "",
        (
            format_html("<code>{}</code>" if number % 2 else "{}", part)
            for number, part in enumerate(parts)
        ),
    )


def _joined(between: str, parts: Iterable[SafeString]) -> SafeString:
    return mark_safe(between.join(parts))  # noqa: S308  # each part is escaped; `between` is ours
