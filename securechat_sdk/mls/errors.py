"""Everything the engine refuses, as one drawn tree. Nothing else escapes from any bytes.

    MLSError
    ├── DecodeError                     the bytes are not the structure
    ├── OutOfRange                      a value does not fit the structure
    ├── CryptoError
    │   ├── UnsupportedSuite
    │   ├── InvalidKey
    │   ├── InvalidSignature
    │   └── DecryptionFailed
    ├── Refused                         well-formed, and against a rule
    │   ├── UnsupportedVersion
    │   ├── CredentialRefused
    │   ├── LeafNodeRefused             section 7.3, one class per rule below it
    │   ├── KeyPackageRefused           section 10.1
    │   ├── ProposalRefused             section 12.1
    │   ├── ProposalListRefused         section 12.2
    │   ├── CommitRefused               section 12.4.2
    │   ├── MessageRefused              section 6
    │   ├── TreeRefused                 section 7.9 and 12.4.3.1
    │   ├── WelcomeRefused              section 12.4.3.1
    │   ├── GroupInfoRefused            section 12.4.3
    │   └── PskRefused                  section 8.4
    └── StateError                      right in itself, and not now

`code` is stable: it is the class's name in snake case, and a test pins the whole list.
"""

import re
from typing import ClassVar


class MLSError(Exception):
    """Something the engine refuses."""

    code: ClassVar[str] = "mls_error"

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or (self.__doc__ or "").strip())


class DecodeError(MLSError):
    """The bytes are not exactly one value of this structure."""


class OutOfRange(MLSError):
    """The value does not fit the structure."""


class CryptoError(MLSError):
    """A cryptographic operation failed."""


class UnsupportedSuite(CryptoError):
    """The cipher suite is not one of the engine's."""


class InvalidKey(CryptoError):
    """The bytes are not a key of this algorithm."""


class InvalidSignature(CryptoError):
    """The signature is not the key's over these bytes."""


class DecryptionFailed(CryptoError):
    """The ciphertext was not made for this key and context."""


class Refused(MLSError):
    """The message is well-formed and breaks a rule."""


class UnsupportedVersion(Refused):
    """RFC 9420 section 6: the protocol version is not MLS 1.0."""


class CredentialRefused(Refused):
    """RFC 9420 section 5.3.1: the application does not accept the credential for this key."""


class DuplicateExtension(Refused):
    """RFC 9420 section 13.4: an extension list names a type twice."""


class LeafNodeRefused(Refused):
    """RFC 9420 section 7.3: the leaf node is not valid here."""


class LeafSignatureInvalid(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf node is not signed by its own key."""


class LeafSourceMismatch(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf node was made for another use."""


class LeafExtensionNotSupported(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf carries an extension that it does not list as supported."""


class RequiredCapabilityMissing(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf lacks a capability that the group requires."""


class CredentialTypeNotShared(LeafNodeRefused):
    """RFC 9420 section 7.3: a member's credential type is not supported by every member."""


class GroupExtensionNotSupported(LeafNodeRefused):
    """RFC 9420 section 12.1.7: a member does not support an extension of the group context."""


class EncryptionKeyReused(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf's encryption key is already in the tree."""


class SignatureKeyReused(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf's signature key is already in the tree."""


class LeafKeyNotFresh(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf keeps the encryption key of the leaf it replaces."""


class KeyPackageRefused(Refused):
    """RFC 9420 section 10.1: the key package is not valid here."""


class KeyPackageSuiteMismatch(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is for another version or cipher suite."""


class KeyPackageSignatureInvalid(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is not signed by its leaf."""


class InitKeyReused(KeyPackageRefused):
    """RFC 9420 section 10.1: the init key is the leaf's encryption key."""


class LifetimeNotNow(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is not valid yet, or no longer."""


class LifetimeTooLong(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is meant to live longer than the policy allows."""


class GroupInfoRefused(Refused):
    """RFC 9420 section 12.4.3: the GroupInfo is not valid here."""


class GroupInfoSignatureInvalid(GroupInfoRefused):
    """RFC 9420 section 12.4.3: the GroupInfo is not signed by the member that it names."""


class TreeRefused(Refused):
    """RFC 9420 section 12.4.3.1: the ratchet tree is not a true one."""


class MalformedTree(TreeRefused):
    """RFC 9420 section 12.4.3.3: the nodes do not make a tree without blanks at its end."""


class TreeHashMismatch(TreeRefused):
    """RFC 9420 section 12.4.3.1: the tree is not the one that the group context names."""


class UnmergedLeavesInvalid(TreeRefused):
    """RFC 9420 section 12.4.3.1: a node's unmerged leaves are not what they say."""


class ParentHashInvalid(TreeRefused):
    """RFC 9420 section 7.9.2: a parent node is not bound to a member below it."""


class BlankLeaf(Refused):
    """RFC 9420 section 6.1 and 12.1.3: there is no member at this leaf."""


class CommitRefused(Refused):
    """RFC 9420 section 12.4.2: the commit is not valid here."""


class NotARecipient(CommitRefused):
    """RFC 9420 section 7.6: the path tells this member nothing."""


class PathKeyMismatch(CommitRefused):
    """RFC 9420 section 7.6: the secrets of the path do not lead to its public keys."""


class MessageRefused(Refused):
    """RFC 9420 section 6: the message is not valid here."""


class ConfirmationTagMismatch(CommitRefused):
    """RFC 9420 section 6.1: the committer does not know the new epoch's secrets."""


class MembershipTagMismatch(MessageRefused):
    """RFC 9420 section 6.2: the message does not come from inside the group."""


class PaddingNotZero(MessageRefused):
    """RFC 9420 section 6.3.1: the padding carries something."""


class SenderNotMember(MessageRefused):
    """RFC 9420 section 6.3: only members send private messages."""


class KeyAlreadyUsed(MessageRefused):
    """RFC 9420 section 9.2: the message's key was used and deleted, or fell out of the window."""


class GenerationTooFar(MessageRefused):
    """RFC 9420 section 9.1: the message claims a generation beyond what the engine walks to."""


class WrongGroup(MessageRefused):
    """RFC 9420 section 6: the message is for another group."""


class MessageSignatureInvalid(MessageRefused):
    """RFC 9420 section 6.1: the message is not signed by the sender that it names."""


class ApplicationNotPrivate(MessageRefused):
    """RFC 9420 section 6.2: application data travels encrypted only."""


class SenderNotAllowed(MessageRefused):
    """RFC 9420 section 6.1: a sender of this kind may not send this content."""


class ExternalSenderUnknown(MessageRefused):
    """RFC 9420 section 6.1: the group lists no external sender of this number."""


class ProposalRefused(Refused):
    """RFC 9420 section 12.1: the proposal is not valid by itself."""


class PskNonceLength(ProposalRefused):
    """RFC 9420 section 12.1.4: the nonce of a pre-shared key is as long as a hash."""


class PskUsageNotAllowed(ProposalRefused):
    """RFC 9420 section 12.1.4: reinit and branch keys belong to a new group's first commit."""


class ReInitVersionLower(ProposalRefused):
    """RFC 9420 section 12.1.5: a group is not reinitialised with an older version."""


class ExternalInitNotAllowed(ProposalRefused):
    """RFC 9420 section 12.2: ExternalInit belongs into external commits."""


class ProposalListRefused(Refused):
    """RFC 9420 section 12.2: the proposals do not go together."""


class UnknownProposal(ProposalListRefused):
    """RFC 9420 section 12.4: the commit refers to a proposal that is not here."""


class UpdateByCommitter(ProposalListRefused):
    """RFC 9420 section 12.2: a committer updates itself with its path."""


class CommitterRemoved(ProposalListRefused):
    """RFC 9420 section 12.2: a committer cannot remove itself."""


class LeafChangedTwice(ProposalListRefused):
    """RFC 9420 section 12.2: one Update or Remove for a leaf, no more."""


class ClientTwice(ProposalListRefused):
    """RFC 9420 section 12.2: a client would be in the group twice."""


class PskTwice(ProposalListRefused):
    """RFC 9420 section 12.2: the same pre-shared key is named twice."""


class ContextExtensionsTwice(ProposalListRefused):
    """RFC 9420 section 12.2: two proposals replace the group's extensions."""


class ReInitNotAlone(ProposalListRefused):
    """RFC 9420 section 12.2: ReInit goes with no other proposal."""


class ExternalCommitList(ProposalListRefused):
    """RFC 9420 section 12.2: an external commit holds what it must not, or lacks ExternalInit."""


class PathMissing(CommitRefused):
    """RFC 9420 section 12.4: these proposals need a path, and the commit has none."""


class PathLengthMismatch(CommitRefused):
    """RFC 9420 section 7.5: the path does not have one node for each on the filtered path."""


class PathCiphertextCount(CommitRefused):
    """RFC 9420 section 7.6: a path node is not sealed to exactly those who need it."""


class PathParentHashMismatch(CommitRefused):
    """RFC 9420 section 7.9: the path's leaf does not carry the path's parent hash."""


class GroupInfoMismatch(GroupInfoRefused):
    """RFC 9420 section 12.4.3: the GroupInfo does not describe the group's current state."""


class ExternalPubMissing(GroupInfoRefused):
    """RFC 9420 section 12.4.3.2: without the group's external key nobody joins from outside."""


class TreeMissing(GroupInfoRefused):
    """RFC 9420 section 12.4.3.3: the ratchet tree is neither inside nor beside."""


class StateError(MLSError):
    """Right in itself, and not now."""


class WrongEpoch(StateError):
    """RFC 9420 section 6: the message belongs to another epoch."""


class GroupClosed(StateError):
    """RFC 9420 section 12.4.2: the group was reinitialised or left; it speaks no more."""


class OwnMessage(StateError):
    """RFC 9420 section 9.2: one's own message; its key was used when it was sent."""


class CommitFirst(StateError):
    """RFC 9420 section 12.4: a removal waits, and nobody speaks before it is committed."""


class GroupKnown(StateError):
    """RFC 9420 section 12.4.3.1: this client is in a group of that name already."""


class NotReinitialised(StateError):
    """RFC 9420 section 11.2: the old group was not closed by a ReInit proposal."""


class PskRefused(Refused):
    """RFC 9420 section 8.4: the pre-shared keys are not what they have to be."""


class PskUnknown(PskRefused):
    """RFC 9420 section 8.4: this member does not have the pre-shared key."""


class WelcomeRefused(Refused):
    """RFC 9420 section 12.4.3.1: the Welcome is not valid here."""


class NotInvited(WelcomeRefused):
    """RFC 9420 section 12.4.3.1: the Welcome is not for this key package."""


class WelcomeSuiteMismatch(WelcomeRefused):
    """RFC 9420 section 12.4.3.1: key package, Welcome and GroupInfo name different suites."""


class OwnLeafMissing(WelcomeRefused):
    """RFC 9420 section 12.4.3.1: the tree does not hold the leaf of the key package."""


class SeveralParents(WelcomeRefused):
    """RFC 9420 section 12.4.3.1: a group continues one other group, not several."""


class ParentMismatch(WelcomeRefused):
    """RFC 9420 section 11.2 and 11.3: the group is not what the one it comes from announced."""


class StoredStateInvalid(StateError):
    """The stored state is of an unknown version, or its two parts do not belong together."""
