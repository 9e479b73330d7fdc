"""A change that a browser cannot apply: it says so, and rejoins when it is told to."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass

import pytest
from playwright.sync_api import Route, expect

from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, newcomer, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

GROUP = "The lock keepers"
BEFORE = "The gate opens at six."
LOST = "The gate is closed today."
AFTER = "Is anybody there?"
ENTRIES = "**/api/v1/conversations/*/entries?*"


@dataclass(kw_only=True)
class Cast:
    gil: PersonAtBrowser
    hew: PersonAtBrowser
    ivy: PersonAtBrowser

    def everybody(self) -> tuple[PersonAtBrowser, ...]:
        return (self.gil, self.hew, self.ivy)


@pytest.fixture(scope="module")
def cast(product: Product, launch: Launch) -> Cast:
    browser = launch(None)
    cast = Cast(
        gil=newcomer(product, browser, "gil", "Gil Scott"),
        hew=newcomer(product, browser, "hew", "Hew Locke"),
        ivy=newcomer(product, browser, "ivy", "Ivy Compton"),
    )
    for person in (cast.gil, cast.hew, cast.ivy):
        person.wait_until_reachable()
    return cast


def spoil_commits(route: Route) -> None:
    """Hand out every commit with another tag than its sender's."""
    answer = route.fetch()
    body = answer.json()
    for entry in body["entries"]:
        if entry["kind"] == "commit":
            data = bytearray(b64decode(entry["data"]))
            data[-1] ^= 1
            entry["data"] = b64encode(data).decode()
    route.fulfill(response=answer, body=json.dumps(body))


# The tests of this module are one story, told in order.


def test_a_browser_that_cannot_apply_a_change_says_whose_it_was_and_stays_readable(
    cast: Cast,
) -> None:
    cast.gil.start_group(GROUP, "Hew Locke")
    cast.gil.write(BEFORE)
    cast.hew.open_conversation(GROUP)
    cast.hew.reads(BEFORE)
    cast.hew.page.goto("about:blank")
    cast.gil.add_to_group("Ivy Compton")
    cast.gil.write(LOST)
    cast.hew.context.route(ENTRIES, spoil_commits)

    cast.hew.page.goto(cast.hew.product.origin)
    cast.hew.see("conversation").filter(has_text=GROUP).click()

    expect(cast.hew.see("conversation-notice")).to_contain_text("stopped", timeout=30_000)
    expect(cast.hew.notice("Gil Scott made a change that could not be applied")).to_be_visible()
    cast.hew.reads(BEFORE)
    expect(cast.hew.see("composer")).to_be_disabled()
    told = cast.gil.notice("Your change could not be applied on a device of Hew Locke.")
    expect(told).to_be_visible(timeout=30_000)
    assert violations(cast.hew.page) == []


def test_it_rejoins_when_its_person_asks_for_it_and_talks_on(cast: Cast) -> None:
    cast.hew.context.unroute(ENTRIES)

    cast.hew.see("rejoin").click()
    expect(cast.hew.see("confirm")).to_contain_text("cannot be read on this device")
    cast.hew.confirm()

    expect(cast.hew.see("composer")).to_be_editable(timeout=30_000)
    expect(cast.hew.notice("You rejoined.")).to_contain_text("Here since then: Ivy Compton.")
    cast.hew.write(AFTER)
    cast.hew.reads(BEFORE, AFTER)
    expect(cast.hew.see("message").filter(has_text=LOST)).to_have_count(0)


def test_the_others_see_that_it_rejoined(cast: Cast) -> None:
    cast.ivy.open_conversation(GROUP)

    for other in (cast.gil, cast.ivy):
        other.reads(LOST, AFTER)
        expect(other.notice("Hew Locke rejoined.")).to_be_visible()


def test_no_page_threw_an_error(cast: Cast) -> None:
    for person in cast.everybody():
        assert person.errors == []
