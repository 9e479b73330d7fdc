"""What is inside an application message after decryption: a small versioned JSON object.

The server never sees it. ``authenticated_data`` of the MLS message is the JSON of
:class:`Envelope`; the receiver compares it with what the server claims (DESIGN section 5).
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

MAX_TEXT_CHARACTERS = 16_000
MAX_NAME_CHARACTERS = 100
PADDED_SIZES = (256, 1024, 4096, 16384, 65536)


class Content(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Unknown fields are skipped, so that an older client can read a newer one's words."""

    v: int = 1


class Text(Content, frozen=True, kw_only=True, tag="text"):
    """Something a person wrote."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class ConversationNamed(Content, frozen=True, kw_only=True, tag="conversation_named"):
    """The name of the conversation from here on."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


AnyContent = Text | ConversationNamed


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What binds a ciphertext to its place: compared with the entry after decryption."""

    conversation_id: UUID
    message_id: UUID
    sender_device_id: UUID
    last_position: Annotated[int, Meta(ge=0, lt=2**53)]
