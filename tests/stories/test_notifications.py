"""Who looks elsewhere hears that there is something to read, and not what it says."""

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import newcomer, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

# What the system would show, and a person who looks elsewhere.
WATCH = """
window.told = [];
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() { return (this.permission = "granted"); }
  constructor(title, options) { super(); this.said = { title, ...options }; told.push(this); }
  close() { told.splice(told.indexOf(this), 1); }
};
"""
LOOK_ELSEWHERE = "() => { document.hasFocus = () => false; }"
SAID = "() => told.map(({ said }) => said)"


def test_a_notification_names_the_conversation_and_leads_to_it(
    product: Product, launch: Launch
) -> None:
    browser = launch(None)
    una = newcomer(product, browser, "una", "Una Stubbs")
    vic = newcomer(product, browser, "vic", "Vic Reeves")
    una.wait_until_reachable()
    vic.start_conversation("Una Stubbs")
    vic.write("Not told: it is off")
    expect(una.see("unread")).to_contain_text("1")
    una.page.add_init_script(WATCH)
    una.page.reload()
    una.page.goto(f"{product.origin}/#/settings")
    una.see("notify").check()
    assert violations(una.page) == []
    una.page.evaluate(LOOK_ELSEWHERE)

    vic.write("canary 4711")

    expect(una.see("unread")).to_contain_text("2")
    una.page.wait_for_function("() => told.length === 1")
    (said,) = una.page.evaluate(SAID)
    assert said["title"] == "Vic Reeves"
    assert said["body"] == "2 unread messages"
    assert "canary" not in str(said)
    una.page.evaluate("() => told[0].onclick()")
    una.reads("Not told: it is off", "canary 4711")
    assert una.page.evaluate(SAID) == []
    assert una.errors == []
