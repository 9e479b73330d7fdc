"""People answer a message, say what they feel about it, and take back what they wrote."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, two_who_talk, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

QUESTION = "Shall we meet at noon?"
ANSWER = "Noon is fine."
MISSPELT = "See you att the station."
CORRECTED = "See you at the station."
SLIP = "This was for somebody else."


@dataclass
class Pair:
    lou: PersonAtBrowser
    max: PersonAtBrowser


@pytest.fixture(scope="module")
def pair(product: Product, launch: Launch) -> Pair:
    return Pair(*two_who_talk(product, launch(None), "Lou Reed", "Max Roach", about=QUESTION))


def open_menu(person: PersonAtBrowser, text: str) -> None:
    message = person.see("message").filter(has_text=text).first  # others may quote it
    message.hover()
    message.get_by_test_id("message-actions").click()
    person.see("message-menu").wait_for()


# The tests of this module are one story, told in order.


def test_a_feeling_is_seen_by_both_and_taken_back(pair: Pair) -> None:
    pair.max.press("message-actions", "Enter")
    assert violations(pair.max.page) == []
    pair.max.press("feeling", "Enter")

    for person in (pair.lou, pair.max):
        expect(person.see("reaction")).to_have_text("👍 1")
    pair.lou.see("reaction").click()
    for person in (pair.lou, pair.max):
        expect(person.see("reaction")).to_have_text("👍 2")
        assert violations(person.page) == []
    pair.max.see("reaction").click()
    for person in (pair.lou, pair.max):
        expect(person.see("reaction")).to_have_text("👍 1")


def test_an_answer_stands_under_what_it_answers(pair: Pair) -> None:
    open_menu(pair.max, QUESTION)
    pair.max.see("message-reply").click()
    expect(pair.max.see("answering")).to_contain_text("Reply to Lou Reed")
    expect(pair.max.see("composer")).to_be_focused()
    assert violations(pair.max.page) == []
    pair.max.write(ANSWER)
    expect(pair.max.see("answering")).to_have_count(0)

    pair.lou.reads(ANSWER)
    expect(pair.lou.see("quote")).to_contain_text(QUESTION)
    assert violations(pair.lou.page) == []
    pair.lou.see("quote").click()
    expect(pair.lou.page.locator("[data-row]:focus")).to_contain_text(QUESTION)


def test_who_thinks_better_of_it_answers_nothing(pair: Pair) -> None:
    open_menu(pair.max, QUESTION)
    pair.max.see("message-reply").click()
    pair.max.see("composer").press("Escape")
    expect(pair.max.see("answering")).to_have_count(0)


def test_what_is_changed_is_changed_for_both(pair: Pair) -> None:
    pair.max.write(MISSPELT)
    pair.lou.reads(MISSPELT)
    open_menu(pair.max, MISSPELT)
    pair.max.see("message-edit").click()
    expect(pair.max.see("edit-text")).to_be_focused()
    expect(pair.max.see("edit-text")).to_have_value(MISSPELT)
    assert violations(pair.max.page) == []
    pair.max.see("edit-text").fill(CORRECTED)
    pair.max.press("edit-save", "Enter")

    for person in (pair.lou, pair.max):
        person.reads(CORRECTED)
        expect(person.see("message").filter(has_text=MISSPELT)).to_have_count(0)
        expect(person.see("message-edited")).to_have_count(1)


def test_what_is_taken_back_is_gone_for_both(pair: Pair) -> None:
    pair.max.write(SLIP)
    pair.lou.reads(SLIP)
    open_menu(pair.lou, SLIP)
    expect(pair.lou.see("message-delete")).to_have_count(0)
    pair.lou.page.keyboard.press("Escape")

    open_menu(pair.max, SLIP)
    pair.max.see("message-delete").click()
    assert violations(pair.max.page) == []
    pair.max.confirm()

    expect(pair.max.notice("You deleted this message.")).to_be_visible()
    expect(pair.lou.notice("Max Roach deleted this message.")).to_be_visible()
    for person in (pair.lou, pair.max):
        expect(person.see("message").filter(has_text=SLIP)).to_have_count(0)
        expect(person.see("conversation")).to_contain_text(CORRECTED)


def test_all_of_it_is_there_after_a_reload(pair: Pair) -> None:
    for person in (pair.lou, pair.max):
        person.page.reload()
        expect(person.see("reaction")).to_have_text("👍 1")
        expect(person.see("quote")).to_contain_text(QUESTION)
        expect(person.notice("deleted this message")).to_have_count(1)
        assert person.errors == []
