// How many pictures of each step, how light they are, and which part of the camera is sent.

const FRAMES = 40;
export const FRAME_EVERY_MS = 170;

/** The same number of pictures of each step, within the server's limits. */
export function framesPerStep(steps: number, limits: { min: number; max: number }): number {
  const least = Math.ceil(limits.min / steps);
  return Math.max(least, Math.floor(Math.min(FRAMES, limits.max) / steps));
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

export function lightOf(mean: number): Light {
  if (mean < DARK) return "too_dark";
  return mean > BRIGHT ? "too_bright" : "fine";
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
