"""People are removed, leave, and lose a device; who stays talks on, the others read no more."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, newcomer
from tests.stories.product import Product

pytestmark = pytest.mark.story

GROUP = "The night shift"
OTHER_NAME = f"{GROUP}, second floor"
EVERYBODY = "Everybody reads this."
WITHOUT_FAY = "Fay does not read this."
WITHOUT_ELI = "Eli does not read this either."
WELCOME_BACK = "Welcome back, Fay."
AFTER_REVOCATION = "Nobody reads this with a lost device."


@dataclass(kw_only=True)
class Cast:
    dot: PersonAtBrowser
    eli: PersonAtBrowser
    fay: PersonAtBrowser

    def everybody(self) -> tuple[PersonAtBrowser, ...]:
        return (self.dot, self.eli, self.fay)


@pytest.fixture(scope="module")
def cast(product: Product, launch: Launch) -> Cast:
    browser = launch(None)
    return Cast(
        dot=newcomer(product, browser, "dot", "Dot Mars"),
        eli=newcomer(product, browser, "eli", "Eli Whitney"),
        fay=newcomer(product, browser, "fay", "Fay Wray"),
    )


# The tests of this module are one story, told in order.


def test_three_people_talk_in_a_group(cast: Cast) -> None:
    cast.dot.start_group(GROUP, "Eli Whitney", "Fay Wray")
    cast.dot.write(EVERYBODY)

    for other in (cast.eli, cast.fay):
        other.open_conversation(GROUP)
        other.reads(EVERYBODY)


def test_the_group_gets_another_name_for_all(cast: Cast) -> None:
    cast.dot.see("members").click()
    cast.dot.see("rename").fill(OTHER_NAME)
    cast.dot.see("rename-save").click()

    for person in cast.everybody():
        expect(person.see("conversation-title")).to_have_text(OTHER_NAME)
    expect(cast.dot.notice(f"You named the conversation “{OTHER_NAME}”.")).to_be_visible()
    expect(cast.eli.notice(f"Dot Mars named the conversation “{OTHER_NAME}”.")).to_be_visible()


def test_who_is_removed_is_told_and_reads_nothing_new(cast: Cast) -> None:
    cast.dot.remove_from_group("Fay Wray")
    cast.dot.write(WITHOUT_FAY)

    cast.eli.reads(EVERYBODY, WITHOUT_FAY)
    expect(cast.eli.notice("Dot Mars removed Fay Wray.")).to_be_visible()
    expect(cast.dot.notice("You removed Fay Wray.")).to_be_visible()
    expect(cast.fay.notice("Dot Mars removed you.")).to_be_visible()
    expect(cast.fay.see("conversation-notice")).to_contain_text("removed you")
    expect(cast.fay.see("composer")).to_be_disabled()
    cast.fay.reads(EVERYBODY)
    expect(cast.fay.see("message").filter(has_text=WITHOUT_FAY)).to_have_count(0)


def test_what_was_read_before_is_still_there_after_a_reload(cast: Cast) -> None:
    cast.fay.page.reload()

    cast.fay.reads(EVERYBODY)
    expect(cast.fay.see("composer")).to_be_disabled()


def test_who_was_removed_can_be_added_again(cast: Cast) -> None:
    cast.eli.add_to_group("Fay Wray")

    expect(cast.fay.see("composer")).to_be_editable(timeout=30_000)
    expect(cast.dot.notice("Eli Whitney added Fay Wray.")).to_be_visible()
    cast.fay.write("I am back.")
    for other in (cast.dot, cast.eli):
        other.reads("I am back.")


def test_who_leaves_is_out_and_the_others_see_it(cast: Cast) -> None:
    cast.eli.leave_group()

    expect(cast.dot.notice("Eli Whitney left.")).to_be_visible(timeout=30_000)
    expect(cast.eli.see("conversation-notice")).to_contain_text("You left", timeout=30_000)
    cast.dot.write(WITHOUT_ELI)
    cast.fay.reads(WITHOUT_ELI)
    expect(cast.eli.see("message").filter(has_text=WITHOUT_ELI)).to_have_count(0)
    expect(cast.eli.see("composer")).to_be_disabled()


def test_a_revoked_device_is_removed_before_anything_else_is_said(cast: Cast) -> None:
    cast.fay.revoke_this_device()

    expect(cast.fay.see("login-username")).to_be_visible(timeout=30_000)
    cast.dot.write(AFTER_REVOCATION)
    expect(cast.dot.notice("Fay Wray can no longer read")).to_be_visible(timeout=30_000)
    expect(cast.dot.status_of(AFTER_REVOCATION)).to_have_attribute(
        "data-state", "sent", timeout=30_000
    )


def test_who_began_anew_is_added_once_the_new_key_is_trusted(cast: Cast) -> None:
    cast.fay.give_password()
    cast.fay.give_code()
    cast.fay.see("begin-anew-understand").check()
    cast.fay.name_browser()
    cast.fay.wait_until_reachable()

    cast.dot.see("add-people").click()
    cast.dot.find("Fay Wray")
    cast.dot.see("add-people-submit").click()
    expect(cast.dot.see("confirm")).to_contain_text("security key of Fay Wray has changed")
    cast.dot.confirm()
    expect(cast.dot.see("add-people-dialog")).to_have_count(0, timeout=30_000)
    cast.dot.write(WELCOME_BACK)

    cast.fay.open_conversation(GROUP)
    cast.fay.reads(WELCOME_BACK)
    expect(cast.fay.see("message").filter(has_text=EVERYBODY)).to_have_count(0)


def test_a_draft_is_gone_when_its_writer_has_logged_out(cast: Cast) -> None:
    cast.dot.see("composer").fill("begun and not sent")
    cast.dot.log_out()
    cast.dot.see("login-username").fill("dot")
    cast.dot.see("login-password").fill(cast.dot.password)
    cast.dot.see("login-submit").click()
    cast.dot.give_code()

    cast.dot.open_conversation(GROUP)

    expect(cast.dot.see("composer")).to_have_value("")


def test_no_page_threw_an_error(cast: Cast) -> None:
    for person in cast.everybody():
        assert person.errors == []
