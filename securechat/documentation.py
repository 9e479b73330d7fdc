"""The REST API for people to read: one page made from the OpenAPI schema, without any script.

Swagger and its like would run foreign script on the origin that holds the keys (DESIGN section 7
rule 10); a page of HTML does not.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, kw_only=True)
class Field:
    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str, list[Field]]]


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # untyped library
    groups: dict[str, list[Operation]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                group = item[method].get("tags", ["other"])[0]
                operation = _operation(schema, path=path, method=method, item=item[method])
                groups.setdefault(group, []).append(operation)
    return render(request, "docs/reference.html", {"groups": groups, "info": schema["info"]})


def _operation(
    schema: dict[str, Any], *, path: str, method: str, item: dict[str, Any]
) -> Operation:
    lines = item.get("description", "").strip().split("\n", 1)
    return Operation(
        id=item["operationId"],
        method=method.upper(),
        path=path,
        summary=item.get("summary", lines[0]),
        description=lines[1].strip() if len(lines) > 1 else "",
        parameters=[_parameter(parameter) for parameter in item.get("parameters", [])],
        body=_fields(schema, _content(item.get("requestBody", {}))),
        answers=[
            (status, answer.get("description", ""), _fields(schema, _content(answer)))
            for status, answer in item.get("responses", {}).items()
        ],
    )


def _parameter(parameter: dict[str, Any]) -> Field:
    return Field(
        name=parameter["name"],
        type=_type(parameter.get("schema", {})),
        required=parameter.get("required", False),
        description=parameter.get("description", ""),
    )


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    """The first content's schema of a request body or an answer."""
    for content in holder.get("content", {}).values():
        shape: dict[str, Any] = content.get("schema", {})
        return shape
    return {}


def _fields(schema: dict[str, Any], shape: dict[str, Any]) -> list[Field]:
    shape = _resolved(schema, shape)
    required = shape.get("required", [])
    return [
        Field(
            name=name,
            type=_type(field),
            required=name in required,
            description=field.get("description", ""),
        )
        for name, field in shape.get("properties", {}).items()
    ]


def _resolved(schema: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in shape:
        target: dict[str, Any] = schema["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]]
        return target
    return shape


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rsplit("/", 1)[1]
    for combined in ("oneOf", "anyOf", "allOf"):
        if combined in shape:
            return " or ".join(_type(part) for part in shape[combined])
    if shape.get("type") == "array":
        return f"list of {_type(shape.get('items', {}))}"
    return str(shape.get("format") or shape.get("type") or "any")
