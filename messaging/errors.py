"""What messaging refuses; the codes are explained in docs/protocol.md."""

from securechat_sdk.wire.errors import (
    ChatError,
    Conflict,
    InvalidInput,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)


class ConversationNotFound(NotFound):
    """The base class's code and words: nobody can tell a missing thing from a hidden one."""


class PersonNotFound(NotFound):
    """Also for people who were deactivated."""


class WelcomeNotFound(NotFound):
    """Joined already, or somebody else's."""


class NoCommitThere(Unprocessable):
    code = "no_commit_there"
    title = "At this position is no commit that this device may read."


class TooManyReports(TooManyRequests):
    code = "too_many_reports"
    title = "This device has reported too many failures; try again later."


class TooManyRejoins(TooManyRequests):
    code = "too_many_rejoins"
    title = "This device has rejoined too often; try again later."


class PersonNotSuitable(Unprocessable):
    code = "person_not_suitable"
    title = "A direct conversation names one other person; a group names nobody."


class KeyPackageInvalid(Unprocessable):
    code = "key_package_invalid"
    title = "The key package does not verify."


class KeyPackageNotClaimed(Unprocessable):
    code = "key_package_not_claimed"
    title = "An added key package was not given to this device, or was used already: claim another."


class KeyPackageDuplicate(Conflict):
    code = "key_package_duplicate"
    title = "The key package is here already."


class TooManyKeyPackages(Conflict):
    code = "too_many_key_packages"
    title = "This device has enough key packages here."


class NoKeyPackage(Conflict):
    code = "no_key_package"
    title = "No device of this person has left a key package."


class ClaimsExhausted(TooManyRequests):
    code = "claims_exhausted"
    title = "This device has claimed too many key packages; try again later."


class CipherSuiteNotAllowed(Unprocessable):
    code = "cipher_suite_not_allowed"
    title = "The cipher suite is not allowed here."


class DirectConversationExists(Conflict):
    code = "direct_conversation_exists"
    title = "There is a conversation of these two people."


class ConversationIdTaken(Conflict):
    code = "conversation_id_taken"
    title = "Choose another id for the conversation."


class StaleEpoch(Conflict):
    code = "stale_epoch"
    title = "The conversation is at another epoch: process what you lack, and make it anew."


class MessageIdReused(Conflict):
    code = "message_id_reused"
    title = "The message id was used for something else."


class PositionAhead(Conflict):
    code = "position_ahead"
    title = "The conversation has not come to this position yet."


class MessageInvalid(Unprocessable):
    code = "message_invalid"
    title = "This is not an encrypted message of this conversation."


class GroupInfoInvalid(Unprocessable):
    code = "group_info_invalid"
    title = "This is not the GroupInfo of a new group with its creator alone."


class TreeNotKept(NotFound):
    code = "tree_not_kept"
    title = "The tree of this epoch is not here, or no longer."


class CommitInvalid(Unprocessable):
    code = "commit_invalid"
    title = "This is not a valid commit of this conversation."


class ProposalInvalid(Unprocessable):
    code = "proposal_invalid"
    title = "This is not a valid proposal of this conversation."


class ProposalNotSupported(Unprocessable):
    code = "proposal_not_supported"
    title = "Here a commit adds, removes or lets rejoin, and a proposal removes its sender."


class ProposalsPending(Conflict):
    code = "proposals_pending"
    title = "Members are to be removed first: commit the proposals that wait."


class RemovalNotAllowed(Unprocessable):
    code = "removal_not_allowed"
    title = "A commit removes all devices of a person from a group, or others of the own account."


class WelcomeMissing(Unprocessable):
    code = "welcome_missing"
    title = "A commit that adds members brings a Welcome for exactly these."


class TooManyWelcomes(Conflict):
    code = "too_many_welcomes"
    title = "An added device has too many Welcomes waiting: it has to join first."


class DirectIsFull(Conflict):
    code = "direct_is_full"
    title = "A direct conversation has two people."


class EphemeralDisabled(Conflict):
    code = "ephemeral_disabled"
    title = "Nothing is said in passing here, or in a conversation of this size."


class EphemeralTooOften(TooManyRequests):
    code = "ephemeral_too_often"
    title = "This socket says too much in passing."


class Overloaded(Unavailable):
    code = "overloaded"
    title = "More is waiting to be stored than this server takes; try again in a moment."


class AttachmentNotFound(NotFound):
    """Also while it is not whole, and for whoever is not in its conversation."""


class AttachmentIdTaken(Conflict):
    code = "attachment_id_taken"
    title = "Choose another id: the attachment's or the message's names something else."


class AttachmentTooLarge(TooLarge):
    code = "attachment_too_large"
    title = "The file is larger than this server takes."


class AttachmentQuotaExceeded(Conflict):
    code = "attachment_quota_exceeded"
    title = "There is no room left for this person's files."


class TooManyAttachments(Conflict):
    code = "too_many_attachments"
    title = "Too many files of this device wait for their messages: send these first."


class UploadOffsetMismatch(Conflict):
    code = "upload_offset_mismatch"
    title = "The next part begins at another offset."


class PartIncomplete(InvalidInput):
    code = "part_incomplete"
    title = "The part ended too early, or came too slowly."


class PartSizeWrong(Unprocessable):
    code = "part_size_wrong"
    title = "Each part but the last has the size that was told when the upload began."


class TooManyTransfers(TooManyRequests):
    code = "too_many_transfers"
    title = "Too many files are on their way at once; try again in a moment."


class RangeNotSatisfiable(ChatError):
    status = 416
    code = "range_not_satisfiable"
    title = "The file ends before this range."
