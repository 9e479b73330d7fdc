"""The same pages in Firefox and WebKit: who uses them talks with who uses Chromium."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stories.conftest import Launch
from tests.stories.other_browsers import BROWSERS, Tab, missing
from tests.stories.people import (
    PASSWORD_OF,
    newcomer,
    one_time_code,
    this_half_minute,
)
from tests.stories.product import Product

pytestmark = [pytest.mark.story, pytest.mark.any_database]

PATIENCE = 60
FIND = "[...document.querySelectorAll('[data-testid={}]')].find(one => one.checkVisibility())"
SHOWN = "Boolean({found})"
CLICK = "(one => one && !one.disabled && (one.click(), true))({found})"
FILL = """(one => one && (one.value = {text},
    one.dispatchEvent(new Event('input', {{bubbles: true}}))))({found})"""
TEXT = "({found})?.innerText ?? ''"


@dataclass
class PersonElsewhere:
    """One person in a browser that is not Chromium."""

    tab: Tab
    product: Product
    username: str

    def comes_in(self, display_name: str) -> None:
        self.tab.go(self.product.invitation(self.username, display_name=display_name))
        self.fill("accept-username", self.username)
        self.fill("accept-display-name", display_name)
        self.fill("accept-password", PASSWORD_OF.format(self.username))
        self.fill("accept-password-again", PASSWORD_OF.format(self.username))
        self.click("accept-submit")
        self.click("enrol-totp")
        secret = re.sub(r"\s", "", self.reads("totp-secret", r"\S+"))
        self.fill("code-input", one_time_code(secret, this_half_minute()))
        self.click("code-submit")
        for next_one in ("recovery-kept", "recovery-continue", "device-create"):
            self.click(next_one)
        self.comes_true(SHOWN, "new-conversation")

    def click(self, test_id: str) -> None:
        self.comes_true(CLICK, test_id)

    def fill(self, test_id: str, text: str) -> None:
        self.comes_true(FILL, test_id, text=json.dumps(text))

    def writes(self, text: str) -> None:
        self.fill("composer", text)
        self.click("send")

    def reads(self, test_id: str, pattern: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, text := str(self.ask(TEXT, test_id))):
            assert time.monotonic() < deadline, f"{test_id} says {text!r}"
            time.sleep(0.2)
        return text

    def comes_true(self, question: str, test_id: str, **values: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.ask(question, test_id, **values):
            assert time.monotonic() < deadline, f"{test_id}: {self.ask(TEXT, 'main')}"
            time.sleep(0.2)

    def ask(self, question: str, test_id: str, **values: str) -> object:
        return self.tab.evaluate(question.format(found=FIND.format(test_id), **values))


@pytest.fixture(params=BROWSERS)
def other(
    request: pytest.FixtureRequest, product: Product, tmp_path: Path
) -> Iterator[PersonElsewhere]:
    if package := missing(request.param):
        pytest.skip(f"no {request.param}; on Debian: apt-get install {package}")
    with BROWSERS[request.param](tmp_path) as tab:
        yield PersonElsewhere(tab, product, f"from-{request.param}")


def test_both_sides_read_what_the_other_writes(
    other: PersonElsewhere, product: Product, launch: Launch
) -> None:
    name = other.username.replace("-", " ").title()
    other.comes_in(name)
    partner = newcomer(product, launch(None), f"to-{other.username}", "In Chromium")

    partner.start_conversation(name)
    partner.write("Does it open there?")
    other.click("conversation")
    other.reads("messages", "Does it open there?")
    other.writes("It does.")

    partner.reads("Does it open there?", "It does.")
    other.tab.go(f"{product.origin}/health/ready")  # a page left is kept by browsers for a while
    other.tab.go(product.origin)
    other.click("conversation")
    other.reads("messages", r"Does it open there\?[^?]*It does\.")
