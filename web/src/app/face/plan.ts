// How many pictures of each step, how light they are, and which part of the camera is sent.

import type { Step } from "../../api/face.ts";

export const FRAME_EVERY_MS = 25; // and then the camera's next picture
/** A turn is sent as it happens, from straight to turned; of the rest a few pictures are enough. */
const OF_A_TURN = 14;
const OF_STRAIGHT = 4;

/** How many pictures of each step, within the server's limits. */
export function framesOf(challenge: readonly Step[], limits: { min: number; max: number }): number[] {
  const wanted = challenge.map((step) => (step === "straight" ? OF_STRAIGHT : OF_A_TURN));
  const total = wanted.reduce((sum, count) => sum + count, 0);
  if (total > limits.max) return wanted.map((count) => Math.floor((count * limits.max) / total));
  return wanted.map((count) => Math.ceil((count * Math.max(total, limits.min)) / total));
}

export type Light = "too_dark" | "too_bright" | "fine";

const DARK = 45;
const BRIGHT = 225;

/** The mean brightness of RGBA pixels, 0 to 255. */
export function brightness(pixels: Uint8ClampedArray): number {
  let sum = 0;
  for (let index = 0; index + 3 < pixels.length; index += 4) {
    sum += 0.299 * pixels[index]! + 0.587 * pixels[index + 1]! + 0.114 * pixels[index + 2]!; // in range
  }
  return sum / Math.max(1, Math.floor(pixels.length / 4));
}

/** How light a picture of RGBA pixels is; none is fine. */
export function lightOf(pixels: Uint8ClampedArray): Light {
  if (pixels.length === 0) return "fine";
  const mean = brightness(pixels);
  if (mean < DARK) return "too_dark";
  return mean > BRIGHT ? "too_bright" : "fine";
}

/** How much a picture differs from the one before. */
export function motion(before: Uint8ClampedArray, now: Uint8ClampedArray): number {
  if (before.length !== now.length) return 0;
  return now.reduce((sum, value, index) => sum + Math.abs(value - before[index]!), 0); // in range
}

export interface Cut {
  x: number;
  y: number;
  width: number;
  height: number;
  outWidth: number;
  outHeight: number;
}

const LONG_SIDE = 640;
const SHORT_SIDE = 480;

/** The middle of the camera's picture at 4:3 (or 3:4 on a phone): exactly what the page shows. */
export function cutFor(width: number, height: number): Cut {
  const upright = height > width;
  const [outWidth, outHeight] = upright ? [SHORT_SIDE, LONG_SIDE] : [LONG_SIDE, SHORT_SIDE];
  const scale = Math.min(width / outWidth, height / outHeight);
  const cutWidth = outWidth * scale;
  const cutHeight = outHeight * scale;
  return {
    x: (width - cutWidth) / 2,
    y: (height - cutHeight) / 2,
    width: cutWidth,
    height: cutHeight,
    outWidth,
    outHeight,
  };
}
