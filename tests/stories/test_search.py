"""Words are found in the conversations of this browser, however far back they stand."""

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import two_who_talk, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

LONG_AGO = "The Zürich figures are on my desk."
MANY = 120  # far more than what an opened conversation loads


def test_a_message_of_long_ago_is_found_and_shown_at_its_place(
    product: Product, launch: Launch
) -> None:
    yan, zoe = two_who_talk(product, launch(None), "Yan Wu", "Zoe Bell", about=LONG_AGO)
    for number in range(MANY):
        yan.write(f"line {number}.")
    expect(zoe.see("message").filter(has_text=f"line {MANY - 1}.")).to_be_visible(timeout=60_000)
    zoe.page.goto(f"{product.origin}/#/settings")

    zoe.see("search").fill("zurich DESK")
    hit = zoe.see("found-message")
    expect(hit).to_have_count(1)
    expect(hit).to_contain_text(LONG_AGO)
    expect(zoe.see("found")).to_have_text("1 message found")
    assert violations(zoe.page) == []
    zoe.press("found-message", "Enter")

    shown = zoe.see("message").filter(has_text=LONG_AGO)
    expect(shown).to_be_in_viewport()
    expect(shown).to_be_focused()
    assert violations(zoe.page) == []
    zoe.see("to-newest").click()
    expect(zoe.see("message").filter(has_text=f"line {MANY - 1}.")).to_be_in_viewport()

    zoe.see("search").fill("yan")
    expect(zoe.see("conversation")).to_have_count(1)
    zoe.see("search").fill("nobody and nothing")
    expect(zoe.see("conversation")).to_have_count(0)
    expect(zoe.see("found-message")).to_have_count(0)
    zoe.see("search").press("Escape")
    expect(zoe.see("conversation")).to_have_count(1)
    assert zoe.errors == []
