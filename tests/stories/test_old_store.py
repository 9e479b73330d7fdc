"""A browser that kept conversations of the version before: they go, its keys stay."""

import pytest
from playwright.sync_api import expect

from tests.stories.conftest import Launch
from tests.stories.people import newcomer
from tests.stories.product import Product

pytestmark = pytest.mark.story

KEPT = ["identity", "people", "pins", "device"]
DROPPED = ["conversations", "groups", "messages", "outbox", "keyPackages"]

# Makes of the present database one of version 1, with a row in every store.
GO_BACK = """async ([kept, dropped]) => {
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
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const store of [...kept, ...dropped]) {
      const options = store === "device" ? undefined : { keyPath: "key" };
      const objects = opening.result.createObjectStore(store, options);
      if (options) objects.createIndex("by_sequence", ["conversation", "sequence"]);
    }
  };
  const old = await done(opening);
  const transaction = old.transaction([...kept, ...dropped], "readwrite");
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
    gus.page.evaluate(GO_BACK, [KEPT, DROPPED])
    gus.page.goto(product.origin)

    expect(gus.see("new-conversation")).to_be_visible(timeout=30_000)
    expect(gus.see("no-conversations")).to_be_visible()
    expect(gus.see("connection")).to_have_attribute("data-state", "online")
    assert gus.errors == []


# Makes of the present database one of version 2, which knew nothing of messages that disappear.
GO_BACK_A_STEP = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const names = (await indexedDB.databases()).map(({ name }) => name);
  const name = names.find((each) => each.startsWith("securechat-"));
  const present = await done(indexedDB.open(name));
  const stores = [...present.objectStoreNames].filter((store) => store !== "due");
  const rows = {};
  for (const store of stores) {
    const objects = present.transaction(store).objectStore(store);
    rows[store] = [await done(objects.getAll()), await done(objects.getAllKeys())];
  }
  present.close();
  await done(indexedDB.deleteDatabase(name));
  const opening = indexedDB.open(name, 2);
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
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  old.close();
}"""


def test_a_store_of_the_version_before_keeps_everything(product: Product, launch: Launch) -> None:
    browser = launch(None)
    hob = newcomer(product, browser, "hob", "Hob Nail")
    joy = newcomer(product, browser, "joy", "Joy Ride")
    joy.wait_until_reachable()
    hob.start_conversation("Joy Ride")
    hob.write("Written before")
    joy.open_conversation("Hob Nail")
    joy.reads("Written before")

    joy.page.goto(f"{product.origin}/api/v1/session")
    joy.page.evaluate(GO_BACK_A_STEP)
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
