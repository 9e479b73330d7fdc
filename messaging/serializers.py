"""Shapes of requests and answers, as docs/protocol.md says them."""

from base64 import b64encode
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import (
    Base64Field,
    IdField,
    PageSerializer,
    StrictSerializer,
    WholeNumberField,
)
from messaging.groups import Snapshot
from messaging.models import Conversation, Entry
from securechat_sdk.wire.frames import (
    MAX_GROUP_INFO_BYTES,
    MAX_HANDSHAKE_BYTES,
    MAX_LIFETIME,
    MAX_MESSAGE_BYTES,
    MIN_LIFETIME,
)

MAX_NUMBER = 2**53 - 1
MAX_KEY_PACKAGE_BYTES = 16 * 1024
MAX_KEY_PACKAGES = 100
MAX_ENTRIES = 200
CIPHER_SUITE = "Its number in RFC 9420."
MIN_RETENTION = 3600
MAX_RETENTION = 10 * MAX_LIFETIME
RETENTION = "Seconds for which messages are kept; null: as long as the organisation keeps them."
MESSAGE_ID = "Made by the device; the same id again means the same."


class SettingsSerializer(serializers.Serializer[Any]):
    cipher_suite = serializers.IntegerField(help_text=CIPHER_SUITE)
    external_sender = Base64Field(
        max_bytes=MAX_KEY_PACKAGE_BYTES,
        help_text="The ExternalSender that every group lists as its only one.",
    )
    retention_days = serializers.IntegerField(
        allow_null=True, help_text="How long the organisation keeps messages; null: no limit."
    )


# Key packages --------------------------------------------------------------------------------


class KeyPackagesSerializer(StrictSerializer):
    """What a device leaves for others."""

    key_packages = serializers.ListField(
        child=Base64Field(max_bytes=MAX_KEY_PACKAGE_BYTES),
        max_length=MAX_KEY_PACKAGES,
        help_text="Each an MLSMessage, handed out once.",
    )
    last_resort = Base64Field(
        max_bytes=MAX_KEY_PACKAGE_BYTES,
        allow_null=True,
        help_text="Handed out when no other is left, and kept.",
    )


class StockSerializer(serializers.Serializer[Any]):
    available = serializers.IntegerField(help_text="How many are left, without the last resort.")
    has_last_resort = serializers.BooleanField(
        help_text="Whether there is one that was not handed out yet; leave another if not."
    )


class ClaimSerializer(StrictSerializer):
    person_id = IdField()
    cipher_suite = WholeNumberField(
        min_value=0,
        max_value=0xFFFF,
        required=False,
        help_text="Of the key packages; the organisation's, unless another is asked for.",
    )


class ClaimedSerializer(serializers.Serializer[Any]):
    device_id = serializers.UUIDField()
    key_package = Base64Field(max_bytes=MAX_KEY_PACKAGE_BYTES)


class ClaimsSerializer(serializers.Serializer[Any]):
    person_id = serializers.UUIDField()
    key_packages = ClaimedSerializer(many=True)


# Conversations -------------------------------------------------------------------------------


class NewConversationSerializer(StrictSerializer):
    id = IdField(help_text="Made by the device; its 16 bytes are the id of the MLS group.")
    kind = serializers.ChoiceField(choices=Conversation.Kind.choices)
    cipher_suite = WholeNumberField(min_value=0, max_value=0xFFFF, help_text=CIPHER_SUITE)
    person_id = IdField(
        allow_null=True, help_text="The other person of a direct conversation; null for a group."
    )
    group_info = Base64Field(
        max_bytes=MAX_GROUP_INFO_BYTES,
        help_text="An MLSMessage with the GroupInfo of epoch 0, with the tree in it.",
    )


class MemberSerializer(serializers.Serializer[Any]):
    device_id = serializers.UUIDField()
    person_id = serializers.UUIDField(source="device.person_id")
    joined_position = serializers.IntegerField(help_text="It sees what came after this.")
    delivered_position = serializers.IntegerField(help_text="It has stored all up to this.")


class FailureSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(source="entry.position", help_text="Of the commit.")
    sender_device_id = serializers.UUIDField(source="entry.sender_id")
    device_id = serializers.UUIDField(help_text="It could not apply the commit.")
    code = serializers.CharField(help_text="Why, in its own engine's words.")
    created_at = serializers.DateTimeField()


class FailureReportSerializer(StrictSerializer):
    position = WholeNumberField(min_value=1, max_value=MAX_NUMBER)
    code = serializers.RegexField(r"^[a-z][a-z0-9_]{0,47}$", help_text="A stable word, no text.")


class ConversationSerializer(serializers.Serializer[Any]):
    """A conversation as one of its devices sees it; the context's ``device``."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Conversation.Kind.choices)
    cipher_suite = serializers.IntegerField(help_text=CIPHER_SUITE)
    epoch = serializers.IntegerField(help_text="How many commits there were.")
    last_position = serializers.IntegerField(help_text="How long the log is.")
    created_at = serializers.DateTimeField()
    retention_seconds = serializers.IntegerField(allow_null=True, help_text=RETENTION)
    person_id = serializers.SerializerMethodField()
    members = MemberSerializer(many=True, source="present")
    failures = FailureSerializer(many=True, source="latest_failures")

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_person_id(self, conversation: Conversation) -> UUID | None:
        """Name the other person of a direct conversation."""
        me: UUID = self.context["device"].person_id
        people = (conversation.first_person_id, conversation.second_person_id)
        return people[1] if people[0] == me else people[0]


class RetentionSerializer(StrictSerializer):
    retention_seconds = WholeNumberField(
        allow_null=True, min_value=MIN_RETENTION, max_value=MAX_RETENTION, help_text=RETENTION
    )


class ConversationsSerializer(PageSerializer):
    results = ConversationSerializer(many=True)


# The log -------------------------------------------------------------------------------------


class EntriesQuerySerializer(StrictSerializer):
    after = serializers.IntegerField(
        default=0, min_value=0, max_value=MAX_NUMBER, help_text="The last position that is known."
    )
    limit = serializers.IntegerField(
        default=MAX_ENTRIES,
        min_value=1,
        max_value=MAX_ENTRIES,
        help_text="At most so many; fewer when they are large.",
    )


class EntrySerializer(serializers.Serializer[Any]):
    conversation_id = serializers.UUIDField()
    position = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Entry.Kind.choices)
    epoch = serializers.IntegerField()
    sender_device_id = serializers.UUIDField(source="sender_id")
    message_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    data = Base64Field(max_bytes=MAX_HANDSHAKE_BYTES)  # type: ignore[assignment]  # a field


class EntriesSerializer(serializers.Serializer[Any]):
    entries = EntrySerializer(many=True)
    last_position = serializers.IntegerField(help_text="How long the log is.")


class MessageSerializer(StrictSerializer):
    message_id = IdField(help_text=MESSAGE_ID)
    ciphertext = Base64Field(
        max_bytes=MAX_MESSAGE_BYTES, help_text="An MLSMessage with a PrivateMessage."
    )
    lifetime = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=MIN_LIFETIME,
        max_value=MAX_LIFETIME,
        help_text="Seconds until the server erases the ciphertext; its place in the log stays.",
    )


class CommitSerializer(StrictSerializer):
    message_id = IdField(help_text=MESSAGE_ID)
    commit = Base64Field(
        max_bytes=MAX_HANDSHAKE_BYTES, help_text="An MLSMessage with a PublicMessage."
    )
    group_info = Base64Field(
        max_bytes=MAX_GROUP_INFO_BYTES,
        help_text="An MLSMessage with the GroupInfo of the new epoch, without the tree.",
    )
    welcome = Base64Field(
        max_bytes=MAX_HANDSHAKE_BYTES,
        allow_null=True,
        help_text="An MLSMessage with a Welcome; null when nobody is added.",
    )


class ProposalSerializer(StrictSerializer):
    message_id = IdField(help_text=MESSAGE_ID)
    proposal = Base64Field(
        max_bytes=MAX_HANDSHAKE_BYTES,
        help_text="An MLSMessage with a PublicMessage that proposes to remove its sender.",
    )


class TreeQuerySerializer(StrictSerializer):
    epoch = serializers.IntegerField(min_value=0, max_value=MAX_NUMBER)


class TreeSerializer(serializers.Serializer[Any]):
    epoch = serializers.IntegerField()
    ratchet_tree = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(help_text="A ratchet_tree extension's content."))
    def get_ratchet_tree(self, snapshot: Snapshot) -> str:
        return b64encode(snapshot.ratchet_tree).decode()


class GroupSerializer(TreeSerializer):
    group_info = Base64Field(
        max_bytes=MAX_GROUP_INFO_BYTES,
        help_text="An MLSMessage with the GroupInfo of this epoch; at epoch 0 with the tree in it.",
    )


class DeliverySerializer(StrictSerializer):
    position = WholeNumberField(min_value=0, max_value=MAX_NUMBER)


class PositionSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()


# Attachments ---------------------------------------------------------------------------------


class AllowanceSerializer(serializers.Serializer[Any]):
    max_bytes = serializers.IntegerField(help_text="How large one encrypted file may be.")
    part_size = serializers.IntegerField(help_text="How large each part but the last is.")
    quota_bytes = serializers.IntegerField(help_text="How much all files together may take.")
    used_bytes = serializers.IntegerField(help_text="How much they take now.")


class NewAttachmentSerializer(StrictSerializer):
    id = IdField(help_text="Made by the device; the same id again means the same.")
    message_id = IdField(help_text="The message, not sent yet, that will hold the file's key.")
    size = WholeNumberField(
        min_value=1, max_value=MAX_NUMBER, help_text="How many bytes the encrypted file has."
    )


class AttachmentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    message_id = serializers.UUIDField()
    size = serializers.IntegerField()
    offset = serializers.IntegerField(source="received", help_text="Where the next part begins.")
    part_size = serializers.IntegerField(help_text="How large each part but the last is.")


# Welcomes ------------------------------------------------------------------------------------


class WelcomeSerializer(serializers.Serializer[Any]):
    welcome_id = serializers.UUIDField(source="pk")
    conversation_id = serializers.UUIDField()
    position = serializers.IntegerField()
    epoch = serializers.IntegerField()
    welcome = Base64Field(max_bytes=MAX_HANDSHAKE_BYTES, source="data")


class WelcomesSerializer(PageSerializer):
    results = WelcomeSerializer(many=True)
