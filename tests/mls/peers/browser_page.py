"""The browser's engine and ts-mls in module Workers of a real Chromium, under the product's CSP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from csp.utils import build_policy
from playwright.sync_api import Page, sync_playwright

from tests.mls.peers.browser import WEB, NoBrowserEngineError, built_tools
from tests.stories.conftest import CHROMIUM, FLAGS

FOLDER = WEB / "dist-tests" / "browser"
_PAGE = b'<!doctype html><title>x</title><script type="module" src="/browser_page.js"></script>'


class Pages(SimpleHTTPRequestHandler):
    """The test page and its scripts, under the product's content security policy."""

    def end_headers(self) -> None:
        policy = build_policy()
        self.send_header(
            "Content-Security-Policy", policy if isinstance(policy, str) else policy[0]
        )
        # Isolated, a page may read the clock to 5 microseconds instead of 100.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002  its name
        """Success is silent."""


@contextmanager
def served() -> Iterator[str]:
    """The address of the page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(FOLDER)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened_page() -> Iterator[Page]:
    """The page with freshly built scripts; raises `NoBrowserEngineError`."""
    if not Path(CHROMIUM).exists():
        raise NoBrowserEngineError(f"no {CHROMIUM}; on Debian: apt-get install chromium")
    built_tools()
    with served() as address, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page()
            page.set_default_timeout(0)  # a large group takes ts-mls minutes
            page.goto(address)
            page.wait_for_function("() => window.ask !== undefined")
            yield page
        finally:
            browser.close()


def ask(page: Page, request: dict[str, object], script: str = "browser_worker") -> Any:
    """What the Worker answers, as JSON has it, hence Any."""
    return page.evaluate("([request, script]) => window.ask(request, script)", [request, script])
