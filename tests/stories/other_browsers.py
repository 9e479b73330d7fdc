"""Firefox and WebKit, driven by the standards they share: WebDriver and WebDriver BiDi.

Playwright drives neither as Debian ships them. What a story needs of them is little: go to an
address, and evaluate an expression in the page.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.stories.conftest import free_port

START_SECONDS = 60
ANSWER_SECONDS = 60
MINI_BROWSER = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"

# Any: JSON.


class Tab(Protocol):
    """One tab of one browser."""

    def go(self, url: str) -> None: ...

    def evaluate(self, expression: str) -> Any:
        """What the expression, or the promise it makes, comes to; no more than a text or number."""


@contextmanager
def firefox(folder: Path) -> Iterator[Tab]:
    """WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/), spoken by Firefox itself."""
    log = folder / "firefox.log"
    profile = folder / "profile"
    profile.mkdir()
    options = ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
    with _program(["firefox-esr", *options], log):
        address = _awaited(log, re.compile(r"WebDriver BiDi listening on (ws://\S+)"))
        with connect(f"{address}/session", max_size=None) as session:
            tab = _BidiTab(session)
            yield tab


@contextmanager
def webkit(folder: Path) -> Iterator[Tab]:
    """WebDriver (https://www.w3.org/TR/webdriver2/), spoken by WebKitGTK's own driver."""
    log = folder / "webkit.log"
    port = free_port()
    binary = next(Path("/").glob(MINI_BROWSER.removeprefix("/")))
    wanted = {"binary": str(binary), "args": ["--automation"]}
    command = ["xvfb-run", "--auto-servernum", "WebKitWebDriver", f"--port={port}"]
    address = f"http://127.0.0.1:{port}"
    with _program(command, log), httpx.Client(base_url=address, timeout=ANSWER_SECONDS) as driver:
        _wait_until_ready(driver)
        tab = _WebDriverTab(driver, {"webkitgtk:browserOptions": wanted})
        yield tab
        tab.close()


BROWSERS = {"firefox": firefox, "webkit": webkit}


def missing(browser: str) -> str | None:
    """The Debian packages without which the browser cannot be driven."""
    packages = {
        "firefox": {"firefox-esr": "firefox-esr"},
        "webkit": {"WebKitWebDriver": "webkit2gtk-driver", "xvfb-run": "xvfb", "xauth": "xauth"},
    }[browser]
    return " ".join(packages[one] for one in packages if not shutil.which(one)) or None


class _BidiTab:
    def __init__(self, session: ClientConnection) -> None:
        self._session = session
        self._numbers = count(1)
        self._ask("session.new", capabilities={})
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def go(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        target = {"context": self._context}
        answer = self._ask(
            "script.evaluate", expression=expression, target=target, awaitPromise=True
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"].get("value")

    def _ask(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._session.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self._session.recv(ANSWER_SECONDS))).get("id") != number:
            pass  # an event
        assert answer["type"] == "success", answer
        return answer["result"]


class _WebDriverTab:
    def __init__(self, driver: httpx.Client, capabilities: dict[str, Any]) -> None:
        self._driver = driver
        asked = {"capabilities": {"alwaysMatch": capabilities}}
        self._path = "/session/" + self._post("/session", asked)["sessionId"]

    def go(self, url: str) -> None:
        self._post(f"{self._path}/url", {"url": url})

    def evaluate(self, expression: str) -> Any:
        script = f"return ({expression})"
        return self._post(f"{self._path}/execute/sync", {"script": script, "args": []})

    def close(self) -> None:
        self._driver.delete(self._path)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._driver.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()["value"]


@contextmanager
def _program(command: list[str], log: Path) -> Iterator[None]:
    """Run it with all its children, whose home is the log's folder, and end them all."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            env=os.environ | {"HOME": str(log.parent)},
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _awaited(log: Path, pattern: re.Pattern[str]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if found := pattern.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(log.read_text(errors="replace"))


def _wait_until_ready(driver: httpx.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            driver.get("/status").raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
