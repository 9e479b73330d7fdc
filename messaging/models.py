"""What moves: rows, and the constraints that can never be broken."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Device, Person
from securechat_sdk.wire.frames import EntryKind


class Installation(models.Model):
    """This server's one row. Restored from a backup, it is another incarnation of itself."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    incarnation = models.UUIDField(default=uuid.uuid4)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="there_is_one_installation"),
        ]

    def __str__(self) -> str:
        return str(self.incarnation)


class KeyPackage(models.Model):
    """What others need to add a device while it is away. Handed out once, then it is gone."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="key_packages")
    reference = models.BinaryField(max_length=64, unique=True)
    cipher_suite = models.PositiveIntegerField()
    data = models.BinaryField()
    is_last_resort = models.BooleanField(default=False)
    # A last resort that was handed out: still there, and the device is asked for another.
    was_used = models.BooleanField(default=False)
    not_after = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["device", "cipher_suite"],
                condition=Q(is_last_resort=True),
                name="one_last_resort_per_device_and_suite",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ClaimedKeyPackage(models.Model):
    """A key package that a device was given, and with which it may add the owner."""

    claimer = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="claims")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    reference = models.BinaryField(max_length=64)
    is_last_resort = models.BooleanField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["claimer", "reference"], name="a_device_claims_a_key_package_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Conversation(models.Model):
    """A group of devices with one ordered log; its id is the MLS group id.

    While it awaits a removal, nobody may speak: the next commit carries it out.
    """

    class Kind(models.TextChoices):
        DIRECT = "direct", "Direct"
        GROUP = "group", "Group"

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    cipher_suite = models.PositiveIntegerField()
    epoch = models.PositiveBigIntegerField(default=0)
    last_position = models.PositiveBigIntegerField(default=0)
    awaits_removal = models.BooleanField(default=False)
    # How long messages are kept; null: as long as the organisation keeps them.
    retention_seconds = models.PositiveIntegerField(null=True)
    # Every message up to here has become too old, and was erased.
    erased_position = models.PositiveBigIntegerField(default=0)
    # SHA-256 of the GroupInfo it began with, by which a repeated creation is known.
    founding_digest = models.BinaryField(max_length=32)
    # The two people of a direct conversation, the smaller id first; a group has neither.
    first_person = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    second_person = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    # One of the two lost all devices in it and began another; it stays for who is still there.
    is_over = models.BooleanField(default=False)
    created_by = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    active_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["first_person", "second_person"],
                condition=Q(is_over=False),
                name="one_direct_conversation_for_two_people",
            ),
            models.CheckConstraint(
                condition=Q(kind="group", first_person=None, second_person=None)
                # NOT NULL is said as well: a comparison with NULL is unknown, and that passes.
                | Q(
                    kind="direct",
                    first_person__isnull=False,
                    second_person__isnull=False,
                    first_person__lt=F("second_person"),
                ),
                name="direct_conversations_have_two_people_and_groups_none",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def next_position(self) -> int:
        """Take the next place in line; call only while the row is locked."""
        self.last_position += 1
        self.active_at = timezone.now()
        return self.last_position


class Membership(models.Model):
    """A device in a conversation: the log between two positions, and its leaf of the tree."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="memberships"
    )
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="memberships")
    joined_position = models.PositiveBigIntegerField()
    left_position = models.PositiveBigIntegerField(null=True)
    delivered_position = models.PositiveBigIntegerField()
    leaf_index = models.PositiveIntegerField()
    # Its removal was proposed in the present epoch.
    is_leaving = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "device"],
                condition=Q(left_position=None),
                name="a_device_is_a_member_once",
            ),
            models.UniqueConstraint(
                fields=["conversation", "leaf_index"],
                condition=Q(left_position=None),
                name="a_leaf_has_one_device",
            ),
            models.CheckConstraint(
                condition=Q(delivered_position__gte=F("joined_position")),
                name="nothing_before_joining_is_delivered",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class GroupState(models.Model):
    """What the server knows of a group in one epoch: its signed description and its tree.

    Kept for the present epoch, the one before, and those to which a Welcome still leads.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="states")
    epoch = models.PositiveBigIntegerField()
    group_info = models.BinaryField()
    ratchet_tree = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "epoch"], name="one_state_per_epoch"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Entry(models.Model):
    """A place in the log. ``data`` is an MLS message as the sender made it.

    Without a sender it is the server's: a proposal to remove a device that was revoked.

    A message whose time is over keeps its place and loses its data.
    """

    class Kind(models.TextChoices):
        MESSAGE = EntryKind.MESSAGE.value, "Message"
        COMMIT = EntryKind.COMMIT.value, "Commit"
        PROPOSAL = EntryKind.PROPOSAL.value, "Proposal"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    epoch = models.PositiveBigIntegerField()
    sender = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="+")
    message_id = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)
    data = models.BinaryField()
    expires_at = models.DateTimeField(null=True)  # null as well once it was erased

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="entries_that_expire",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "position"], name="a_position_is_taken_once"
            ),
            models.UniqueConstraint(
                fields=["conversation", "epoch"],
                condition=Q(kind="commit"),
                name="one_commit_per_epoch",
            ),
            models.UniqueConstraint(
                fields=["sender", "message_id"], name="a_device_uses_a_message_id_once"
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="positions_begin_at_one"),
            models.CheckConstraint(
                condition=Q(sender__isnull=False) | Q(kind="proposal"),
                name="the_server_says_nothing_but_proposals",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Welcome(models.Model):
    """What lets one added device in; kept until the device says that it has joined."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="welcomes")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveBigIntegerField()
    epoch = models.PositiveBigIntegerField()
    data = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["device", "conversation", "position"], name="one_welcome_per_addition"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class FailureReport(models.Model):
    """A device's word that it could not apply a commit: which, and why by a code. No content."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="failures"
    )
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=48)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "device"], name="a_device_reports_a_failure_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Attachment(models.Model):
    """An encrypted file: its bytes are parts in the store, its key is inside a message.

    The server cannot see which message that is, so the uploader names it beforehand. A file whose
    message does not come in time, or is deleted later, is an orphan.
    """

    id = models.UUIDField(primary_key=True)
    # Null: the conversation never began and gave way to another; nobody can read the file.
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.SET_NULL, related_name="attachments"
    )
    uploader = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="attachments")
    message_id = models.UUIDField()
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    part_size = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    active_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["uploader", "message_id"], name="a_message_refers_to_one_attachment"
            ),
            models.CheckConstraint(
                condition=Q(size__gte=1, received__lte=F("size")),
                name="no_attachment_receives_more_than_its_size",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_complete(self) -> bool:
        return self.received == self.size
