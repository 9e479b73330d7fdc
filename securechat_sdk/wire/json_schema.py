"""The protocol as JSON Schema 2020-12."""

from typing import Any

from msgspec.json import schema_components

from securechat_sdk.wire import vocabulary


def json_schema() -> dict[str, Any]:
    """One definition for every struct, and one for each set of them that travels one way."""
    definitions: dict[str, Any]
    _, definitions = schema_components(vocabulary.structs(), ref_template="#/$defs/{name}")
    for name, union in vocabulary.UNIONS.items():
        choices = [{"$ref": f"#/$defs/{struct.__name__}"} for struct in vocabulary.members(union)]
        definitions[name] = {"anyOf": choices}
    for codes in vocabulary.CODES:
        definitions[codes.__name__] = {
            "description": codes.__doc__,
            "oneOf": [{"const": code.value, "title": code.name} for code in codes],
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SecureChat frames",
        "$defs": definitions,
        "limits": dict(vocabulary.LIMITS),
    }
