// Looking for words in what this device has kept. There is no index: it would be a second copy of what was
// written, to be kept and forgotten with the first. Opening twenty thousand messages takes a second or two.

import type { MessageRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { Found, FoundMessage } from "./protocol.ts";

const AT_A_TIME = 200;
const MOST_LOOKED_AT = 20_000;
const MOST_FOUND = 50;
const BEFORE_THE_WORD = 30;
const MOST_SHOWN = 140;

/** Without case and accents, so that "zurich" finds "Zürich". */
export function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

export function wordsIn(query: string): string[] {
  return plain(query).split(/\s+/).filter((word) => word !== "");
}

/** The part of a text that shows why it was found. */
export function excerpt(text: string, word: string): string {
  const at = Math.max(0, plain(text).indexOf(word) - BEFORE_THE_WORD);
  const letters = [...text.slice(at, at + MOST_SHOWN)].join("");
  return `${at > 0 ? "…" : ""}${letters}${at + MOST_SHOWN < text.length ? "…" : ""}`;
}

/** Messages with all the words, newest first; `isOver` ends a search that nobody waits for any more. */
export async function search(context: Context, query: string, isOver: () => boolean): Promise<Found> {
  const words = wordsIn(query);
  const first = words[0];
  if (first === undefined) return { messages: [], isWhole: true };
  const hits: [MessageRecord, string][] = [];
  let looked = 0;
  for await (const message of everything(context)) {
    looked += 1;
    if (isOver() || looked > MOST_LOOKED_AT) break;
    const text = textOf(message);
    const folded = plain(text);
    if (words.every((word) => folded.includes(word))) hits.push([message, text]);
  }
  const newest = hits.sort(([one], [other]) => Number(one.at < other.at) - Number(one.at > other.at)).slice(0, MOST_FOUND);
  const messages = newest.map(([message, text]) => shown(context, message, excerpt(text, first)));
  return { messages, isWhole: hits.length <= MOST_FOUND && looked <= MOST_LOOKED_AT && !isOver() };
}

/** The conversation with the latest activity first. */
async function* everything({ conversations, records }: Context): AsyncGenerator<MessageRecord> {
  const latest = [...conversations.values()].sort((one, other) => (one.record.activeAt < other.record.activeAt ? 1 : -1));
  for (const { id } of latest) {
    let before = Infinity;
    for (;;) {
      const page = await records.newest("messages", id, before, AT_A_TIME);
      yield* page;
      const oldest = page.at(-1);
      if (page.length < AT_A_TIME || oldest === undefined) break;
      before = oldest.sequence;
    }
  }
}

function textOf({ body }: MessageRecord): string {
  if (body.type === "text") return body.text;
  return body.type === "file" ? body.name : "";
}

function shown(context: Context, { id, conversationId, senderId, at }: MessageRecord, text: string): FoundMessage {
  const mine = senderId === context.me.personId;
  return { id, conversationId, senderName: mine ? "" : context.people.name(senderId), mine, text, at };
}
