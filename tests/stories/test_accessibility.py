"""The main pages have no violation of WCAG 2.2 A and AA that axe can find."""

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, newcomer, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def dee(product: Product, launch: Launch) -> PersonAtBrowser:
    person = PersonAtBrowser(
        product=product,
        context=launch(None).new_context(),
        username="dee",
        display_name="Dee Brown",
    )
    person.open_page()
    person.link = product.invitation("dee", display_name="Dee Brown")
    return person


@pytest.fixture(scope="module")
def eve(product: Product, launch: Launch) -> PersonAtBrowser:
    """Somebody to be in a group with."""
    return newcomer(product, launch(None), "eve", "Eve Adams")


# One way in, looked at page by page.


def test_the_login_page(dee: PersonAtBrowser) -> None:
    dee.see("login-username").wait_for()

    assert violations(dee.page) == []


def test_the_invitation_page(dee: PersonAtBrowser) -> None:
    dee.page.goto(dee.link)
    dee.see("accept-submit").wait_for()

    assert violations(dee.page) == []


def test_the_choice_of_a_second_factor(dee: PersonAtBrowser) -> None:
    dee.page.goto("about:blank")
    dee.accept(dee.link)
    dee.see("enrol-totp").wait_for()

    assert violations(dee.page) == []


def test_the_empty_chat_and_its_dialogs(dee: PersonAtBrowser) -> None:
    dee.enrol_code()
    dee.name_browser()
    assert violations(dee.page) == []

    dee.see("new-conversation").click()
    dee.see("people-search").wait_for()
    assert violations(dee.page) == []
    dee.page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_settings_in_both_colours(dee: PersonAtBrowser, scheme: str) -> None:
    dee.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    dee.page.goto(f"{dee.product.origin}/#/settings")
    dee.see("settings").wait_for()

    assert violations(dee.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_people_of_a_group_and_what_is_asked_of_them(
    dee: PersonAtBrowser, eve: PersonAtBrowser, scheme: str
) -> None:
    group = f"A {scheme} group"
    dee.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    dee.start_group(group, eve.display_name)

    dee.see("members").click()
    dee.see("members-dialog").wait_for()
    assert violations(dee.page) == []
    dee.see("member-remove").click()
    dee.see("confirm").wait_for()
    assert violations(dee.page) == []
    dee.page.keyboard.press("Escape")
    dee.see("leave-group").click()
    dee.see("confirm-yes").click()
    expect(dee.see("conversation-notice")).to_contain_text("You left")
    assert violations(dee.page) == []


def test_a_person_is_removed_without_a_mouse(dee: PersonAtBrowser, eve: PersonAtBrowser) -> None:
    dee.start_group("By keyboard", eve.display_name)

    dee.press("members", "Enter")
    dee.press("member-remove", "Space")
    dee.press("confirm-yes", "Enter")

    expect(dee.notice("You removed Eve Adams.")).to_be_visible()
    expect(dee.see("member")).to_have_count(1)
    dee.page.keyboard.press("Escape")
    expect(dee.see("members-dialog")).to_have_count(0)


def test_nothing_went_wrong_on_the_way(dee: PersonAtBrowser) -> None:
    assert dee.errors == []
