// Keeps enough key packages on the server that others can add this device at any time. What opens
// their Welcomes is stored before they are published.

import { toBase64 } from "../bytes.ts";
import { KEY_PACKAGE_DAYS, type KeyPackagePair } from "../mls-engine.ts";
import type { Context } from "./context.ts";

const ENOUGH = 50;
const LOW = 25;
const DAY = 24 * 60 * 60 * 1000;
/** A Welcome made on the last day may wait for this long. */
const KEPT_AFTER_EXPIRY = 30 * DAY;

export async function replenish(context: Context): Promise<void> {
  await forgetExpired(context);
  const { available, has_last_resort } = await context.server.keyPackageCount();
  if (available >= LOW && has_last_resort) return;
  const seconds = Math.floor(context.now() / 1000);
  const single: KeyPackagePair[] = [];
  for (let count = available; count < ENOUGH; count += 1) {
    single.push(await context.mls.makeKeyPackage(seconds, { lastResort: false }));
  }
  const lastResort = has_last_resort
    ? null
    : await context.mls.makeKeyPackage(seconds, { lastResort: true });
  await keep(context, single, lastResort);
  await context.server.uploadKeyPackages(
    single.map(({ published }) => toBase64(published)),
    lastResort && toBase64(lastResort.published),
  );
}

async function keep(
  context: Context,
  single: readonly KeyPackagePair[],
  lastResort: KeyPackagePair | null,
): Promise<void> {
  const expiresAt = context.now() + KEY_PACKAGE_DAYS * DAY;
  const unit = context.records.unit();
  for (const { reference, secret } of single) {
    unit.put("keyPackages", reference, { secret: toBase64(secret), lastResort: false, expiresAt });
  }
  if (lastResort) {
    const { reference, secret } = lastResort;
    unit.put("keyPackages", reference, { secret: toBase64(secret), lastResort: true, expiresAt });
  }
  await unit.commit();
}

async function forgetExpired(context: Context): Promise<void> {
  const unit = context.records.unit();
  for (const [reference, { expiresAt }] of await context.records.all("keyPackages")) {
    if (expiresAt + KEPT_AFTER_EXPIRY < context.now()) unit.remove("keyPackages", reference);
  }
  await unit.commit();
}
