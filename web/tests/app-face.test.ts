// When a step of a recording is done, which pictures are kept, the light, and which part of the picture is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brightness, cutFor, framesOf, lightOf, motion } from "../src/app/face/plan.ts";

import type { Look, Step } from "../src/api/face.ts";
import { Follower, keep, lastOf, liveliest } from "../src/app/face/follow.ts";

const LIMITS = { min: 30, max: 40 };

test("a turn has more pictures than looking straight, within the server's limits", () => {
  const sum = (counts: number[]) => counts.reduce((all, one) => all + one, 0);

  assert.deepEqual(framesOf(CHALLENGE, LIMITS), [4, 14, 4, 14, 4]);
  assert.deepEqual(framesOf(["straight", "left"], LIMITS), [7, 24]);
  assert.equal(sum(framesOf(CHALLENGE, { min: 5, max: 20 })), 20);
});

const CHALLENGE: Step[] = ["straight", "right", "straight", "left", "straight"];

function turned(turn: number): Look {
  return { looked: true, hint: null, turn };
}

/** Looks every 200 ms at what the head does; returns the moments at which steps were done. */
function follow(follower: Follower, turns: readonly number[], from = 0): number[] {
  const done: number[] = [];
  turns.forEach((turn, index) => {
    const now = from + index * 200;
    if (follower.see(turned(turn), index, now, now) === null) return;
    done.push(now);
    follower.goOn(now);
  });
  return done;
}

test("a step is done when the head has followed it, wherever the person's nose stands", () => {
  for (const nose of [0, -0.1, 0.12]) {
    const follower = new Follower(CHALLENGE, 0);
    const still = Array.from({ length: 9 }, () => nose);
    const moves = [-0.06, -0.2, -0.1, 0, 0, 0.1, 0.2, 0.1, 0.01].map((turn) => nose + turn);

    const done = follow(follower, [...still, ...moves]);

    assert.equal(done.length, 5);
    assert(follower.isOver);
  }
});

test("nothing is done by a head that turns the other way or does not hold still at first", () => {
  const wrong = new Follower(CHALLENGE, 0);
  const restless = new Follower(CHALLENGE, 0);

  follow(wrong, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0.3, 0.3, 0.3]);
  follow(restless, [0, 0.2, 0, -0.2, 0, 0.2, 0, -0.2, 0, 0.2, 0]);

  assert.equal(wrong.step, 1);
  assert.equal(restless.step, 0);
});

test("a picture of the step before does not count, and a useless one says why", () => {
  const follower = new Follower(CHALLENGE, 0);
  follow(follower, [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(follower.step, 1);

  assert.equal(follower.see(turned(-0.3), 0, 100, 1_900), null);
  assert.equal(follower.see({ looked: true, hint: "too_dark", turn: null }, 1, 1_950, 2_000), null);

  assert.equal(follower.hint, "too_dark");
  assert.equal(follower.see(turned(0), 2, 2_000, 2_100), null);
  assert.deepEqual(follower.see(turned(-0.3), 5, 2_400, 2_500), { from: 2, to: 5 });
});

test("a turn counts from where the head was straight, and one that began before or long ago does not", () => {
  const begun = (...looks: [place: number, turn: number, at: number][]) => {
    const follower = new Follower(CHALLENGE, 0);
    follow(follower, [0, 0, 0, 0, 0, 0]);
    const last = looks.map(([place, turn, at]) => follower.see(turned(turn), place, at, at)).at(-1);
    return { followed: last, hint: follower.hint };
  };

  assert.deepEqual(begun([0, 0, 2_000], [3, -0.02, 2_200], [9, -0.09, 2_600], [12, -0.2, 2_900]), {
    followed: { from: 3, to: 12 },
    hint: null,
  });
  for (const looks of [[[0, -0.2, 2_000]], [[0, 0, 2_000], [50, -0.08, 4_000], [70, -0.2, 5_500]]] as const) {
    assert.deepEqual(begun(...looks.map(([place, turn, at]) => [place, turn, at] as [number, number, number])), {
      followed: null,
      hint: "turned_too_fast",
    });
  }
});

test("without anybody who looks the steps go on by the clock", () => {
  const follower = new Follower(CHALLENGE, 0);

  follower.see({ looked: false, hint: null, turn: null }, 0, 500, 1_500);

  assert(!follower.isTired(2_000));
  assert(follower.isTired(2_300));
});

test("a step that is seen but not followed ends after a while", () => {
  const follower = new Follower(CHALLENGE, 0);
  follow(follower, [0, 0, 0, 0, 0, 0, 0, 0]);
  const since = 1_400;

  for (let now = since; now <= since + 9_000; now += 200) {
    follower.see(turned(0), 0, now, now);
    assert(!follower.isTired(now));
  }

  assert(follower.isTired(since + 10_000));
});

const PICTURES = Array.from({ length: 40 }, (_, place) => place);

test("of looking straight the last pictures are kept, and the one that shows it is among them", () => {
  const pictures = PICTURES.slice(0, 12);

  assert.deepEqual(keep(pictures, 4, { from: 10, to: 10 }), [8, 9, 10, 11]);
  assert.deepEqual(keep(pictures, 4, { from: 3, to: 3 }), [3, 4, 5, 6]);
  assert.deepEqual(keep(pictures, 4, lastOf(pictures)), [8, 9, 10, 11]);
  assert.deepEqual(keep([1, 2], 4, { from: 0, to: 0 }), [1, 2]);
});

test("of a turn all pictures are kept from before it to its end, or every other one of a slow one", () => {
  assert.deepEqual(keep(PICTURES, 13, { from: 20, to: 24 }), PICTURES.slice(16, 29));
  assert.deepEqual(keep(PICTURES, 13, { from: 22, to: 24 }), PICTURES.slice(16, 29));
  assert.deepEqual(keep(PICTURES, 13, { from: 1, to: 3 }), PICTURES.slice(0, 13));
  assert.deepEqual(keep(PICTURES, 13, { from: 11, to: 27 }), [7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]);
  const slow = keep(PICTURES, 13, { from: 8, to: 37 });
  assert.deepEqual([slow.length, slow[0], slow.at(-1)], [13, 4, 39]);
});

test("when nobody looks, the pictures in which most moved are kept", () => {
  const still = new Uint8ClampedArray([9, 9, 9, 255]);
  const other = new Uint8ClampedArray([9, 19, 9, 255]);
  const motions = PICTURES.map((place) => (place > 20 && place < 28 ? motion(still, other) : motion(still, still)));

  const kept = keep(PICTURES, 13, liveliest(motions, 13));

  assert.equal(kept.length, 13);
  assert([20, 21, 27].every((place) => kept.includes(place)));
  assert.deepEqual(keep(PICTURES.slice(0, 5), 13, liveliest([0, 1, 0, 0, 1], 13)), [0, 1, 2, 3, 4]);
});

test("a picture that is too dark or too bright is told from a good one", () => {
  const grey = (value: number) => new Uint8ClampedArray([value, value, value, 255, value, value, value, 255]);
  const table = [[10, "too_dark"], [120, "fine"], [250, "too_bright"]] as const;
  for (const [value, light] of table) {
    assert.equal(Math.round(brightness(grey(value))), value);
    assert.equal(lightOf(grey(value)), light);
  }
});

test("the middle of the picture is sent, at four to three, upright on a phone", () => {
  assert.deepEqual(cutFor(1280, 720), { x: 160, y: 0, width: 960, height: 720, outWidth: 640, outHeight: 480 });
  assert.deepEqual(cutFor(640, 480), { x: 0, y: 0, width: 640, height: 480, outWidth: 640, outHeight: 480 });
  assert.deepEqual(cutFor(720, 1280), { x: 0, y: 160, width: 720, height: 960, outWidth: 480, outHeight: 640 });
});
