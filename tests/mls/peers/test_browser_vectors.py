"""The official vectors in a real browser: in a module Worker, under the product's policies."""

import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from csp.utils import build_policy
from playwright.sync_api import Page, sync_playwright

from tests.mls.crypto import test_xwing
from tests.mls.peers.browser import WEB, start_browser_engine
from tests.stories.conftest import CHROMIUM, FLAGS

DATA = Path(os.environ.get("SECURECHAT_TEST_DATA", WEB.parent.parent / "shared")) / "mls-vectors"
QUICK_SUITES = (1, 2, 3)
"""TreeKEM on the slower curves takes minutes; `npm run vectors` has them all."""


class Pages(SimpleHTTPRequestHandler):
    """The test page and its scripts, under the product's content security policy."""

    def end_headers(self) -> None:
        policy = build_policy()
        self.send_header(
            "Content-Security-Policy", policy if isinstance(policy, str) else policy[0]
        )
        super().end_headers()

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        page = (
            b'<!doctype html><title>x</title><script type="module" src="/browser_page.js"></script>'
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002  its name
        """Success is silent."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    started = start_browser_engine()
    if isinstance(started, str):
        pytest.skip(started)
    started.close()
    folder = str(WEB / "dist-tests" / "browser")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM}; on Debian: apt-get install chromium")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page()
        opened.goto(address)
        opened.wait_for_function("() => window.ask !== undefined")
        yield opened
        browser.close()


def ask(page: Page, request: dict[str, object]) -> Any:
    return page.evaluate("request => window.ask(request)", request)


def quick(name: str, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if name != "treekem":
        return cases
    return [case for case in cases if case["cipher_suite"] in QUICK_SUITES]


@pytest.mark.story
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no test data in {DATA}; see SECURECHAT_TEST_DATA")
def test_the_official_vectors_hold_in_a_worker(page: Page) -> None:
    passed = 0
    for file in sorted(DATA.glob("*.json")):
        cases = quick(file.stem, json.loads(file.read_text(encoding="utf-8")))
        tally = ask(page, {"name": file.stem, "json": json.dumps(cases)})
        assert tally == {"passed": len(cases), "failures": [], "unsupported": []}, file.name
        passed += len(cases)
    assert passed > 700


@pytest.mark.story
def test_the_engine_works_in_a_worker(page: Page) -> None:
    for suite in (1, 0xF04E):
        milliseconds = ask(page, {"suite": suite, "members": 4})

        assert set(milliseconds) >= {"create", "join", "commit", "process", "decrypt 256"}


@pytest.mark.story
def test_the_browsers_own_ml_kem_opens_the_published_ciphertext(page: Page) -> None:
    vector = {"seed": test_xwing.SEED, "ciphertext": test_xwing.CIPHERTEXT}

    opened = ask(page, {"xwing": vector})

    assert opened["secret"] == test_xwing.SHARED_SECRET
    if not opened["isNative"]:
        pytest.skip("this browser has no ML-KEM of its own; the package in its place opened it")
