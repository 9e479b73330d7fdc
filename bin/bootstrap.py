"""Make this checkout runnable with nothing but Python: packages, browser client, progress.

Only the standard library, and syntax that an old Python can at least read, so that it can say
which version is wanted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WEB = ROOT / "web"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
PROGRAMS = VENV / ("Scripts" if os.name == "nt" else "bin")


class SetupFailed(Exception):
    """One sentence that says what is wrong and what to do."""


def use_supported_python(script: Path) -> None:
    """Go on with a supported Python, this one or another on the PATH; fail in one sentence."""
    if sys.version_info[:2] in SUPPORTED:
        return
    for major, minor in reversed(SUPPORTED):
        other = shutil.which("python%d.%d" % (major, minor))
        if other:
            os.execv(other, [other, str(script), *sys.argv[1:]])
    versions = ", ".join("%d.%d" % version for version in SUPPORTED)
    raise SetupFailed(
        "SecureChat needs Python %s; this is %d.%d. Install one of them and run this again."
        % ((versions, *sys.version_info[:2]))
    )


def install(*names: str) -> None:
    """Bring ``.venv`` to what ``requirements/NAME.txt`` say; nothing to do takes no time."""
    files = [ROOT / "requirements" / (name + ".txt") for name in names]
    stamp = _Stamp(VENV / ("installed-" + "-".join(names)), files)
    if stamp.is_current():
        return
    if not (PROGRAMS / "python").exists():
        with Step("Making a Python environment in .venv") as step:
            step.run([sys.executable, "-m", "venv", VENV], hint=_venv_hint())
    arguments = [argument for file in files for argument in ("-r", file)]
    with Step("Installing Python packages ({})".format(", ".join(names))) as step:
        step.run(
            [
                PROGRAMS / "python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--retries=2",
                "--require-hashes",
                *arguments,
            ],
            hint="Is the network there? What was downloaded is kept; run this again to go on.",
        )
    stamp.write()


def build_web() -> None:
    """Build the browser client with the Node that the Python packages bring."""
    sources = [
        path
        for folder in ("src", "public")
        for path in sorted((WEB / folder).rglob("*"))
        if path.is_file()
    ]
    configuration = [WEB / name for name in ("package-lock.json", "build.mjs", "tsconfig.json")]
    install_web()
    stamp = _Stamp(VENV / "web-built", sources + configuration)
    if stamp.is_current() and (WEB / "dist" / "manifest.json").exists():
        return
    with Step("Building the browser client") as step:
        step.run(npm("run", "build"), cwd=WEB)
    stamp.write()


def install_web() -> None:
    stamp = _Stamp(VENV / "web-installed", [WEB / "package-lock.json", WEB / ".npmrc"])
    if stamp.is_current() and (WEB / "node_modules").exists():
        return
    with Step("Installing the browser client's packages") as step:
        step.run(npm("ci"), cwd=WEB, hint="Is the network there? Run this again to go on.")
    stamp.write()


def npm(*arguments: str) -> list[str | Path]:
    return [PROGRAMS / "npm", *arguments]


def environment(**more: str) -> dict[str, str]:
    """The environment of our own programs: ours first on the PATH."""
    variables = dict(os.environ, **more)
    variables["PATH"] = str(PROGRAMS) + os.pathsep + variables.get("PATH", "")
    variables["PYTHONUNBUFFERED"] = "1"
    return variables


class Step:
    """One line of progress: what is being done, and after it how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.started = time.monotonic()
        self.finished = threading.Event()
        self.ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Step:  # noqa: PYI034 - Self is too new for some Pythons
        if sys.stdout.isatty():
            self.ticker.start()
        else:
            print(self.title + " …", flush=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.finished.set()
        if self.ticker.is_alive():
            self.ticker.join()
        seconds = time.monotonic() - self.started
        if kind is None:
            start = "\r\033[K✓ " if sys.stdout.isatty() else "  done: "
            print(f"{start}{self.title} ({seconds:.0f} s)", flush=True)
        elif sys.stdout.isatty():
            print(f"\r\033[K✗ {self.title}", flush=True)

    def _tick(self) -> None:
        while not self.finished.wait(0.2):
            seconds = time.monotonic() - self.started
            print(f"\r\033[K… {self.title} ({seconds:.0f} s)", end="", flush=True)

    def run(self, command: Sequence[str | Path], *, hint: str = "", cwd: Path = ROOT) -> str:
        """Run ``command`` quietly; when it fails, show the hint and the end of what it said."""
        result = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            cwd=cwd,
        )
        if result.returncode:
            sentence = f"{self.title} failed. {hint}".strip()
            raise SetupFailed(f"{sentence}\n\n{_last_words(result)}")
        return result.stdout


def _last_words(result: subprocess.CompletedProcess[str]) -> str:
    """The end of what a program said, without the tries that came before it."""
    said = (result.stdout + result.stderr).strip().splitlines()
    return "\n".join([line for line in said if "Retrying (" not in line][-15:])


class _Stamp:
    """Remembers with which inputs a step was last done."""

    def __init__(self, path: Path, inputs: Iterable[Path]) -> None:
        self.path = path
        digest = hashlib.sha256(str(sys.version_info[:2]).encode())
        for file in inputs:
            digest.update(str(file).encode())
            digest.update(file.read_bytes())
        self.value = digest.hexdigest()

    def is_current(self) -> bool:
        return self.path.exists() and self.path.read_text() == self.value

    def write(self) -> None:
        self.path.write_text(self.value)


def _venv_hint() -> str:
    version = "%d.%d" % sys.version_info[:2]
    return f"On Debian and Ubuntu the package python{version}-venv brings what is missing."
