"""The protocol as TypeScript types, so that the browser client cannot drift from the server."""

import inspect
from collections.abc import Iterator
from typing import Any, cast

from msgspec import Struct
from msgspec import inspect as types

from securechat_sdk.wire import vocabulary

HEADER = """\
// Written by `python -m securechat_sdk.wire typescript`; do not edit.

/** Bytes travel as standard base64 with padding (RFC 4648 section 4). */
export type Base64 = string;
/** A UUID in its canonical form: lower case, with hyphens. */
export type Uuid = string;
/** A moment in RFC 3339, in UTC. */
export type Timestamp = string;
"""

PLAIN: dict[type[types.Type], str] = {
    types.BytesType: "Base64",
    types.UUIDType: "Uuid",
    types.DateTimeType: "Timestamp",
    types.StrType: "string",
    types.IntType: "number",
    types.NoneType: "null",
}


def typescript() -> str:
    """Return the text of ``web/src/wire.ts``."""
    blocks = [HEADER, *_limits(), *_enums(), *map(_interface, vocabulary.structs()), *_unions()]
    return "\n".join(blocks)


def _limits() -> Iterator[str]:
    for name, limit in vocabulary.LIMITS.items():
        value = f"{list(limit)} as const" if isinstance(limit, tuple) else str(limit)
        yield f"export const {name} = {value};"
    yield ""


def _enums() -> Iterator[str]:
    for enum in vocabulary.ENUMS:
        names = " | ".join(f'"{value}"' for value in enum)
        yield f"{_comment(enum)}export type {enum.__name__} = {names};\n"
    for codes in vocabulary.CODES:
        lines = "".join(f"  {code.name}: {code.value},\n" for code in codes)
        name = codes.__name__
        yield f"{_comment(codes)}export const {name} = {{\n{lines}}} as const;"
        yield f"export type {name} = (typeof {name})[keyof typeof {name}];\n"


def _interface(struct: type[Struct]) -> str:
    info = cast("types.StructType", types.type_info(struct))
    lines = [f'  readonly type: "{info.tag}";\n'] if info.tag_field else []
    lines += [f"  readonly {_field(struct, field)};\n" for field in info.fields]
    return f"{_comment(struct)}export interface {struct.__name__} {{\n{''.join(lines)}}}\n"


def _field(struct: type[Struct], field: types.Field) -> str:
    # The server writes every field of what it sends; only what it reads may leave one out.
    sent_by_server = struct in vocabulary.members(vocabulary.UNIONS["ServerFrame"])
    mark = "" if field.required or sent_by_server else "?"
    return f"{field.encode_name}{mark}: {_type(field.type)}"


def _type(info: types.Type) -> str:
    match info:
        case types.EnumType(cls=cls):
            return cls.__name__
        case types.UnionType(types=choices):
            return " | ".join(map(_type, choices))
        case types.DictType(value_type=value):
            return f"{{ readonly [name: string]: {_type(value)} }}"
        case _:
            return PLAIN[type(info)]


def _unions() -> Iterator[str]:
    for name, union in vocabulary.UNIONS.items():
        choices = "".join(f"\n  | {struct.__name__}" for struct in vocabulary.members(union))
        yield f"export type {name} ={choices};\n"


def _comment(thing: type[Any]) -> str:
    text = inspect.cleandoc(thing.__doc__ or "").replace("``", "`")
    return "/** " + "\n * ".join(text.splitlines()) + " */\n"
