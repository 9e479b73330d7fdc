// The timetable of a recording, the light, and which part of the picture is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brightness, cutFor, lightOf, planFor, REACTION_MS, RECORDING_MS } from "../src/app/face/plan.ts";

const LIMITS = { min: 30, max: 40 };

test("forty frames are spread evenly over the steps, each taken while its step is shown", () => {
  for (const steps of [3, 5, 7]) {
    const { shots, stepMs } = planFor(steps, LIMITS);

    assert.equal(shots.length, 40);
    const counts = Array.from({ length: steps }, (_, step) => shots.filter((shot) => shot.step === step).length);
    assert(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
    for (const { at, step } of shots) {
      assert(at >= step * stepMs + REACTION_MS - 1 && at < (step + 1) * stepMs);
    }
    assert(shots.every(({ at }, index) => index === 0 || at > (shots[index - 1]?.at ?? 0)));
    assert((shots.at(-1)?.at ?? 0) < RECORDING_MS);
  }
});

test("the server's limits are kept", () => {
  assert.equal(planFor(3, { min: 5, max: 12 }).shots.length, 12);
  assert.equal(planFor(3, { min: 50, max: 60 }).shots.length, 50);
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
