"""The forms of the protocol for others: JSON Schema and TypeScript."""

import json
from pathlib import Path

import pytest

from securechat_sdk.wire import frames, vocabulary
from securechat_sdk.wire.__main__ import main
from securechat_sdk.wire.json_schema import json_schema

ROOT = Path(__file__).resolve().parents[2]


def test_the_browsers_types_are_current() -> None:
    assert main(["typescript", "--check", "--output", str(ROOT / "web/src/wire.ts")]) == 0


def test_types_that_are_not_current_fail_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "wire.ts"

    missing = main(["typescript", "--check", "--output", str(output)])
    written = main(["typescript", "--output", str(output)])
    fresh = main(["typescript", "--check", "--output", str(output)])
    output.write_text(output.read_text() + "// changed by hand\n")
    changed = main(["typescript", "--check", "--output", str(output)])

    assert (missing, written, fresh, changed) == (1, 0, 0, 1)
    assert "not current" in capsys.readouterr().err


def test_the_json_schema_names_every_struct_union_and_limit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["json-schema"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(json.dumps(json_schema()))
    names = {struct.__name__ for struct in vocabulary.structs()} | set(vocabulary.UNIONS)
    assert names <= set(printed["$defs"])
    assert printed["limits"]["MAX_FRAME_BYTES"] == frames.MAX_FRAME_BYTES


def test_the_vocabulary_forgets_no_frame() -> None:
    defined = {
        value.__name__
        for value in vars(frames).values()
        if isinstance(value, type) and issubclass(value, frames.Frame) and value is not frames.Frame
    }

    assert defined <= {struct.__name__ for struct in vocabulary.structs()}


def test_every_server_frame_is_an_answer_or_an_event() -> None:
    both = {*vocabulary.members(frames.Answer), *vocabulary.members(frames.Event)}

    assert both == set(vocabulary.members(frames.ServerFrame))
