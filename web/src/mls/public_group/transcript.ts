// RFC 9420 section 8.2: the hashes over everything that was ever committed.

import { type Bytes, concat } from "../../bytes.ts";
import { encodeOpaque, encodeUint } from "../codec.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { type AuthenticatedContent, FramedContent } from "../messages/framing.ts";

/** Covers the commit and its signature, not its confirmation tag. */
export function confirmedTranscriptHash(suite: CipherSuite, interimBefore: Bytes, commit: AuthenticatedContent): Bytes {
  const format = encodeUint(commit.wireFormat, 2);
  const signature = encodeOpaque(commit.auth.signature);
  return suite.hash.digest(concat(interimBefore, format, FramedContent.encode(commit.content), signature));
}

/** Covers the confirmation tag too. */
export function interimTranscriptHash(suite: CipherSuite, confirmed: Bytes, tag: Bytes): Bytes {
  return suite.hash.digest(concat(confirmed, encodeOpaque(tag)));
}
