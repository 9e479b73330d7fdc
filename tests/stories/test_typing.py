"""Somebody types and the other sees it, unless one of them does not want that."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, two_who_talk, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

TYPING = "Rio Abe is typing …"


@dataclass
class Pair:
    rio: PersonAtBrowser
    sam: PersonAtBrowser


@pytest.fixture(scope="module")
def pair(product: Product, launch: Launch) -> Pair:
    return Pair(*two_who_talk(product, launch(None), "Rio Abe", "Sam Cole", about="Hello"))


# The tests of this module are one story, told in order.


def test_the_other_sees_who_types_until_the_message_comes(pair: Pair) -> None:
    pair.rio.see("composer").press_sequentially("On my", delay=30)

    expect(pair.sam.see("typing")).to_have_text(TYPING)
    expect(pair.sam.see("conversation")).to_contain_text(TYPING)
    expect(pair.sam.see("announcement")).to_have_text(TYPING)
    assert violations(pair.sam.page) == []
    expect(pair.rio.see("typing")).to_have_text("")

    pair.rio.see("composer").press_sequentially(" way")
    pair.rio.see("send").click()
    pair.sam.reads("On my way")
    expect(pair.sam.see("typing")).to_have_text("")


def test_who_takes_it_all_back_is_not_typing_any_more(pair: Pair) -> None:
    pair.rio.see("composer").press_sequentially("Or not")
    expect(pair.sam.see("typing")).to_have_text(TYPING)

    pair.rio.see("composer").fill("")

    expect(pair.sam.see("typing")).to_have_text("", timeout=6_000)  # sooner than it is forgotten


def test_it_is_forgotten_when_nothing_more_comes(pair: Pair) -> None:
    pair.rio.see("composer").press_sequentially("Hm")
    expect(pair.sam.see("typing")).to_have_text(TYPING)

    expect(pair.sam.see("typing")).to_have_text("", timeout=15_000)


def test_who_does_not_tell_is_not_told(product: Product, pair: Pair) -> None:
    here = pair.sam.page.url
    pair.sam.page.goto(f"{product.origin}/#/settings")
    pair.sam.see("share-typing").uncheck()
    assert violations(pair.sam.page) == []
    pair.sam.page.goto(here)

    pair.sam.see("composer").press_sequentially("Nobody sees")
    pair.rio.see("composer").press_sequentially("Nor this")
    pair.rio.page.wait_for_timeout(1_500)  # many times what it takes when it is shown
    for person in (pair.rio, pair.sam):
        assert person.see("typing").inner_text() == ""
    pair.rio.see("send").click()
    pair.sam.reads("Hello", "On my way", "HmNor this")
    pair.sam.see("send").click()
    pair.rio.reads("HmNor this", "Nobody sees")

    for person in (pair.rio, pair.sam):
        assert person.errors == []


def test_the_choice_stays_in_this_browser(product: Product, pair: Pair) -> None:
    pair.sam.page.goto(f"{product.origin}/#/settings")
    pair.sam.page.reload()

    expect(pair.sam.see("share-typing")).not_to_be_checked()
    pair.sam.see("share-typing").check()
    pair.sam.page.goto(product.origin)
    pair.sam.open_conversation("Rio Abe")
    pair.rio.see("composer").press_sequentially("And again")
    expect(pair.sam.see("typing")).to_have_text(TYPING)


def test_what_was_begun_is_there_after_a_reload_until_it_is_sent(pair: Pair) -> None:
    pair.rio.see("composer").fill("Begun and not")
    pair.rio.page.wait_for_timeout(1_500)  # it is kept when its writer pauses
    pair.rio.page.reload()
    expect(pair.rio.see("composer")).to_have_value("Begun and not")

    pair.rio.see("composer").press_sequentially(" forgotten")
    pair.rio.see("send").click()
    pair.sam.reads("Begun and not forgotten")
    pair.rio.page.reload()

    pair.rio.reads("Begun and not forgotten")
    expect(pair.rio.see("composer")).to_have_value("")
