// RFC 9420 section 6: the one form in which anything is sent.

import { type Value, type ValueOf, select, structure } from "../codec.ts";
import { UnsupportedVersion } from "../errors.ts";
import { PrivateMessage, PublicMessage, WireFormat } from "./framing.ts";
import { GroupInfo } from "./group_info.ts";
import { UncheckedKeyPackage } from "./key_packages.ts";
import { MLS10 } from "./leaf_nodes.ts";
import { Welcome } from "./welcome.ts";

const Body = select(2, {
  [WireFormat.PUBLIC_MESSAGE]: PublicMessage,
  [WireFormat.PRIVATE_MESSAGE]: PrivateMessage,
  [WireFormat.WELCOME]: Welcome,
  [WireFormat.GROUP_INFO]: GroupInfo,
  [WireFormat.KEY_PACKAGE]: UncheckedKeyPackage,
});
export type Body = ValueOf<typeof Body>;

/** A version, a wire format and a body; `decode` accepts MLS 1.0 only. */
export interface MLSMessage extends Value<"MLSMessage"> {
  readonly version: typeof MLS10;
  readonly body: Body;
}

export const MLSMessage = structure<"MLSMessage", MLSMessage>("MLSMessage", {
  write(writer, value) {
    writer.uint(value.version, 2);
    Body.write(writer, value.body);
  },
  read(reader) {
    if (reader.uint(2) !== MLS10) throw new UnsupportedVersion();
    return messageOf(Body.read(reader));
  },
});

export function messageOf(body: Body): MLSMessage {
  return { kind: "MLSMessage", version: MLS10, body };
}
