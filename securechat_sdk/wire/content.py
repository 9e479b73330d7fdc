"""What is inside an application message after decryption: a small versioned JSON object.

The server never sees it. ``authenticated_data`` of the MLS message is the JSON of
:class:`Envelope`; the receiver compares it with what the server claims (DESIGN section 5).
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from securechat_sdk.wire.frames import MAX_LIFETIME, MIN_LIFETIME

MAX_TEXT_CHARACTERS = 16_000
MAX_NAME_CHARACTERS = 100
MAX_FILE_NAME_CHARACTERS = 255
MAX_MEDIA_TYPE_CHARACTERS = 100
# A name, not a path; and nothing that turns the direction of writing, so that it ends as it looks.
FILE_NAME = r"^[^/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+$(?!\n)"
MEDIA_TYPE = r"^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$(?!\n)"
PADDED_SIZES = (256, 1024, 4096, 16384, 65536)
MAX_KEPT_SECONDS = 10 * MAX_LIFETIME
MAX_EMOJI_CHARACTERS = 16
# The place in the log of the message that this one is about.
Position = Annotated[int, Meta(ge=1, lt=2**53)]
# How many seconds after its place in the log a device forgets a message.
Kept = Annotated[int, Meta(ge=MIN_LIFETIME, le=MAX_KEPT_SECONDS)]


class Content(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Unknown fields are skipped, so that an older client can read a newer one's words."""

    v: int = 1


class Text(Content, frozen=True, kw_only=True, tag="text"):
    """Something a person wrote."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
    lifetime: Kept | None = None
    reply_to: Position | None = None


class Reaction(Content, frozen=True, kw_only=True, tag="reaction"):
    """What somebody feels about a message, in place of what they felt before; null: nothing."""

    about: Position
    emoji: Annotated[str, Meta(min_length=1, max_length=MAX_EMOJI_CHARACTERS)] | None


class Edited(Content, frozen=True, kw_only=True, tag="edited"):
    """The sender wrote something else there; of anybody else it is nothing."""

    about: Position
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
    lifetime: Kept | None = None


class Deleted(Content, frozen=True, kw_only=True, tag="deleted"):
    """The sender takes back what they wrote there; of anybody else it is nothing."""

    about: Position


class ConversationNamed(Content, frozen=True, kw_only=True, tag="conversation_named"):
    """The name of the conversation from here on."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class LifetimeSet(Content, frozen=True, kw_only=True, tag="lifetime_set"):
    """For how long messages are kept from here on; null: nobody limits it."""

    lifetime: Kept | None


class SharedFile(Content, frozen=True, kw_only=True, tag="file"):
    """A file that was uploaded beside the log, with what opens it. Never printed."""

    attachment_id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=MAX_FILE_NAME_CHARACTERS, pattern=FILE_NAME)]
    media_type: Annotated[str, Meta(max_length=MAX_MEDIA_TYPE_CHARACTERS, pattern=MEDIA_TYPE)]
    size: Annotated[int, Meta(ge=0, lt=2**53)]
    key: Annotated[bytes, Meta(min_length=32, max_length=32)]
    sha256: Annotated[bytes, Meta(min_length=32, max_length=32)]
    lifetime: Kept | None = None

    def __repr__(self) -> str:
        return f"SharedFile(attachment_id={self.attachment_id})"


AnyContent = Text | Reaction | Edited | Deleted | ConversationNamed | LifetimeSet | SharedFile


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What binds a ciphertext to its place: compared with the entry after decryption."""

    conversation_id: UUID
    message_id: UUID
    sender_device_id: UUID
    last_position: Annotated[int, Meta(ge=0, lt=2**53)]
