"""Messages that disappear: from both screens, and from what a closed browser keeps."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, two_who_talk, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

STAYS = "This is written before."
GOES = "This is read once."
GOES_UNSEEN = "Nobody was looking."
LONGEST_WAIT = 60_000  # milliseconds, for what disappears after thirty seconds

# Where no page of ours is open: how many rows each store holds.
COUNT_ROWS = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const names = (await indexedDB.databases()).map(({ name }) => name);
  const database = await done(indexedDB.open(names.find((each) => each.startsWith("securechat-"))));
  const counts = {};
  for (const store of ["messages", "due", "outbox"]) {
    counts[store] = await done(database.transaction(store).objectStore(store).count());
  }
  database.close();
  return counts;
}"""


@dataclass
class Pair:
    pia: PersonAtBrowser
    quin: PersonAtBrowser


@pytest.fixture(scope="module")
def pair(product: Product, launch: Launch) -> Pair:
    return Pair(*two_who_talk(product, launch(None), "Pia Miranda", "Quin Farrell", about=STAYS))


# The tests of this module are one story, told in order.


def test_whoever_chooses_is_named_to_both(pair: Pair) -> None:
    pair.pia.press("members", "Enter")
    expect(pair.pia.see("lifetime-save")).to_be_disabled()
    pair.pia.see("lifetime").select_option(label="30 seconds")
    assert violations(pair.pia.page) == []
    pair.pia.press("lifetime-save", "Enter")
    expect(pair.pia.see("members-dialog")).to_have_count(0)

    mine = pair.pia.notice("You made new messages disappear after 30 seconds.")
    theirs = pair.quin.notice("Pia Miranda made new messages disappear after 30 seconds.")
    for one in (mine, theirs):
        expect(one).to_be_visible()
    for person in (pair.pia, pair.quin):
        expect(person.see("composer-lifetime")).to_contain_text("disappear after 30 seconds")
        assert violations(person.page) == []


def test_what_is_written_then_disappears_from_both_screens(pair: Pair) -> None:
    pair.quin.write(GOES)
    for person in (pair.pia, pair.quin):
        person.reads(STAYS, GOES)
        expect(person.see("message-until")).to_have_count(1)

    for person in (pair.pia, pair.quin):
        expect(person.see("message").filter(has_text=GOES)).to_have_count(0, timeout=LONGEST_WAIT)
        person.reads(STAYS)
        expect(person.see("conversation")).to_contain_text(STAYS)


def test_nothing_is_left_in_a_browser_that_was_closed_meanwhile(
    product: Product, pair: Pair
) -> None:
    pair.pia.write(GOES_UNSEEN)
    pair.quin.reads(STAYS, GOES_UNSEEN)
    expect(pair.pia.status_of(GOES_UNSEEN)).to_have_attribute("data-state", "delivered")
    pair.quin.page.goto(f"{product.origin}/api/v1/session")
    kept = pair.quin.page.evaluate(COUNT_ROWS)
    gone = pair.pia.see("message").filter(has_text=GOES_UNSEEN)
    expect(gone).to_have_count(0, timeout=LONGEST_WAIT)

    pair.quin.page.goto(product.origin)
    pair.quin.open_conversation("Pia Miranda")
    pair.quin.reads(STAYS)
    expect(pair.quin.see("message").filter(has_text=GOES_UNSEEN)).to_have_count(0)
    pair.quin.page.goto(f"{product.origin}/api/v1/session")

    assert kept == {"messages": 3, "due": 1, "outbox": 0}
    assert pair.quin.page.evaluate(COUNT_ROWS) == {"messages": 2, "due": 0, "outbox": 0}


def test_it_is_turned_off_again(product: Product, pair: Pair) -> None:
    pair.quin.page.goto(product.origin)
    pair.quin.open_conversation("Pia Miranda")

    pair.quin.see("members").click()
    pair.quin.see("lifetime").select_option(label="Never")
    pair.quin.see("lifetime-save").click()

    for person in (pair.pia, pair.quin):
        expect(person.notice("turned disappearing messages off")).to_be_visible()
        expect(person.see("composer-lifetime")).to_have_count(0)
        assert person.errors == []
