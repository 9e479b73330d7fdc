"""The command that runs vector files, also when they are not what they should be."""

import json
from pathlib import Path

import pytest

from securechat_sdk.mls.vectors.__main__ import main

GOOD = {"vlbytes_header": "4040", "length": 64}
BAD = {"vlbytes_header": "4040", "length": 65}


def write(folder: Path, name: str, cases: object) -> str:
    path = folder / name
    path.write_text(json.dumps(cases), encoding="utf-8")
    return str(path)


def test_the_counts_are_printed_per_file_and_in_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path, "unseen.json", [GOOD, GOOD])
    second = write(tmp_path, "another.json", [GOOD])

    status = main([first, second])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines == [
        f"{first}: 2 passed, 0 failed",
        f"{second}: 1 passed, 0 failed",
        "all: 3 passed, 0 failed",
    ]


def test_a_case_that_does_not_hold_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([write(tmp_path, "unseen.json", [GOOD, BAD])])

    printed = capsys.readouterr().out
    assert status == 1
    assert "unseen.json: 1 passed, 1 failed" in printed
    assert "published 65" in printed


@pytest.mark.parametrize("cases", [[{"nobody": "knows"}], {"not": "a list"}, [], ["text"]])
def test_a_file_of_no_known_kind_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cases: object
) -> None:
    status = main([write(tmp_path, "strange.json", cases)])

    assert status == 1
    assert "0 passed, 1 failed" in capsys.readouterr().out


def test_a_file_is_also_known_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([write(tmp_path, "deserialization.json", [{"vlbytes_header": "00"}])])

    assert status == 1
    assert "KeyError" in capsys.readouterr().out


def test_a_missing_file_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["/nowhere/at/all.json"])

    assert status == 1
    assert "FileNotFoundError" in capsys.readouterr().out


def test_without_files_the_command_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().out
