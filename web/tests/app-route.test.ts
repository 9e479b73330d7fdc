// Addresses and what they ask for; where a login may go on to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, nextPage, parseRoute, type Route } from "../src/app/route.ts";

const ORIGIN = "https://chat.example.org";

test("an address names its page", () => {
  const table: [string, Route][] = [
    ["", { name: "home" }],
    ["#/", { name: "home" }],
    ["#/login", { name: "login" }],
    ["#/invitation/abc_-1", { name: "invitation", token: "abc_-1" }],
    ["#/invitation", { name: "invitation", token: null }],
    ["#/conversation/0f3a", { name: "conversation", id: "0f3a" }],
    ["#/conversation/", { name: "home" }],
    ["#/settings", { name: "settings" }],
    ["#/nothing/like/it", { name: "home" }],
  ];
  for (const [hash, route] of table) assert.deepEqual(parseRoute(hash), route, hash);
});

test("an address that is written never holds the secret of an invitation", () => {
  assert.equal(hashOf({ name: "invitation", token: "secret" }), "#/invitation");
});

test("an address that is written is read back as the same page", () => {
  const routes: Route[] = [{ name: "home" }, { name: "settings" }, { name: "conversation", id: "7" }];
  for (const route of routes) assert.deepEqual(parseRoute(hashOf(route)), route);
});

test("after logging in only a path of this origin is followed", () => {
  const followed: [string, string | null][] = [
    ["?next=/admin/", "/admin/"],
    ["?next=%2Fadmin%2Faccounts%2F%3Fq%3Da", "/admin/accounts/?q=a"],
    ["", null],
    ["?next=", null],
    ["?next=admin", null],
    ["?next=//evil.example", null],
    ["?next=/%5Cevil.example", null],
    ["?next=https://evil.example/", null],
    ["?next=javascript:alert(1)", null],
    ["?next=/%0A/evil.example", null],
    ["?next=/%09/evil.example", null],
  ];
  for (const [search, expected] of followed) assert.equal(nextPage(search, ORIGIN), expected, search);
});
