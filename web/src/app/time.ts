// Times as people say them. `now` is an argument, so that a test can choose it.

import { words } from "./words.ts";

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "long" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DATE_AND_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

const DAY = 24 * 3600 * 1000;

/** What is no time, whoever says it, must not take the page away: it was long ago. */
function dateOf(at: string): Date {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? new Date(0) : date;
}

export function clockTime(at: string): string {
  return CLOCK.format(dateOf(at));
}

/** Equal for two times on the same day of the reader's calendar. */
export function dayOf(at: string): string {
  const date = dateOf(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

function daysBetween(at: string, now: Date): number {
  const day = dateOf(at).setHours(0, 0, 0, 0);
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - day) / DAY);
}

export function dayName(at: string, now: Date): string {
  const days = daysBetween(at, now);
  if (days === 0) return words.chat.today;
  if (days === 1) return words.chat.yesterday;
  if (days > 1 && days < 7) return WEEKDAY.format(dateOf(at));
  return DATE_AND_YEAR.format(dateOf(at));
}

/** For the list: the time of today, the name of a recent day, or a date. */
export function shortTime(at: string, now: Date): string {
  const days = daysBetween(at, now);
  if (days <= 0) return clockTime(at);
  if (days === 1) return words.chat.yesterday;
  if (days < 7) return WEEKDAY.format(dateOf(at));
  return DATE.format(dateOf(at));
}

export function fullTime(at: string): string {
  return `${DATE_AND_YEAR.format(dateOf(at))}, ${clockTime(at)}`;
}
