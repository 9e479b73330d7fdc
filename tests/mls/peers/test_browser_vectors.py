"""The official vectors in a real browser: in a module Worker, under the product's policies."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.mls.crypto import test_xwing
from tests.mls.peers.browser import WEB, NoBrowserEngineError
from tests.mls.peers.browser_page import ask, opened_page

DATA = Path(os.environ.get("SECURECHAT_TEST_DATA", WEB.parent.parent / "shared")) / "mls-vectors"
QUICK_SUITES = (1, 2, 3)
"""TreeKEM on the slower curves takes minutes; `npm run vectors` has them all."""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(opened_page())
        except NoBrowserEngineError as missing:
            pytest.skip(str(missing))
        yield opened


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
@pytest.mark.parametrize("suite", [1, 0xF04E])
def test_the_engine_works_in_a_worker(page: Page, suite: int) -> None:
    plan = {"suite": suite, "members": 4, "repeats": 1, "quick": 1, "sizes": [200]}

    milliseconds = ask(page, plan)

    assert set(milliseconds) >= {"create", "join", "commit", "process", "decrypt 200"}
    assert milliseconds["encrypt and keep 200"] > 0


@pytest.mark.story
def test_the_browsers_own_ml_kem_opens_the_published_ciphertext(page: Page) -> None:
    vector = {"seed": test_xwing.SEED, "ciphertext": test_xwing.CIPHERTEXT}

    opened = ask(page, {"xwing": vector})

    assert opened["secret"] == test_xwing.SHARED_SECRET
    if not opened["isNative"]:
        pytest.skip("this browser has no ML-KEM of its own; the package in its place opened it")
