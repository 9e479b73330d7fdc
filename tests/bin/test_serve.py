"""bin/serve, as an operator meets it."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import services

from tests.stories.product import Product

ROOT = Path(__file__).resolve().parents[2]
SERVE = ROOT / "bin" / "serve"
START_SECONDS = 180


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SERVE), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )


def test_help_names_every_option() -> None:
    said = run("--help").stdout

    for option in ("--port", "--data", "--address", "--no-face"):
        assert option in said


def test_a_busy_port_is_one_clear_sentence(free_port: int) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", free_port))
        busy.listen()

        result = run("--port", str(free_port))

    assert result.returncode == 1
    assert result.stderr.strip().startswith(f"Port {free_port} of 127.0.0.1 cannot be used")
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_data_folder_that_cannot_be_written_is_one_clear_sentence(
    free_port: int, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file stands where the folder should be")

    result = run("--port", str(free_port), "--data", str(tmp_path / "taken" / "data"))

    assert result.returncode == 1
    assert result.stderr.strip() == (
        f"The data folder {tmp_path}/taken/data cannot be used (Not a directory). "
        "Choose another with --data."
    )


@pytest.fixture
def free_port() -> int:
    return services.free_port()


@pytest.fixture
def served(free_port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """bin/serve, started as an operator does, without the face worker."""
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("bin/serve would install a second environment; bin/test runs this in its own")
    product = Product(folder=tmp_path, port=free_port, faces=False)
    command = [sys.executable, str(SERVE), "--no-face", "--port", str(free_port)]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path / "data")],
        env={**product.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_the_first_start_ends_in_a_link_and_ctrl_c_stops_everything(
    served: subprocess.Popen[str], free_port: int
) -> None:
    said = read_until(served, "Ctrl-C stops it.")
    link = re.search(rf"http://localhost:{free_port}/#/invitation/\S+", said)
    with urllib.request.urlopen(f"http://localhost:{free_port}/health/ready") as answer:
        status = answer.status

    served.send_signal(signal.SIGINT)

    assert link, said
    assert status == 200
    assert served.wait(30) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0


def read_until(process: subprocess.Popen[str], ending: str) -> str:
    assert process.stdout is not None
    said = ""
    deadline = time.monotonic() + START_SECONDS
    while ending not in said:
        assert time.monotonic() < deadline, said
        line = process.stdout.readline()
        assert line, said
        said += line
    return said
