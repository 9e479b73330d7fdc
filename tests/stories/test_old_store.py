"""A browser that kept conversations of the version before: they go, its keys stay."""

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import newcomer, two_who_talk
from tests.stories.product import Product

pytestmark = pytest.mark.story

DEVICE = ["identity", "people", "pins", "device"]
CONVERSATIONS = ["conversations", "groups", "messages", "outbox", "keyPackages"]
SINCE_VERSION_2 = ["trees", "uploads"]

# Makes of the present database one of an older version: its stores, with the present rows in those
# that are kept, and one row that means nothing in those that are not.
GO_BACK = """async ([version, kept, dropped]) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const names = (await indexedDB.databases()).map(({ name }) => name);
  const name = names.find((each) => each.startsWith("securechat-"));
  const present = await done(indexedDB.open(name));
  const rows = {};
  for (const store of kept) {
    const objects = present.transaction(store).objectStore(store);
    rows[store] = [await done(objects.getAll()), await done(objects.getAllKeys())];
  }
  present.close();
  await done(indexedDB.deleteDatabase(name));
  const stores = [...kept, ...dropped];
  const opening = indexedDB.open(name, version);
  opening.onupgradeneeded = () => {
    for (const store of stores) {
      const options = store === "device" ? undefined : { keyPath: "key" };
      const objects = opening.result.createObjectStore(store, options);
      if (options) objects.createIndex("by_sequence", ["conversation", "sequence"]);
    }
  };
  const old = await done(opening);
  const transaction = old.transaction(stores, "readwrite");
  for (const [store, [values, keys]] of Object.entries(rows)) {
    values.forEach((value, index) => {
      const key = store === "device" ? [keys[index]] : [];
      transaction.objectStore(store).put(value, ...key);
    });
  }
  const row = { key: "old", conversation: "old", sequence: 1, sealed: new Uint8Array(40) };
  for (const store of dropped) transaction.objectStore(store).put(row);
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  old.close();
}"""


def test_an_old_store_loses_its_conversations_and_keeps_the_device(
    product: Product, launch: Launch
) -> None:
    gus = newcomer(product, launch(None), "gus", "Gus Orr")

    gus.page.goto(f"{product.origin}/api/v1/session")  # our origin, and nobody holds the store
    gus.page.evaluate(GO_BACK, [1, DEVICE, CONVERSATIONS])
    gus.page.goto(product.origin)

    expect(gus.see("new-conversation")).to_be_visible(timeout=30_000)
    expect(gus.see("no-conversations")).to_be_visible()
    expect(gus.see("connection")).to_have_attribute("data-state", "online")
    assert gus.errors == []


def test_a_store_of_the_version_before_keeps_everything(product: Product, launch: Launch) -> None:
    hob, joy = two_who_talk(product, launch(None), "Hob Nail", "Joy Ride", about="Written before")

    joy.page.goto(f"{product.origin}/api/v1/session")
    joy.page.evaluate(GO_BACK, [2, [*DEVICE, *CONVERSATIONS, *SINCE_VERSION_2], []])
    joy.page.goto(product.origin)

    joy.open_conversation("Hob Nail")
    joy.reads("Written before")
    hob.see("members").click()
    hob.see("lifetime").select_option(label="1 day")
    hob.see("lifetime-save").click()
    hob.write("Written after")
    joy.reads("Written before", "Written after")
    expect(joy.see("message-until")).to_have_count(1)
    assert joy.errors == []
