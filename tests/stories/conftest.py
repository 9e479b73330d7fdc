"""People with real browsers, and the product they use."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.stories.product import Product, new_database

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CAMERA_FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

Launch = Callable[[str | None], Browser]


expect.set_options(timeout=20_000)  # milliseconds: a busy machine is not a fault


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if camera_folder() is None:
        terminalreporter.write_line("Stories: no faces here, one-time codes took their place.")


def camera_folder() -> Path | None:
    beside = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("SECURECHAT_TEST_DATA", beside)) / "faces" / "camera"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def cameras() -> Path | None:
    """The folder with videos for fake cameras; None in a bare clone, where codes do instead."""
    return camera_folder()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory, cameras: Path | None) -> Iterator[Product]:
    database_url = os.environ.get("SECURECHAT_DATABASE_URL")
    redis_url = os.environ.get("SECURECHAT_REDIS_URL")
    running = Product(
        folder=tmp_path_factory.mktemp("product"),
        port=free_port(),
        faces=cameras is not None,
        database_url=new_database(database_url) if database_url else None,
        redis_url=redis_url.replace("/0", "/1") if redis_url else None,
    )
    try:
        running.start()
        yield running
    finally:
        running.stop()


# Playwright's event loop runs as long as it does, and asynchronous tests cannot run meanwhile.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no {CHROMIUM}; on Debian: apt-get install chromium")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def launch(playwright: Playwright, cameras: Path | None) -> Iterator[Launch]:
    """Start a Chromium whose camera sees the named video."""
    started: list[Browser] = []

    def launched(camera: str | None) -> Browser:
        flags = [*FLAGS]
        if camera and cameras:
            flags += [*CAMERA_FLAGS, f"--use-file-for-fake-video-capture={cameras / camera}.mjpeg"]
        started.append(playwright.chromium.launch(executable_path=CHROMIUM, args=flags))
        return started[-1]

    yield launched
    for browser in started:
        browser.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
