// Which step a person is asked for, when it is done, and which of its pictures are sent. No clock
// and no camera in it: it is told what was seen and what time it is.

import type { Look, Step } from "../../api/face.ts";

/** How far the nose moves, in eye distances, from where it stands when the person looks straight. */
const TURNED = 0.13;
const STRAIGHT = 0.05;
/** Somebody who looks at the camera at first holds still for so long, within so much. */
const STEADY_MS = 1_300;
const STEADY_WITHIN = 0.06;
const STEADY_LOOKS = 3;
const MOST_OFF_CENTRE = 0.22;
/** A step nobody can judge is shown for so long; one that is not followed ends as well. */
const BLIND_MS = 2_200;
const STEP_MS = 9_500;

interface Seen {
  at: number;
  turn: number;
}

export class Follower {
  /** The index of the step that is shown. */
  step = 0;
  isOver = false;
  hint: string | null = null;
  private since: number;
  private neutral: number | null = null;
  private seen: Seen[] = [];
  private lookedAt: number;

  constructor(
    private readonly challenge: readonly Step[],
    now: number,
  ) {
    this.since = now;
    this.lookedAt = now;
  }

  /** A look at a picture that was taken at `at`; returns whether it shows what the step asks for. */
  see(look: Look, at: number, now: number): boolean {
    if (!look.looked) return false;
    this.lookedAt = now;
    this.hint = look.hint;
    if (look.turn === null || at < this.since || this.isOver) return false;
    this.seen.push({ at, turn: look.turn });
    return this.neutral === null ? this.settles(at) : this.shows(look.turn - this.neutral);
  }

  /** Whether waiting any longer is in vain: nobody looks, or nothing happens. */
  isTired(now: number): boolean {
    const shown = now - this.since;
    const isBlind = now - Math.max(this.since, this.lookedAt) > BLIND_MS;
    return shown > STEP_MS || (shown > BLIND_MS && isBlind);
  }

  goOn(now: number): void {
    if (this.neutral === null && this.seen.length > 0) {
      this.neutral = middle(this.seen.map(({ turn }) => turn));
    }
    this.seen = [];
    this.since = now;
    this.isOver = this.step + 1 >= this.challenge.length;
    if (!this.isOver) this.step += 1;
  }

  private settles(at: number): boolean {
    const lately = this.seen.filter((one) => one.at >= at - STEADY_MS);
    const turns = lately.map(({ turn }) => turn);
    const first = this.seen[0];
    if (first === undefined || at - first.at < STEADY_MS || turns.length < STEADY_LOOKS) return false;
    const centre = middle(turns);
    if (Math.max(...turns) - Math.min(...turns) > STEADY_WITHIN) return false;
    if (Math.abs(centre) > MOST_OFF_CENTRE) return false;
    this.neutral = centre;
    return true;
  }

  private shows(moved: number): boolean {
    switch (this.challenge[this.step]) {
      case "left":
        return moved >= TURNED;
      case "right":
        return moved <= -TURNED;
      default:
        return Math.abs(moved) <= STRAIGHT;
    }
  }
}

function middle(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/**
 * So many pictures of a step that came one after the other: the last ones, unless the one that
 * shows the pose is older.
 */
export function keep<T>(pictures: readonly T[], count: number, shown: number): readonly T[] {
  const from = Math.max(0, Math.min(pictures.length - count, shown));
  return pictures.slice(from, from + count);
}
