// What a device could not apply: told to the server once, and heard of from others.

import type { StuckElsewhere } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { receivedRecord } from "./messages.ts";
import type { FailureInfo } from "./server.ts";

/** Tells what is still to be told; if that fails, it comes again with the next connection. */
export async function reportFailure(context: Context, conversation: Conversation): Promise<void> {
  const { failure } = conversation.record;
  if (!failure) return;
  await context.server.reportFailure(conversation.id, failure.position, failure.code);
  await context.lock.run(() =>
    conversation.save((draft) => {
      if (draft.failure?.position === failure.position) draft.failure = null;
    }),
  );
}

/** Others' devices could not apply a change: a line of the thread, right after that change. */
export async function heardOfFailures(
  context: Context,
  conversation: Conversation,
  failures: readonly FailureInfo[],
): Promise<void> {
  const { members } = conversation.record;
  const since = members[context.me.deviceId]?.joinedPosition ?? 0;
  const others = failures.filter(
    ({ device_id, position }) => device_id !== context.me.deviceId && position > since && members[device_id],
  );
  for (const failure of others) await note(context, conversation, failure);
}

async function note(context: Context, conversation: Conversation, failure: FailureInfo): Promise<void> {
  const { members } = conversation.record;
  const sender = members[failure.sender_device_id]?.personId ?? "";
  const person = members[failure.device_id]?.personId ?? "";
  const at = new Date(context.now()).toISOString();
  const entry = { position: failure.position, created_at: at, sender_device_id: failure.sender_device_id };
  const made = receivedRecord(conversation, entry, sender, { type: "stuck_elsewhere", devices: {} });
  const id = `${made.id}:stuck`;
  const isNew = await context.lock.run(async () => {
    const known = await context.records.get("messages", id);
    const devices = known?.body.type === "stuck_elsewhere" ? known.body.devices : {};
    if (devices[failure.device_id] !== undefined) return false;
    const body: StuckElsewhere = { type: "stuck_elsewhere", devices: { ...devices, [failure.device_id]: person } };
    const record = { ...(known ?? made), id, body, sequence: failure.position + 0.5 }; // behind the change itself
    await context.records.unit().put("messages", id, record).commit("relaxed");
    return true;
  });
  if (!isNew) return;
  await context.people.ensure([sender, person].filter((name) => name !== ""));
  context.changed(conversation.id, [id]);
}
