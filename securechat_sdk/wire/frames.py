"""The frames of the socket at ``/ws/v1/``: JSON texts, bytes as base64.

A device sends commands; each carries a ``request_id`` of its choosing and is answered by exactly
one :class:`Accepted` or :class:`Refused` with that id. The server sends events at any time.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

MAX_FRAME_BYTES = 1024 * 1024
MAX_MESSAGE_BYTES = 128 * 1024
MAX_HANDSHAKE_BYTES = 512 * 1024
MAX_GROUP_INFO_BYTES = 16 * 1024
MAX_EPHEMERAL_BYTES = 512
MIN_LIFETIME = 10
MAX_LIFETIME = 366 * 24 * 3600

RequestId = Annotated[int, Meta(ge=0, lt=2**53)]
Position = Annotated[int, Meta(ge=0, lt=2**53)]
Epoch = Annotated[int, Meta(ge=0, lt=2**53)]
Lifetime = Annotated[int, Meta(ge=MIN_LIFETIME, le=MAX_LIFETIME)]
Passing = Annotated[bytes, Meta(min_length=1, max_length=MAX_EPHEMERAL_BYTES)]
Ciphertext = Annotated[bytes, Meta(min_length=1, max_length=MAX_MESSAGE_BYTES)]
Handshake = Annotated[bytes, Meta(min_length=1, max_length=MAX_HANDSHAKE_BYTES)]
GroupInfo = Annotated[bytes, Meta(min_length=1, max_length=MAX_GROUP_INFO_BYTES)]


class CloseCode(IntEnum):
    """Why the server closed a socket (RFC 6455 section 7.4; 4000 and above are ours)."""

    INVALID_FRAME = 4400
    NOT_AUTHENTICATED = 4401
    TOO_SLOW = 4408
    DEVICE_REVOKED = 4410
    TOO_MANY_SOCKETS = 4429
    TOO_LARGE = 1009


class EntryKind(StrEnum):
    """What a place in the log holds."""

    MESSAGE = "message"
    COMMIT = "commit"
    PROPOSAL = "proposal"


class Frame(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every frame has in common: a ``type``, and nothing the type does not name."""


# Commands ------------------------------------------------------------------------------------


class SendMessage(Frame, frozen=True, kw_only=True, tag="send_message"):
    """Append an MLS PrivateMessage to a conversation. Idempotent by ``message_id``.

    After ``lifetime`` seconds the server erases the ciphertext; its place in the log stays.
    """

    request_id: RequestId
    conversation_id: UUID
    message_id: UUID
    ciphertext: Ciphertext
    lifetime: Lifetime | None = None


class SubmitCommit(Frame, frozen=True, kw_only=True, tag="submit_commit"):
    """Move a conversation to its next epoch; of all who try, one wins. Idempotent.

    ``group_info`` describes the new epoch, without its tree.
    """

    request_id: RequestId
    conversation_id: UUID
    message_id: UUID
    commit: Handshake
    group_info: GroupInfo
    welcome: Handshake | None = None


class SubmitProposal(Frame, frozen=True, kw_only=True, tag="submit_proposal"):
    """Leave a group: propose the removal of the own leaf, for another member to commit."""

    request_id: RequestId
    conversation_id: UUID
    message_id: UUID
    proposal: Handshake


class MarkDelivered(Frame, frozen=True, kw_only=True, tag="mark_delivered"):
    """Say that this device has stored everything up to ``position``."""

    request_id: RequestId
    conversation_id: UUID
    position: Position


class SendEphemeral(Frame, frozen=True, kw_only=True, tag="send_ephemeral"):
    """Say something in passing, such as that somebody types: it is not stored, and may be lost.

    ``data`` is sealed as docs/protocol.md says. ``accepted`` has position 0: it has no place.
    """

    request_id: RequestId
    conversation_id: UUID
    epoch: Epoch
    data: Passing


LogCommand = SendMessage | SubmitCommit | SubmitProposal | MarkDelivered
Command = LogCommand | SendEphemeral


# Answers -------------------------------------------------------------------------------------


class Accepted(Frame, frozen=True, kw_only=True, tag="accepted"):
    """The command is durable. ``position`` is its place in the log (or the cursor it set)."""

    request_id: RequestId
    position: Position


class Refused(Frame, frozen=True, kw_only=True, tag="refused"):
    """The command changed nothing. ``facts`` hold what the code needs, such as the epoch."""

    request_id: RequestId | None
    code: str
    detail: str
    facts: dict[str, str | int | None] = {}


Answer = Accepted | Refused

# Events --------------------------------------------------------------------------------------


class Ready(Frame, frozen=True, kw_only=True, tag="ready"):
    """The socket is open for this device; now catch up from the stored positions.

    Another ``incarnation`` than before: the server was restored from a backup, and has lost what
    it acknowledged since.
    """

    device_id: UUID
    incarnation: UUID


class EntryAppended(Frame, frozen=True, kw_only=True, tag="entry_appended"):
    """A place in a conversation's log was taken; the same shape as an entry over HTTP.

    Without a sender it is the server's proposal to remove a device that was revoked. A message
    without data is one whose time was over before this device fetched it.
    """

    conversation_id: UUID
    position: Position
    kind: EntryKind
    epoch: Epoch
    sender_device_id: UUID | None
    message_id: UUID
    created_at: datetime
    data: bytes


class WelcomeArrived(Frame, frozen=True, kw_only=True, tag="welcome_arrived"):
    """The device was added to a conversation by the commit at ``position``: read the Welcomes.

    One event may stand for several.
    """

    welcome_id: UUID
    conversation_id: UUID
    position: Position
    epoch: Epoch


class DeliveryAdvanced(Frame, frozen=True, kw_only=True, tag="delivery_advanced"):
    """Another device of the conversation has stored everything up to ``position``."""

    conversation_id: UUID
    device_id: UUID
    position: Position


class KeyPackagesLow(Frame, frozen=True, kw_only=True, tag="key_packages_low"):
    """Few key packages of this device are left; upload more."""

    available: int


class EphemeralArrived(Frame, frozen=True, kw_only=True, tag="ephemeral_arrived"):
    """Another device of the conversation says something in passing."""

    conversation_id: UUID
    epoch: Epoch
    sender_device_id: UUID
    data: bytes


class FailureReported(Frame, frozen=True, kw_only=True, tag="failure_reported"):
    """A device says that it could not apply the commit at ``position``. May come again."""

    conversation_id: UUID
    position: Position
    sender_device_id: UUID
    device_id: UUID


Event = (
    Ready
    | EntryAppended
    | WelcomeArrived
    | DeliveryAdvanced
    | KeyPackagesLow
    | EphemeralArrived
    | FailureReported
)

ServerFrame = (
    Accepted
    | Refused
    | Ready
    | EntryAppended
    | WelcomeArrived
    | DeliveryAdvanced
    | KeyPackagesLow
    | EphemeralArrived
    | FailureReported
)
