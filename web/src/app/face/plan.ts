// When to take which picture: frames spread evenly over the steps, each labelled with its step.

export const FRAMES = 40;
export const RECORDING_MS = 10_000;
/** Pictures taken before a person can have followed the words say nothing of the step. */
export const REACTION_MS = 700;

export interface Plan {
  /** How long one step is shown. */
  stepMs: number;
  /** Moments in milliseconds since the start, with the index of the step shown then. */
  shots: readonly { at: number; step: number }[];
}

export function planFor(steps: number, limits: { min: number; max: number }): Plan {
  const count = Math.max(limits.min, Math.min(FRAMES, limits.max));
  const stepMs = RECORDING_MS / steps;
  const shots = Array.from({ length: count }, (_, index) => {
    const step = Math.floor((index * steps) / count);
    const first = Math.ceil((step * count) / steps);
    const ofStep = Math.ceil(((step + 1) * count) / steps) - first;
    const spacing = (stepMs - REACTION_MS) / ofStep;
    return { step, at: Math.round(step * stepMs + REACTION_MS + (index - first) * spacing) };
  });
  return { stepMs, shots };
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
