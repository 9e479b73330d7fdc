"""Small faults put into the validation functions of the browser's engine, one after the other.

What the tests ask the engine is written down once, with its answers; a mutant is noticed when it
answers anything else. `python -m tests.mls.peers.browser_mutants` lists those that survive.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mls.peers.browser import WEB, BrowserEngine, BrowserEngineError, Refusal, built_tools
from tests.mls.peers.clients import program
from tests.mls.survivors import list_survivors

TESTS = tuple(f"test_browser_{part}.py" for part in ("engine", "order", "outsiders", "fuzz"))
FOLDER = Path(__file__).resolve().parent

# Where the rules are: whole files, or the functions of them that check something.
TARGETS = {
    "public_group/checks.ts": r".*",
    "tree/validation.ts": r".*",
    "messages/key_packages.ts": r"check\w*|lifetimeOf",
    "messages/leaf_nodes.ts": r"check\w*|covers",
    "messages/extensions.ts": r"check\w*",
    "messages/group_info.ts": r"check\w*",
    "public_group/public_group.ts": r"fromGroupInfo|check\w*|stage",
    "public_group/transition.ts": r"check\w*|merge|finish|changesOf",
    "group/join.ts": r"openGroupSecrets|check\w*|ownLeaf|findPsks",
    "group/successors.ts": r"check\w*|isSubset",
    "group/process.ts": r"open\w*|check\w*",
    "schedule/key_schedule.ts": r"check\w*",
}

SWAPS = (
    (" === ", " !== "),
    (" !== ", " === "),
    (" > ", " >= "),
    (" < ", " <= "),
    (" >= ", " > "),
    (" <= ", " < "),
    (" && ", " || "),
    (" || ", " && "),
    (".some(", ".every("),
    (".every(", ".some("),
    ("(!", "("),
)
CALL = re.compile(r"^(?P<space>\s*)(?:await )?(?:checks\.)?check\w*\(.*\);$")

_CHECKED_BEFORE = "checkSenderMaySay and senderKey refuse the same: either would do"
_NEWCOMER = 'said.kind === "ProposalContent" && said.proposal.kind === "Add"'
_OR_ADD = 'said.kind === "ProposalContent" || said.proposal.kind === "Add"'
_COMMIT = 'said.kind === "Commit" && said.path !== null'
_OR_COMMIT = 'said.kind === "Commit" || said.path !== null'
_KEY = "return said.path.leafNode.signatureKey;"

_PRIVATE_ONLY = "checkIsHandshake left private messages only, and those are members'"
_NO_MEMBER = 'framed.sender.kind !== "Member" || opened.leaf === null'

HARMLESS: dict[str, str] = {
    f"public_group/checks.ts: if ({_NEWCOMER}) {{ -> if ({_OR_ADD}) {{": _CHECKED_BEFORE,
    f"public_group/checks.ts: return {_COMMIT}; -> return {_OR_COMMIT};": _CHECKED_BEFORE,
    f"public_group/checks.ts: if ({_COMMIT}) {_KEY} -> if ({_OR_COMMIT}) {_KEY}": _CHECKED_BEFORE,
    "public_group/checks.ts: throw new SenderNotAllowed(); -> void 0;": _CHECKED_BEFORE,
    "tree/validation.ts: for (let index = 1; index < tree.nodes.length; index += 2) {"
    " -> for (let index = 1; index <= tree.nodes.length; index += 2) {": (
        "there are no nodes beyond the last"
    ),
    f"group/process.ts: if ({_NO_MEMBER}) throw new SenderNotAllowed(); ->"
    f" if ({_NO_MEMBER}) void 0;": _PRIVATE_ONLY,
    f"group/process.ts: if ({_NO_MEMBER}) throw new SenderNotAllowed(); ->"
    f" if ({_NO_MEMBER.replace('||', '&&')}) throw new SenderNotAllowed();": _PRIVATE_ONLY,
    'public_group/public_group.ts: if (commit.kind !== "Commit") throw new TypeError('
    '"only a commit can be staged"); -> if (commit.kind !== "Commit") void 0;': (
        "nobody outside calls it with anything else"
    ),
}
"""Faults that make no difference, and why."""

Question = tuple[dict[str, Any], str]


@dataclass(frozen=True)
class Mutant:
    """One line of one file, changed."""

    file: str
    line: int
    before: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.file}: {self.before.strip()} -> {self.after.strip() or 'nothing'}"


def mutants() -> Iterator[Mutant]:
    for file, names in TARGETS.items():
        lines = source_of(file).read_text(encoding="utf-8").split("\n")
        for number in _lines_of_functions(lines, re.compile(names)):
            line = lines[number]
            for changed in _changes(line):
                yield Mutant(file, number, line, changed)


def source_of(file: str) -> Path:
    return WEB / "src" / "mls" / file


def _lines_of_functions(lines: Sequence[str], names: re.Pattern[str]) -> Iterator[int]:
    """The bodies of the functions and methods with such names; the formatting says where."""
    start = re.compile(r"^(?P<space> {0,2})(?:export |static |async |function )*(?P<name>\w+)[(<]")
    end: str | None = None
    for number, line in enumerate(lines):
        if end is not None:
            if line == end:
                end = None
            elif not line.lstrip().startswith(("//", "*", "/*")):
                yield number
        elif (found := start.match(line)) and names.fullmatch(found["name"]):
            end = found["space"] + "}"


def _changes(line: str) -> Iterator[str]:
    thrown = re.search(r"throw new \w+\([^)]*\)", line)
    if thrown:
        yield line.replace(thrown[0], "void 0")
    if CALL.match(line):
        yield ""
    for old, new in SWAPS:
        for found in re.finditer(re.escape(old), line):
            yield line[: found.start()] + new + line[found.end() :]


class Recorder:
    """Writes down what the tests ask the engine, and what it answers."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def record(self) -> None:
        ask = BrowserEngine.ask
        questions = self.questions

        def listen(
            engine: BrowserEngine, client: str, operation: str, **arguments: object
        ) -> dict[str, Any]:
            request = {"client": client, "operation": operation, **arguments}
            try:
                answer = ask(engine, client, operation, **arguments)
            except Refusal as refusal:
                questions.append((request, refusal.code))
                raise
            questions.append((request, "accepted"))
            return answer

        BrowserEngine.ask = listen  # type: ignore[method-assign, assignment]  # for this one run
        files = [str(FOLDER / name) for name in TESTS]
        verdict = pytest.main(["-x", "-q", "-k", "not walk and not fifty and not bytes", *files])
        BrowserEngine.ask = ask  # type: ignore[method-assign]
        if verdict != pytest.ExitCode.OK:
            raise BrowserEngineError("the tests fail without any fault")


class Nursery:
    """A copy of the sources in which one file at a time is changed."""

    def __init__(self, folder: Path, node: str) -> None:
        self.folder, self.node = folder, node
        for part in ("src", "tests"):
            shutil.copytree(WEB / part, folder / part)
        (folder / "node_modules").symlink_to(WEB / "node_modules")

    def notices(self, mutant: Mutant | None, questions: Sequence[Question]) -> int | None:
        """The first question that the mutant answers otherwise."""
        if mutant is None:
            return self._replay(questions)
        file = self.folder / "src" / "mls" / mutant.file
        original = file.read_text(encoding="utf-8")
        lines = original.split("\n")
        lines[mutant.line] = mutant.after
        file.write_text("\n".join(lines), encoding="utf-8")
        try:
            return self._replay(questions)
        finally:
            file.write_text(original, encoding="utf-8")

    def _replay(self, questions: Sequence[Question]) -> int | None:
        script = self.folder / "peer.mjs"
        esbuild = [self.node, str(WEB / "node_modules" / "esbuild" / "bin" / "esbuild")]
        options = ["--bundle", "--format=esm", "--platform=node", "--target=es2023"]
        entry = str(self.folder / "tests" / "mls" / "peer.ts")
        built = subprocess.run(
            [*esbuild, entry, *options, f"--outfile={script}", "--log-level=silent"], check=False
        )
        if built.returncode != 0:
            return 0  # what cannot be built is noticed
        lines = "".join(json.dumps(request) + "\n" for request, _answer in questions)
        done = subprocess.run(
            [self.node, str(script)],
            input=lines,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        answers = [_said(line) for line in done.stdout.splitlines()]
        for number, (_request, expected) in enumerate(questions):
            if number >= len(answers) or answers[number] != expected:
                return number
        return None


def _said(line: str) -> str:
    answer = json.loads(line)
    return str(answer.get("refused", "bug" if "bug" in answer else "accepted"))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="files whose name contains this")
    parser.add_argument("--part", default="1/1", help="2/3 is the second of three parts")
    options = parser.parse_args(arguments)
    node = program("node") or built_tools()
    recorder = Recorder()
    recorder.record()
    part, parts = (int(number) for number in options.part.split("/"))
    chosen = [each for each in mutants() if options.only in each.file][part - 1 :: parts]
    with tempfile.TemporaryDirectory() as folder:
        nursery = Nursery(Path(folder) / "web", node)
        differs = nursery.notices(None, recorder.questions)
        if differs is not None:
            raise BrowserEngineError(f"not the same twice: {recorder.questions[differs]}")
        return list_survivors(
            chosen,
            lambda mutant: nursery.notices(mutant, recorder.questions) is None,
            HARMLESS,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
