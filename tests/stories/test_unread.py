"""Who comes back begins to read where they stopped."""

import pytest
from playwright.sync_api import Locator, expect

from tests.stories.conftest import Launch
from tests.stories.people import two_who_talk, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

MANY = 70  # more than a page of the thread holds


def is_in_sight(element: Locator) -> bool:
    """Playwright's own check is content with what is scrolled out of its pane."""
    box, pane = element.bounding_box(), element.page.locator(".messages-scroll").bounding_box()
    assert box
    assert pane
    return pane["y"] <= box["y"] and box["y"] + box["height"] <= pane["y"] + pane["height"]


def test_reading_begins_at_the_first_unread_message(product: Product, launch: Launch) -> None:
    wes, xia = two_who_talk(product, launch(None), "Wes Hall", "Xia Chen", about="Read before")
    xia.page.goto(f"{product.origin}/#/settings")
    for number in range(MANY):
        wes.write(f"line {number}.")
    expect(xia.see("unread")).to_contain_text(f"{MANY}", timeout=60_000)

    xia.open_conversation("Wes Hall")

    line = xia.see("unread-line")
    expect(line).to_have_count(1)
    first = xia.see("message").filter(has_text="line 0.")
    expect(first).to_be_visible()
    assert is_in_sight(line)
    assert is_in_sight(first)
    assert violations(xia.page) == []
    expect(xia.see("unread")).to_have_count(0)
    xia.see("to-newest").click()
    last = xia.see("message").filter(has_text=f"line {MANY - 1}.")
    expect(last).to_be_visible()
    assert is_in_sight(last)

    xia.page.goto(f"{product.origin}/#/settings")
    xia.open_conversation("Wes Hall")
    assert is_in_sight(xia.see("message").filter(has_text=f"line {MANY - 1}."))
    expect(line).to_have_count(0)
    assert xia.errors == []
