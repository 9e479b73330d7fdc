// When a step of a recording is done, which pictures are kept, the light, and which part of the picture is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brightness, cutFor, lightOf, framesPerStep } from "../src/app/face/plan.ts";

import type { Look, Step } from "../src/api/face.ts";
import { Follower, keep } from "../src/app/face/follow.ts";

const LIMITS = { min: 30, max: 40 };

test("each step has as many pictures, within the server's limits", () => {
  assert.equal(framesPerStep(5, LIMITS), 8);
  assert.equal(framesPerStep(7, LIMITS), 5);
  assert.equal(framesPerStep(3, { min: 5, max: 12 }), 4);
  assert.equal(framesPerStep(3, { min: 50, max: 60 }), 17);
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
    if (!follower.see(turned(turn), now, now)) return;
    done.push(now);
    follower.goOn(now);
  });
  return done;
}

test("a step is done when the head has followed it, wherever the person's nose stands", () => {
  for (const nose of [0, -0.1, 0.12]) {
    const follower = new Follower(CHALLENGE, 0);
    const still = Array.from({ length: 9 }, () => nose);
    const moves = [-0.06, -0.2, -0.1, 0, 0.1, 0.2, 0.1, 0.01].map((turn) => nose + turn);

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

  assert(!follower.see(turned(-0.3), 100, 1_900));
  assert(!follower.see({ looked: true, hint: "too_dark", turn: null }, 1_950, 2_000));

  assert.equal(follower.hint, "too_dark");
  assert(follower.see(turned(-0.3), 2_000, 2_100));
});

test("without anybody who looks the steps go on by the clock", () => {
  const follower = new Follower(CHALLENGE, 0);

  follower.see({ looked: false, hint: null, turn: null }, 500, 1_500);

  assert(!follower.isTired(2_000));
  assert(follower.isTired(2_300));
});

test("a step that is seen but not followed ends after a while", () => {
  const follower = new Follower(CHALLENGE, 0);
  follow(follower, [0, 0, 0, 0, 0, 0, 0, 0]);
  const since = 1_400;

  for (let now = since; now <= since + 9_000; now += 200) {
    follower.see(turned(0), now, now);
    assert(!follower.isTired(now));
  }

  assert(follower.isTired(since + 10_000));
});

test("the pictures kept are the last ones, and the one that shows the pose is among them", () => {
  const pictures = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

  assert.deepEqual(keep(pictures, 4, 9), [8, 9, 10, 11]);
  assert.deepEqual(keep(pictures, 4, 3), [3, 4, 5, 6]);
  assert.deepEqual(keep(pictures, 4, 12), [8, 9, 10, 11]);
  assert.deepEqual(keep([1, 2], 4, 0), [1, 2]);
});

test("a picture that is too dark or too bright is told from a good one", () => {
  const grey = (value: number) => new Uint8ClampedArray([value, value, value, 255, value, value, value, 255]);
  const table = [[10, "too_dark"], [120, "fine"], [250, "too_bright"]] as const;
  for (const [value, light] of table) {
    assert.equal(Math.round(brightness(grey(value))), value);
    assert.equal(lightOf(brightness(grey(value))), light);
  }
});

test("the middle of the picture is sent, at four to three, upright on a phone", () => {
  assert.deepEqual(cutFor(1280, 720), { x: 160, y: 0, width: 960, height: 720, outWidth: 640, outHeight: 480 });
  assert.deepEqual(cutFor(640, 480), { x: 0, y: 0, width: 640, height: 480, outWidth: 640, outHeight: 480 });
  assert.deepEqual(cutFor(720, 1280), { x: 0, y: 160, width: 720, height: 960, outWidth: 480, outHeight: 640 });
});
