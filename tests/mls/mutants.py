"""Small faults put into the validation functions, each of which some test has to notice.

`python -m tests.mls.mutants` makes every one of them and lists those that survive; the tests take
a few. A mutant lives in a process of its own, which imports the engine anew.
"""

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import tests.mls.scenarios.stage  # noqa: F401  so that the children find `cryptography` loaded
from tests.mls.survivors import list_survivors

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = "securechat_sdk.mls"

# Where the rules are: whole modules, or the functions of them that check something.
TARGETS: dict[str, frozenset[str]] = {
    "public_group.checks": frozenset(),
    "tree.validation": frozenset(),
    "messages.key_packages": frozenset(
        {
            "check",
            "_check_version_and_suite",
            "_check_source",
            "_check_keys",
            "_check_signature",
            "_check_lifetime",
        }
    ),
    "messages.leaf_nodes": frozenset(
        {
            "covers",
            "check_signature",
            "check_encryption_key",
            "check_extensions",
            "check_supports",
            "supports_extension",
        }
    ),
    "messages.extensions": frozenset({"check_no_duplicates"}),
    "messages.group_info": frozenset({"check_signature"}),
    "public_group.transition": frozenset({"of", "merge", "finish", "check_list", "check_proposal"}),
    "public_group.public_group": frozenset(
        {"from_group_info", "check_content", "stage", "check_group_info", "_check_leaves"}
    ),
    "group.join": frozenset(
        {"open_group_secrets", "_find_psks", "_check_is_for", "_own_leaf", "_check_lineage"}
    ),
    "group.successors": frozenset({"check_parent", "_check_reinit", "_check_branch"}),
    "schedule.key_schedule": frozenset({"check_confirmation_tag", "check_membership_tag"}),
}

TESTS = (
    "tests/mls/attacks/test_handshakes.py",
    "tests/mls/attacks/test_proposals.py",
    "tests/mls/test_key_packages.py",
    "tests/mls/attacks/test_welcomes.py",
    "tests/mls/attacks/test_private_messages.py",
    "tests/mls/scenarios",
)

# Those most likely to notice come first.
FIRST = {
    "tree.validation": "tests/mls/attacks/test_welcomes.py",
    "messages.key_packages": "tests/mls/test_key_packages.py",
    "messages.leaf_nodes": "tests/mls/test_key_packages.py",
    "public_group.public_group": "tests/mls/attacks/test_welcomes.py",
    "group.join": "tests/mls/attacks/test_welcomes.py",
    "group.successors": "tests/mls/scenarios",
}

# Faults that make no difference, and why.
HARMLESS: dict[str, str] = {
    "public_group.checks.sender_key #8: nothing is raised": (
        "check_sender_may_say comes before, so no other sender gets here"
    ),
    "tree.validation._is_bound_from #8: LtE becomes Lt": (
        "equal sets leave nothing bound, which the next line refuses as well"
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One fault: in which function of which module, at which place in it, and what."""

    module: str
    function: str
    position: int
    number: int
    what: str

    @property
    def name(self) -> str:
        """Stable while the function is: the places in it that can be changed are counted."""
        return f"{self.module}.{self.function} #{self.number}: {self.what}"

    def source(self) -> str:
        """The module with the fault in it."""
        tree = ast.parse(source_of(self.module))
        if self.what != NO_FAULT:
            function = _functions(tree)[self.position]
            _change(function, _places(function)[self.number])
        return ast.unparse(ast.fix_missing_locations(tree))


NO_FAULT = "no fault"

_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def mutants() -> Iterator[Mutant]:
    for module, names in TARGETS.items():
        for position, function in enumerate(_functions(ast.parse(source_of(module)))):
            if names and function.name not in names:
                continue
            for number in range(len(_places(function))):
                changed = copy.deepcopy(function)
                what = _change(changed, _places(changed)[number])
                if what is not None:
                    yield Mutant(module, function.name, position, number, what)


def source_of(module: str) -> str:
    path = CHECKOUT / (f"{PACKAGE}.{module}".replace(".", "/") + ".py")
    return path.read_text(encoding="utf-8")


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _places(function: ast.FunctionDef) -> list[ast.AST]:
    """Everything in the function that could be changed, always in the same order."""
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    return [node for node in nodes if isinstance(node, _KINDS)]


_KINDS = (ast.Compare, ast.BoolOp, ast.If, ast.Raise, ast.Expr, ast.UnaryOp, ast.Call, ast.Constant)


def _change(tree: ast.AST, node: ast.AST) -> str | None:  # noqa: PLR0911  one for each kind
    match node:
        case ast.Compare(ops=[op]) if type(op) in _SWAPS:
            node.ops = [_SWAPS[type(op)]()]
            return f"{type(op).__name__} becomes {type(node.ops[0]).__name__}"
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            return f"the condition becomes {type(node.op).__name__}"
        case ast.If():
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return "the condition is turned round"
        case ast.Raise():
            return _replace(tree, node, ast.Pass(), "nothing is raised")
        case ast.Expr(value=ast.Call()):
            called = ast.unparse(node.value)
            return _replace(tree, node, ast.Pass(), f"{called} is left out")
        case ast.UnaryOp(op=ast.Not()):
            return _replace(tree, node, node.operand, "the not is left out")
        case ast.Call(func=ast.Name(id="any")):
            node.func = ast.Name("all", ast.Load())
            return "any becomes all"
        case ast.Call(func=ast.Name(id="all")):
            node.func = ast.Name("any", ast.Load())
            return "all becomes any"
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            node.value = number + 1
            return f"{number} becomes {number + 1}"
    return None


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST, what: str) -> str:
    class Replacer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    Replacer().visit(tree)
    return what


class _MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Hands out the mutant's source in place of the module's."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = f"{PACKAGE}.{mutant.module}"
        self.source = mutant.source()

    def find_spec(
        self, fullname: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, self.name, "exec"), module.__dict__)


class NoVerdictError(Exception):
    """The tests neither passed nor failed, so they say nothing about the fault."""


def survives(mutant: Mutant) -> bool:
    """Whether all tests pass in spite of the fault; raises `NoVerdictError` if they did not run."""
    child = os.fork()
    if child == 0:
        os._exit(_run(mutant))
    _child, status = os.waitpid(child, 0)
    verdict = os.waitstatus_to_exitcode(status)
    if verdict not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, _INTERRUPTED):
        raise NoVerdictError(f"{mutant.name}: pytest ended with {verdict}")
    return verdict == pytest.ExitCode.OK


_INTERRUPTED = pytest.ExitCode.INTERRUPTED
"""A module could not even be imported: that is noticed too."""


def check_without_faults() -> None:
    """The tests pass as things are; otherwise every fault would seem to be noticed."""
    module = next(iter(TARGETS))
    if not survives(Mutant(module, "nothing", 0, 0, NO_FAULT)):
        raise NoVerdictError("the tests fail without any fault")


def _run(mutant: Mutant) -> int:
    for name in [name for name in sys.modules if name.startswith(("securechat_sdk", "tests."))]:
        del sys.modules[name]
    sys.meta_path.insert(0, _MutantFinder(mutant))
    sys.stderr = io.StringIO()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    ordered = sorted(TESTS, key=lambda test: test != FIRST.get(mutant.module, TESTS[0]))
    files = [str(CHECKOUT / test) for test in ordered]
    with contextlib.redirect_stdout(io.StringIO()):
        arguments = [*options, "--import-mode=importlib", "--rootdir", str(CHECKOUT)]
        return int(pytest.main([*arguments, *_configuration(), *files]))


def _configuration() -> list[str]:
    """Nothing of the project's: the engine's tests need no plugin."""
    return ["-c", os.devnull, "-W", "error"]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="modules whose name contains this")
    parser.add_argument("--part", default="1/1", help="2/3 is the second of three parts")
    parser.add_argument("--sample", type=int, default=0, help="that many, drawn at random")
    options = parser.parse_args(arguments)
    chosen = [mutant for mutant in mutants() if options.only in mutant.module]
    part, parts = (int(number) for number in options.part.split("/"))
    chosen = chosen[part - 1 :: parts]
    if options.sample:
        chosen = random.Random(1).sample(chosen, min(options.sample, len(chosen)))
    check_without_faults()
    return list_survivors(chosen, survives, HARMLESS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
