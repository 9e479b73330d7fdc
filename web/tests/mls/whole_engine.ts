// All that a client needs of the engine, with the hybrid suite: built to see how large that is.

export { cipherSuite } from "../../src/mls/crypto/suites.ts";
export { commit } from "../../src/mls/group/commit.ts";
export { createGroup } from "../../src/mls/group/create.ts";
export { join } from "../../src/mls/group/join.ts";
export { makeKeyPackage } from "../../src/mls/group/key_packages.ts";
export { encrypt, propose, proposeUpdate } from "../../src/mls/group/messages.ts";
export { joinFromOutside } from "../../src/mls/group/outside.ts";
export { process } from "../../src/mls/group/process.ts";
export { load, save, savePublic, saveSecrets } from "../../src/mls/group/storage.ts";
export * from "../../src/mls/group/successors.ts";
export { MLSMessage, messageOf } from "../../src/mls/messages/mls_message.ts";
export { PublicGroup } from "../../src/mls/public_group/public_group.ts";
export { loadPublicGroup, savePublicGroup } from "../../src/mls/public_group/storage.ts";
