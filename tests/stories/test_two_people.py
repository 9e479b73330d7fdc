"""The whole product, thin: two people meet, and a third joins their group.

With the test data faces are the second factor; in a bare clone one-time codes take their place, and
the run says so in its last lines.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.stories.canaries import leaks
from tests.stories.conftest import Launch
from tests.stories.people import FACE_MILLISECONDS, PersonAtBrowser
from tests.stories.product import Product, dump

pytestmark = pytest.mark.story

JPEG_HEADER = bytes.fromhex("ffd8ffe000104a464946")  # as a canvas writes it
GROUP = "Boats on the canal"
TEXTS = [
    "Is the bridge over the canal open?",
    "Since this morning.",
    "Then I bring the green boat.",
    "first while you were away",
    "second while you were away",
    "third while you were away",
    "before the third person came",
    "after the third person came",
]


@dataclass(kw_only=True)
class Cast:
    """Who takes part, and the browser each sits at: it goes with the camera."""

    ada: PersonAtBrowser
    ben: PersonAtBrowser
    ada_browser: Browser
    ben_browser: Browser
    launch: Launch
    with_faces: bool


@pytest.fixture(scope="module")
def cast(product: Product, launch: Launch, cameras: Path | None) -> Cast:
    ada_browser, ben_browser = launch("person-5-turning"), launch("person-2-turning")
    ada = person_at(product, ada_browser, "ada", "Ada Lovelace")
    ben = person_at(product, ben_browser, "ben", "Ben Okri")
    return Cast(
        ada=ada,
        ben=ben,
        ada_browser=ada_browser,
        ben_browser=ben_browser,
        launch=launch,
        with_faces=cameras is not None,
    )


def person_at(
    product: Product, browser: Browser, username: str, display_name: str
) -> PersonAtBrowser:
    context = browser.new_context()
    person = PersonAtBrowser(
        product=product, context=context, username=username, display_name=display_name
    )
    person.open_page()
    return person


def sign_up(person: PersonAtBrowser, *, with_face: bool) -> None:
    person.accept(person.product.invitation(person.username, display_name=person.display_name))
    if with_face:
        person.enrol_face()
    else:
        person.enrol_code()
    person.name_browser()


def log_in(person: PersonAtBrowser, *, with_face: bool) -> None:
    person.give_password()
    if with_face:
        person.show_face()
    else:
        person.give_code()


# The tests of this module are one story, told in order.


def test_two_people_sign_up(cast: Cast) -> None:
    for person in (cast.ada, cast.ben):
        sign_up(person, with_face=cast.with_faces)

        expect(person.see("no-conversations")).to_be_visible()


def test_a_person_logs_out_and_in_again(cast: Cast) -> None:
    cast.ada.log_out()

    log_in(cast.ada, with_face=cast.with_faces)

    expect(cast.ada.see("no-conversations")).to_be_visible(timeout=FACE_MILLISECONDS)


def test_another_face_does_not_come_in(cast: Cast, product: Product) -> None:
    if not cast.with_faces:
        pytest.skip("no faces in a bare clone")
    stranger = person_at(product, cast.ben_browser, "ada", "Ada Lovelace")

    log_in(stranger, with_face=True)

    expect(stranger.see("face-reasons")).to_be_visible(timeout=FACE_MILLISECONDS)
    expect(stranger.see("use-other-factor")).to_be_visible()
    session = stranger.page.request.get(f"{product.origin}/api/v1/session").json()
    assert session["state"] == "second_factor"
    stranger.context.close()


def test_a_second_browser_says_that_the_keys_are_elsewhere(cast: Cast, product: Product) -> None:
    second = person_at(product, cast.ada_browser, "ada", "Ada Lovelace")
    second.code_secret, second.last_half_minute = cast.ada.code_secret, cast.ada.last_half_minute

    log_in(second, with_face=cast.with_faces)

    expect(second.see("keys-elsewhere")).to_be_visible(timeout=FACE_MILLISECONDS)
    cast.ada.last_half_minute = second.last_half_minute
    second.context.close()


def test_they_write_to_each_other(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    question, answer, decision = TEXTS[:3]

    ada.start_conversation("Ben Okri")
    ada.write(question)
    ben.open_conversation("Ada Lovelace")
    ben.reads(question)
    ben.write(answer)
    ada.reads(question, answer)
    ada.write(decision)
    ben.reads(question, answer, decision)

    expect(ada.status_of(decision)).to_have_attribute("data-state", "delivered")
    expect(ben.status_of(answer)).to_have_attribute("data-state", "delivered")


def test_a_reload_keeps_the_history(cast: Cast) -> None:
    cast.ada.page.reload()

    cast.ada.reads(*TEXTS[:3])


def test_who_was_away_reads_what_came_meanwhile_in_order_and_once(cast: Cast) -> None:
    cast.ben.page.close()
    for text in TEXTS[3:6]:
        cast.ada.write(text)
        expect(cast.ada.status_of(text)).to_have_attribute("data-state", "sent")

    cast.ben.open_page()
    cast.ben.open_conversation("Ada Lovelace")

    cast.ben.reads(*TEXTS[:6])
    expect(cast.ada.status_of(TEXTS[5])).to_have_attribute("data-state", "delivered")


def test_a_second_tab_shows_the_same_and_can_write(cast: Cast) -> None:
    first = cast.ada.page
    cast.ada.open_page()

    cast.ada.open_conversation("Ben Okri")
    cast.ada.write("from the second tab")

    cast.ben.reads("from the second tab")
    expect(first.get_by_test_id("message").filter(has_text="from the second tab")).to_have_count(1)
    first.close()
    cast.ada.write("and after the first was closed")
    cast.ben.reads("and after the first was closed")


def test_a_third_person_reads_what_follows_and_not_what_came_before(
    cast: Cast, product: Product
) -> None:
    before, after = TEXTS[6:8]
    cy = person_at(product, cast.launch(None), "cy", "Cy Twombly")
    sign_up(cy, with_face=False)
    cast.ada.start_group(GROUP, "Ben Okri")
    cast.ada.write(before)
    cast.ben.open_conversation(GROUP)
    cast.ben.reads(before)

    cast.ada.add_to_group("Cy Twombly")
    cast.ada.write(after)

    cy.open_conversation(GROUP)
    cy.reads(after)
    cast.ben.reads(before, after)
    expect(cy.see("message").filter(has_text=before)).to_have_count(0)
    cy.write("Hello both.")
    cast.ada.reads(before, after, "Hello both.")
    cast.ben.reads(before, after, "Hello both.")
    cy.context.close()


def test_what_the_server_stored_holds_no_secret(cast: Cast, product: Product) -> None:
    secrets = {
        **{text: text.encode() for text in TEXTS},
        "name of the group": GROUP.encode(),
        "password of ada": cast.ada.password.encode(),
        "password of ben": cast.ben.password.encode(),
        "a photo": JPEG_HEADER,
        "session cookie": session_of(cast.ada).encode(),
    }

    stored = dump(product)

    assert cast.ada.display_name.encode() in b"".join(stored.values()), "the search sees nothing"
    assert leaks(stored, secrets) == []


def session_of(person: PersonAtBrowser) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in person.context.cookies()}
    return cookies["sessionid"]
