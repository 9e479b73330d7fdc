"""A lost device: it is revoked, and its owner begins anew in another browser."""

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import newcomer
from tests.stories.product import Product

pytestmark = pytest.mark.story

REVOKE = """async () => {
  const session = await (await fetch("/api/v1/session")).json();
  const token = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
  const headers = { "X-CSRFToken": token.slice("csrftoken=".length) };
  const answer = await fetch(`/api/v1/devices/${session.device.id}`, { method: "DELETE", headers });
  return answer.status;
}"""


@pytest.mark.parametrize("where", ["the same browser", "another browser"])
def test_who_has_no_device_left_makes_new_keys(
    product: Product, launch: Launch, where: str
) -> None:
    browser = launch(None)
    name = where.partition(" ")[0]
    kim = newcomer(product, browser, name, name.title())
    assert kim.page.evaluate(REVOKE) == 204
    if where == "another browser":
        kim.context = browser.new_context()
        kim.open_page()

    kim.give_password()
    kim.give_code()
    expect(kim.see("begin-anew")).to_be_visible()
    expect(kim.see("device-create")).to_have_count(0)
    kim.see("begin-anew-understand").check()
    kim.name_browser()

    kim.page.reload()
    expect(kim.see("new-conversation")).to_be_visible(timeout=30_000)
    assert kim.errors == []
