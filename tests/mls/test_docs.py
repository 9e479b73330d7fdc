"""The page about the engine says what is."""

import re
from pathlib import Path

from securechat_sdk import identity  # noqa: F401  its refusals are the engine's too
from securechat_sdk.mls.errors import MLSError

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "mls.md").read_text(encoding="utf-8")


def refusals() -> dict[str, str]:
    """Every code and the fact it states."""
    found, waiting = {}, [MLSError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.__module__.startswith("securechat_sdk"):
            found[kind.code] = (kind.__doc__ or "").strip()
    return found


def test_every_refusal_has_its_line_and_every_line_its_refusal() -> None:
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", PAGE, re.MULTILINE))

    assert listed == refusals()


def test_every_file_in_the_map_is_there() -> None:
    folder = CHECKOUT / "securechat_sdk" / "mls"
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)?\.py)`", PAGE))
    here = {str(path.relative_to(folder)) for path in folder.rglob("*.py")}
    plain = {name for name in here if not name.endswith("__init__.py")}
    unnamed = {name for name in plain if not name.startswith("vectors/")} - named

    assert named <= here
    assert unnamed <= {
        "errors.py",
        "crypto/aead.py",
        "crypto/hash.py",
        "crypto/secrets.py",
        "messages/commits.py",
        "messages/indexes.py",
        "public_group/policy.py",
        "public_group/storage.py",
        "group/group.py",
        "group/messages.py",
        "group/storage.py",
    }


def test_every_command_is_there() -> None:
    for module in re.findall(r"`python -m ([a-z_.]+)", PAGE):
        path = CHECKOUT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)

    exec(compile(example, "docs/mls.md", "exec"), {})
