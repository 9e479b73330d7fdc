// Which step a person is asked for, when it is done, and which of its pictures are sent. No clock
// and no camera in it: it is told what was seen and what time it is.

import type { Look, Step } from "../../api/face.ts";

/** How far the nose moves, in eye distances, from where it stands when the person looks straight. */
const TURNED = 0.13;
const STRAIGHT = 0.05;
/** A turn starts from here and arrives within so long: it is sent whole, in a dozen pictures. */
const NOT_YET_TURNED = 0.04;
const LONGEST_TURN_MS = 3_000;
/** Somebody who looks at the camera at first holds still for so long, within so much. */
const STEADY_MS = 1_000;
const STEADY_WITHIN = 0.06;
const STEADY_LOOKS = 3;
const MOST_OFF_CENTRE = 0.22;
/** A step nobody can judge is shown for so long; one that is not followed ends as well. */
const BLIND_MS = 2_200;
const STEP_MS = 9_500;

interface Seen {
  at: number;
  turn: number;
  /** Of the picture among those of its step. */
  place: number;
}

/** The pictures between which a step was followed: the last look before the turn, and the one that shows it. */
export interface Followed {
  from: number;
  to: number;
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

  /** A look at a picture that was taken at `at`; returns where the step was followed, once it was. */
  see(look: Look, place: number, at: number, now: number): Followed | null {
    if (!look.looked) return null;
    this.lookedAt = now;
    this.hint = look.hint;
    if (look.turn === null || at < this.since || this.isOver) return null;
    this.seen.push({ at, place, turn: look.turn });
    if (this.neutral === null) return this.settles(at) ? { from: place, to: place } : null;
    if (!this.shows(look.turn - this.neutral)) return null;
    if (this.side === 0) return { from: place, to: place };
    const from = this.straightBefore(at, this.neutral);
    if (from === null) this.hint = "turned_too_fast";
    return from === null ? null : { from, to: place };
  }

  /** Whether waiting any longer is in vain: nobody looks, or nothing happens. */
  isTired(now: number): boolean {
    const shown = now - this.since;
    const isBlind = now - Math.max(this.since, this.lookedAt) > BLIND_MS;
    return shown > STEP_MS || (shown > BLIND_MS && isBlind);
  }

  get asksForTurn(): boolean {
    return this.side !== 0;
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

  /** The person's own left is positive; straight is neither side. */
  private get side(): number {
    const step = this.challenge[this.step];
    return step === "left" ? 1 : step === "right" ? -1 : 0;
  }

  private shows(moved: number): boolean {
    return this.side === 0 ? Math.abs(moved) <= STRAIGHT : this.side * moved >= TURNED;
  }

  /** Where the turn that is over by now began. */
  private straightBefore(now: number, neutral: number): number | null {
    const last = this.seen.findLast(({ turn }) => this.side * (turn - neutral) <= NOT_YET_TURNED);
    return last === undefined || now - last.at > LONGEST_TURN_MS ? null : last.place;
  }
}

function middle(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** Pictures before the look at the start of a turn, which may have begun, and after the one at its end. */
const BEFORE = 4;
const AFTER = 4;

/**
 * So many pictures of a step: of a turn all there is from straight to turned, or every other one
 * of a slow one, evenly; otherwise the last ones, with the one that shows the pose among them.
 */
export function keep<T>(pictures: readonly T[], count: number, { from, to }: Followed): readonly T[] {
  const isTurn = to > from;
  const end = Math.min(isTurn ? to + AFTER : to + count - 1, pictures.length - 1);
  const begin = Math.max(0, Math.min(isTurn ? from - BEFORE : to, end + 1 - count));
  const taken = Math.min(count, pictures.length);
  const span = Math.max(end - begin, taken - 1);
  const place = (n: number) => begin + Math.round((n * span) / Math.max(1, taken - 1));
  return Array.from({ length: taken }, (_, n) => pictures[place(n)]!); // begin + span is in range
}

export function lastOf(pictures: readonly unknown[]): Followed {
  return { from: pictures.length - 1, to: pictures.length - 1 };
}

/** Where most moved in so many pictures, for when nobody looks; `motions` are from one to the next. */
export function liveliest(motions: readonly number[], count: number): Followed {
  let best = { from: 0, moved: -1 };
  for (let from = 0; from === 0 || from + count <= motions.length; from += 1) {
    const moved = motions.slice(from + 1, from + count).reduce((sum, one) => sum + one, 0);
    if (moved > best.moved) best = { from, moved };
  }
  return { from: best.from + BEFORE, to: best.from + count - 1 - AFTER };
}
