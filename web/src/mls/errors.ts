// Everything the engine refuses, as one drawn tree. Nothing else escapes from any bytes.
//
//     MLSError
//     ├── DecodeError                     the bytes are not the structure
//     ├── OutOfRange                      a value does not fit the structure
//     ├── CryptoError
//     │   ├── UnsupportedSuite
//     │   ├── InvalidKey
//     │   ├── InvalidSignature
//     │   └── DecryptionFailed
//     ├── Refused                         well-formed, and against a rule
//     │   ├── UnsupportedVersion
//     │   ├── CredentialRefused
//     │   ├── LeafNodeRefused             section 7.3, one class per rule below it
//     │   ├── KeyPackageRefused           section 10.1
//     │   ├── ProposalRefused             section 12.1
//     │   ├── ProposalListRefused         section 12.2
//     │   ├── CommitRefused               section 12.4.2
//     │   ├── MessageRefused              section 6
//     │   ├── TreeRefused                 section 7.9 and 12.4.3.1
//     │   ├── WelcomeRefused              section 12.4.3.1
//     │   ├── GroupInfoRefused            section 12.4.3
//     │   └── PskRefused                  section 8.4
//     └── StateError                      right in itself, and not now
//
// `code` is stable and the same in Python; a test compares the two lists. It is spelled out, as a
// minified class has lost its name.

/** Something the engine refuses. */
export class MLSError extends Error {
  get code(): string {
    return "mls_error";
  }

  constructor(reason?: string) {
    super(reason);
    this.message = reason ?? this.code;
  }
}

/** The bytes are not exactly one value of this structure. */
export class DecodeError extends MLSError {
  override get code(): string { return "decode_error"; }
}

/** The value does not fit the structure. */
export class OutOfRange extends MLSError {
  override get code(): string { return "out_of_range"; }
}

/** A cryptographic operation failed. */
export class CryptoError extends MLSError {
  override get code(): string { return "crypto_error"; }
}

/** The cipher suite is not one of the engine's. */
export class UnsupportedSuite extends CryptoError {
  override get code(): string { return "unsupported_suite"; }
}

/** The bytes are not a key of this algorithm. */
export class InvalidKey extends CryptoError {
  override get code(): string { return "invalid_key"; }
}

/** The signature is not the key's over these bytes. */
export class InvalidSignature extends CryptoError {
  override get code(): string { return "invalid_signature"; }
}

/** The ciphertext was not made for this key and context. */
export class DecryptionFailed extends CryptoError {
  override get code(): string { return "decryption_failed"; }
}

/** The message is well-formed and breaks a rule. */
export class Refused extends MLSError {
  override get code(): string { return "refused"; }
}

/** RFC 9420 section 6: the protocol version is not MLS 1.0. */
export class UnsupportedVersion extends Refused {
  override get code(): string { return "unsupported_version"; }
}

/** RFC 9420 section 5.3.1: the application does not accept the credential for this key. */
export class CredentialRefused extends Refused {
  override get code(): string { return "credential_refused"; }
}

/** RFC 9420 section 13.4: an extension list names a type twice. */
export class DuplicateExtension extends Refused {
  override get code(): string { return "duplicate_extension"; }
}

/** RFC 9420 section 7.3: the leaf node is not valid here. */
export class LeafNodeRefused extends Refused {
  override get code(): string { return "leaf_node_refused"; }
}

/** RFC 9420 section 7.3: the leaf node is not signed by its own key. */
export class LeafSignatureInvalid extends LeafNodeRefused {
  override get code(): string { return "leaf_signature_invalid"; }
}

/** RFC 9420 section 7.3: the leaf node was made for another use. */
export class LeafSourceMismatch extends LeafNodeRefused {
  override get code(): string { return "leaf_source_mismatch"; }
}

/** RFC 9420 section 7.3: the leaf carries an extension that it does not list as supported. */
export class LeafExtensionNotSupported extends LeafNodeRefused {
  override get code(): string { return "leaf_extension_not_supported"; }
}

/** RFC 9420 section 7.3: the leaf lacks a capability that the group requires. */
export class RequiredCapabilityMissing extends LeafNodeRefused {
  override get code(): string { return "required_capability_missing"; }
}

/** RFC 9420 section 7.3: a member's credential type is not supported by every member. */
export class CredentialTypeNotShared extends LeafNodeRefused {
  override get code(): string { return "credential_type_not_shared"; }
}

/** RFC 9420 section 12.1.7: a member does not support an extension of the group context. */
export class GroupExtensionNotSupported extends LeafNodeRefused {
  override get code(): string { return "group_extension_not_supported"; }
}

/** RFC 9420 section 7.3: the leaf's encryption key is already in the tree. */
export class EncryptionKeyReused extends LeafNodeRefused {
  override get code(): string { return "encryption_key_reused"; }
}

/** RFC 9420 section 7.3: the leaf's signature key is already in the tree. */
export class SignatureKeyReused extends LeafNodeRefused {
  override get code(): string { return "signature_key_reused"; }
}

/** RFC 9420 section 7.3: the leaf keeps the encryption key of the leaf it replaces. */
export class LeafKeyNotFresh extends LeafNodeRefused {
  override get code(): string { return "leaf_key_not_fresh"; }
}

/** RFC 9420 section 10.1: the key package is not valid here. */
export class KeyPackageRefused extends Refused {
  override get code(): string { return "key_package_refused"; }
}

/** RFC 9420 section 10.1: the key package is for another version or cipher suite. */
export class KeyPackageSuiteMismatch extends KeyPackageRefused {
  override get code(): string { return "key_package_suite_mismatch"; }
}

/** RFC 9420 section 10.1: the key package is not signed by its leaf. */
export class KeyPackageSignatureInvalid extends KeyPackageRefused {
  override get code(): string { return "key_package_signature_invalid"; }
}

/** RFC 9420 section 10.1: the init key is the leaf's encryption key. */
export class InitKeyReused extends KeyPackageRefused {
  override get code(): string { return "init_key_reused"; }
}

/** RFC 9420 section 10.1: the key package is not valid yet, or no longer. */
export class LifetimeNotNow extends KeyPackageRefused {
  override get code(): string { return "lifetime_not_now"; }
}

/** RFC 9420 section 10.1: the key package is meant to live longer than the policy allows. */
export class LifetimeTooLong extends KeyPackageRefused {
  override get code(): string { return "lifetime_too_long"; }
}

/** RFC 9420 section 12.4.3: the GroupInfo is not valid here. */
export class GroupInfoRefused extends Refused {
  override get code(): string { return "group_info_refused"; }
}

/** RFC 9420 section 12.4.3: the GroupInfo is not signed by the member that it names. */
export class GroupInfoSignatureInvalid extends GroupInfoRefused {
  override get code(): string { return "group_info_signature_invalid"; }
}

/** RFC 9420 section 12.4.3.1: the ratchet tree is not a true one. */
export class TreeRefused extends Refused {
  override get code(): string { return "tree_refused"; }
}

/** RFC 9420 section 12.4.3.3: the nodes do not make a tree without blanks at its end. */
export class MalformedTree extends TreeRefused {
  override get code(): string { return "malformed_tree"; }
}

/** RFC 9420 section 12.4.3.1: the tree is not the one that the group context names. */
export class TreeHashMismatch extends TreeRefused {
  override get code(): string { return "tree_hash_mismatch"; }
}

/** RFC 9420 section 12.4.3.1: a node's unmerged leaves are not what they say. */
export class UnmergedLeavesInvalid extends TreeRefused {
  override get code(): string { return "unmerged_leaves_invalid"; }
}

/** RFC 9420 section 7.9.2: a parent node is not bound to a member below it. */
export class ParentHashInvalid extends TreeRefused {
  override get code(): string { return "parent_hash_invalid"; }
}

/** RFC 9420 section 6.1 and 12.1.3: there is no member at this leaf. */
export class BlankLeaf extends Refused {
  override get code(): string { return "blank_leaf"; }
}

/** RFC 9420 section 12.4.2: the commit is not valid here. */
export class CommitRefused extends Refused {
  override get code(): string { return "commit_refused"; }
}

/** RFC 9420 section 7.6: the path tells this member nothing. */
export class NotARecipient extends CommitRefused {
  override get code(): string { return "not_arecipient"; }
}

/** RFC 9420 section 7.6: the secrets of the path do not lead to its public keys. */
export class PathKeyMismatch extends CommitRefused {
  override get code(): string { return "path_key_mismatch"; }
}

/** RFC 9420 section 6: the message is not valid here. */
export class MessageRefused extends Refused {
  override get code(): string { return "message_refused"; }
}

/** RFC 9420 section 6.1: the committer does not know the new epoch's secrets. */
export class ConfirmationTagMismatch extends CommitRefused {
  override get code(): string { return "confirmation_tag_mismatch"; }
}

/** RFC 9420 section 6.2: the message does not come from inside the group. */
export class MembershipTagMismatch extends MessageRefused {
  override get code(): string { return "membership_tag_mismatch"; }
}

/** RFC 9420 section 6.3.1: the padding carries something. */
export class PaddingNotZero extends MessageRefused {
  override get code(): string { return "padding_not_zero"; }
}

/** RFC 9420 section 6.3: only members send private messages. */
export class SenderNotMember extends MessageRefused {
  override get code(): string { return "sender_not_member"; }
}

/** RFC 9420 section 9.2: the message's key was used and deleted, or fell out of the window. */
export class KeyAlreadyUsed extends MessageRefused {
  override get code(): string { return "key_already_used"; }
}

/** RFC 9420 section 9.1: the message claims a generation beyond what the engine walks to. */
export class GenerationTooFar extends MessageRefused {
  override get code(): string { return "generation_too_far"; }
}

/** RFC 9420 section 6: the message is for another group. */
export class WrongGroup extends MessageRefused {
  override get code(): string { return "wrong_group"; }
}

/** RFC 9420 section 6.1: the message is not signed by the sender that it names. */
export class MessageSignatureInvalid extends MessageRefused {
  override get code(): string { return "message_signature_invalid"; }
}

/** RFC 9420 section 6.2: application data travels encrypted only. */
export class ApplicationNotPrivate extends MessageRefused {
  override get code(): string { return "application_not_private"; }
}

/** RFC 9420 section 6.1: a sender of this kind may not send this content. */
export class SenderNotAllowed extends MessageRefused {
  override get code(): string { return "sender_not_allowed"; }
}

/** RFC 9420 section 6.1: the group lists no external sender of this number. */
export class ExternalSenderUnknown extends MessageRefused {
  override get code(): string { return "external_sender_unknown"; }
}

/** RFC 9420 section 12.1: the proposal is not valid by itself. */
export class ProposalRefused extends Refused {
  override get code(): string { return "proposal_refused"; }
}

/** RFC 9420 section 12.1.4: the nonce of a pre-shared key is as long as a hash. */
export class PskNonceLength extends ProposalRefused {
  override get code(): string { return "psk_nonce_length"; }
}

/** RFC 9420 section 12.1.4: reinit and branch keys belong to a new group's first commit. */
export class PskUsageNotAllowed extends ProposalRefused {
  override get code(): string { return "psk_usage_not_allowed"; }
}

/** RFC 9420 section 12.1.5: a group is not reinitialised with an older version. */
export class ReInitVersionLower extends ProposalRefused {
  override get code(): string { return "re_init_version_lower"; }
}

/** RFC 9420 section 12.2: ExternalInit belongs into external commits. */
export class ExternalInitNotAllowed extends ProposalRefused {
  override get code(): string { return "external_init_not_allowed"; }
}

/** RFC 9420 section 12.2: the proposals do not go together. */
export class ProposalListRefused extends Refused {
  override get code(): string { return "proposal_list_refused"; }
}

/** RFC 9420 section 12.4: the commit refers to a proposal that is not here. */
export class UnknownProposal extends ProposalListRefused {
  override get code(): string { return "unknown_proposal"; }
}

/** RFC 9420 section 12.2: a committer updates itself with its path. */
export class UpdateByCommitter extends ProposalListRefused {
  override get code(): string { return "update_by_committer"; }
}

/** RFC 9420 section 12.2: a committer cannot remove itself. */
export class CommitterRemoved extends ProposalListRefused {
  override get code(): string { return "committer_removed"; }
}

/** RFC 9420 section 12.2: one Update or Remove for a leaf, no more. */
export class LeafChangedTwice extends ProposalListRefused {
  override get code(): string { return "leaf_changed_twice"; }
}

/** RFC 9420 section 12.2: a client would be in the group twice. */
export class ClientTwice extends ProposalListRefused {
  override get code(): string { return "client_twice"; }
}

/** RFC 9420 section 12.2: the same pre-shared key is named twice. */
export class PskTwice extends ProposalListRefused {
  override get code(): string { return "psk_twice"; }
}

/** RFC 9420 section 12.2: two proposals replace the group's extensions. */
export class ContextExtensionsTwice extends ProposalListRefused {
  override get code(): string { return "context_extensions_twice"; }
}

/** RFC 9420 section 12.2: ReInit goes with no other proposal. */
export class ReInitNotAlone extends ProposalListRefused {
  override get code(): string { return "re_init_not_alone"; }
}

/** RFC 9420 section 12.2: an external commit holds what it must not, or lacks ExternalInit. */
export class ExternalCommitList extends ProposalListRefused {
  override get code(): string { return "external_commit_list"; }
}

/** RFC 9420 section 12.4: these proposals need a path, and the commit has none. */
export class PathMissing extends CommitRefused {
  override get code(): string { return "path_missing"; }
}

/** RFC 9420 section 7.5: the path does not have one node for each on the filtered path. */
export class PathLengthMismatch extends CommitRefused {
  override get code(): string { return "path_length_mismatch"; }
}

/** RFC 9420 section 7.6: a path node is not sealed to exactly those who need it. */
export class PathCiphertextCount extends CommitRefused {
  override get code(): string { return "path_ciphertext_count"; }
}

/** RFC 9420 section 7.9: the path's leaf does not carry the path's parent hash. */
export class PathParentHashMismatch extends CommitRefused {
  override get code(): string { return "path_parent_hash_mismatch"; }
}

/** RFC 9420 section 12.4.3: the GroupInfo does not describe the group's current state. */
export class GroupInfoMismatch extends GroupInfoRefused {
  override get code(): string { return "group_info_mismatch"; }
}

/** RFC 9420 section 12.4.3.2: without the group's external key nobody joins from outside. */
export class ExternalPubMissing extends GroupInfoRefused {
  override get code(): string { return "external_pub_missing"; }
}

/** RFC 9420 section 12.4.3.3: the ratchet tree is neither inside nor beside. */
export class TreeMissing extends GroupInfoRefused {
  override get code(): string { return "tree_missing"; }
}

/** Right in itself, and not now. */
export class StateError extends MLSError {
  override get code(): string { return "state_error"; }
}

/** RFC 9420 section 6: the message belongs to another epoch. */
export class WrongEpoch extends StateError {
  override get code(): string { return "wrong_epoch"; }
}

/** RFC 9420 section 12.4.2: the group was reinitialised or left; it speaks no more. */
export class GroupClosed extends StateError {
  override get code(): string { return "group_closed"; }
}

/** RFC 9420 section 9.2: one's own message; its key was used when it was sent. */
export class OwnMessage extends StateError {
  override get code(): string { return "own_message"; }
}

/** RFC 9420 section 12.4: a removal waits, and nobody speaks before it is committed. */
export class CommitFirst extends StateError {
  override get code(): string { return "commit_first"; }
}

/** RFC 9420 section 12.4.3.1: this client is in a group of that name already. */
export class GroupKnown extends StateError {
  override get code(): string { return "group_known"; }
}

/** RFC 9420 section 11.2: the old group was not closed by a ReInit proposal. */
export class NotReinitialised extends StateError {
  override get code(): string { return "not_reinitialised"; }
}

/** RFC 9420 section 8.4: the pre-shared keys are not what they have to be. */
export class PskRefused extends Refused {
  override get code(): string { return "psk_refused"; }
}

/** RFC 9420 section 8.4: this member does not have the pre-shared key. */
export class PskUnknown extends PskRefused {
  override get code(): string { return "psk_unknown"; }
}

/** RFC 9420 section 12.4.3.1: the Welcome is not valid here. */
export class WelcomeRefused extends Refused {
  override get code(): string { return "welcome_refused"; }
}

/** RFC 9420 section 12.4.3.1: the Welcome is not for this key package. */
export class NotInvited extends WelcomeRefused {
  override get code(): string { return "not_invited"; }
}

/** RFC 9420 section 12.4.3.1: key package, Welcome and GroupInfo name different suites. */
export class WelcomeSuiteMismatch extends WelcomeRefused {
  override get code(): string { return "welcome_suite_mismatch"; }
}

/** RFC 9420 section 12.4.3.1: the tree does not hold the leaf of the key package. */
export class OwnLeafMissing extends WelcomeRefused {
  override get code(): string { return "own_leaf_missing"; }
}

/** RFC 9420 section 12.4.3.1: a group continues one other group, not several. */
export class SeveralParents extends WelcomeRefused {
  override get code(): string { return "several_parents"; }
}

/** RFC 9420 section 11.2 and 11.3: the group is not what the one it comes from announced. */
export class ParentMismatch extends WelcomeRefused {
  override get code(): string { return "parent_mismatch"; }
}

/** The stored state is of an unknown version, or its two parts do not belong together. */
export class StoredStateInvalid extends StateError {
  override get code(): string { return "stored_state_invalid"; }
}
