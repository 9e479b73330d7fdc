"""Encrypted files: begun by a device, filled part by part, read by all in the conversation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import Device, Person
from messaging import store
from messaging.access import acting_device, conversation_for, upload_for
from messaging.errors import (
    AttachmentIdTaken,
    AttachmentNotFound,
    AttachmentQuotaExceeded,
    AttachmentTooLarge,
    PartSizeWrong,
    TooManyAttachments,
    UploadOffsetMismatch,
)
from messaging.models import Attachment, Entry
from messaging.store import StagedPart

PART_BYTES = 4 * 1024 * 1024
MOST_WITHOUT_MESSAGE = 100
# The entry that holds the attachment's key, which the uploader has named beforehand: if it has
# come, it is there or was erased since.
NAMED = Entry.objects.filter(
    sender=OuterRef("uploader"),
    message_id=OuterRef("message_id"),
    conversation=OuterRef("conversation"),
)
MESSAGE, ERASED = NAMED.exclude(data=b""), NAMED.filter(data=b"")


@dataclass(frozen=True)
class Allowance:
    """What a person may upload, and has."""

    max_bytes: int
    part_size: int
    quota_bytes: int
    used_bytes: int


@dataclass(frozen=True)
class Begun:
    """The attachment, and whether it was begun already."""

    attachment: Attachment
    is_new: bool


@dataclass(frozen=True)
class Removed:
    """What a clean-up took away, or would."""

    files: int
    bytes: int


def allowance_of(person: Person) -> Allowance:
    return Allowance(
        max_bytes=settings.CONFIG.attachment_max_bytes,
        part_size=PART_BYTES,
        quota_bytes=settings.CONFIG.attachment_quota_bytes,
        used_bytes=_used_by(person),
    )


def begin_attachment(
    *, device: Device, conversation_id: UUID, attachment_id: UUID, message_id: UUID, size: int
) -> Begun:
    """Make room for an encrypted file that a message of this device will refer to."""
    if size > settings.CONFIG.attachment_max_bytes:
        raise AttachmentTooLarge(max_bytes=settings.CONFIG.attachment_max_bytes)
    with transaction.atomic():
        uploader = acting_device(device.pk)
        conversation = conversation_for(uploader, conversation_id)
        earlier = Attachment.objects.filter(pk=attachment_id).first()
        if earlier:
            asked = (uploader.pk, conversation.pk, message_id, size)
            return Begun(_check_same(earlier, asked), is_new=False)
        # Of the uploads that one person begins at once, each sees those before it.
        Person.objects.select_for_update(no_key=True).get(pk=uploader.person_id)
        _check_room(uploader, size)
        attachment = Attachment(
            id=attachment_id,
            conversation=conversation,
            uploader=uploader,
            message_id=message_id,
            size=size,
            part_size=PART_BYTES,
        )
        return Begun(_create(attachment), is_new=True)


def expect_part(*, device: Device, attachment_id: UUID, offset: int, size: int) -> Attachment:
    """Return the upload if exactly this part comes next; nobody cleans it up meanwhile."""
    with transaction.atomic():
        acting_device(device.pk)
        upload = upload_for(device, attachment_id, lock=True)
        _check_offset(upload, offset)
        expected = min(upload.part_size, upload.size - offset)
        if size != expected:
            raise PartSizeWrong(part_size=expected)
        upload.active_at = timezone.now()
        upload.save(update_fields=["active_at"])
        return upload


def append_part(
    *, device: Device, attachment_id: UUID, offset: int, part: StagedPart
) -> Attachment:
    """Keep the part; when this returns, it is in the store and counted."""
    upload = expect_part(device=device, attachment_id=attachment_id, offset=offset, size=part.size)
    if part.size == 0:  # behind the last byte, where the store has no part
        return upload
    # Outside of a transaction: a store may be slow, and a part that nobody counts does no harm.
    store.keep_part(upload, offset, part)
    try:
        with transaction.atomic():
            acting_device(device.pk)
            upload = upload_for(device, attachment_id, lock=True)
            _check_offset(upload, offset)
            upload.received = offset + part.size
            upload.active_at = timezone.now()
            upload.save(update_fields=["received", "active_at"])
            return upload
    except AttachmentNotFound:
        if not Attachment.objects.filter(pk=attachment_id).exists():
            store.forget_parts(upload)  # it was cancelled while the part came in
        raise


def remove_attachment(*, device: Device, attachment_id: UUID) -> None:
    """Take an own file back, whether a message refers to it or not."""
    with _while_a_store_works():
        upload = upload_for(device, attachment_id, lock=True)
        store.forget_parts(upload)
        upload.delete()


@contextmanager
def _while_a_store_works() -> Iterator[None]:
    """Open a transaction that may stand still: hundreds of parts leave a bucket one by one.

    It holds up nobody but who wants to change the same file.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        yield


def orphans(*, now: datetime) -> QuerySet[Attachment]:
    """Files whose message was erased; unfinished ones and those without a message, when idle."""
    idle_since = now - timedelta(hours=settings.CONFIG.attachment_hours)
    unwanted = Q(received__lt=F("size")) | ~Exists(MESSAGE)
    return Attachment.objects.filter(Q(active_at__lte=idle_since) & unwanted | Exists(ERASED))


def remove_orphans(*, dry_run: bool = False) -> Removed:
    """Remove what nobody can want any more, one by one, so that nobody has to wait for long."""
    found = orphans(now=timezone.now()).order_by("active_at")
    files, size = 0, 0
    for attachment_id, bytes_ in list(found.values_list("pk", "size")):
        if dry_run or _remove_if_orphan(attachment_id):
            files += 1
            size += bytes_
    return Removed(files=files, bytes=size)


def _remove_if_orphan(attachment_id: UUID) -> bool:
    """Look again under the lock: a part may have come since."""
    with _while_a_store_works():
        locked = orphans(now=timezone.now()).select_for_update(skip_locked=True)
        orphan = locked.filter(pk=attachment_id).first()
        if orphan is None:
            return False
        store.forget_parts(orphan)
        orphan.delete()
        return True


def _used_by(person: Person) -> int:
    uploads = Attachment.objects.filter(uploader__person=person)
    return int(uploads.aggregate(used=Sum("size"))["used"] or 0)


def _check_room(uploader: Device, size: int) -> None:
    quota, used = settings.CONFIG.attachment_quota_bytes, _used_by(uploader.person)
    if used + size > quota:
        raise AttachmentQuotaExceeded(quota_bytes=quota, used_bytes=used)
    if uploader.attachments.filter(~Exists(MESSAGE)).count() >= MOST_WITHOUT_MESSAGE:
        raise TooManyAttachments(limit=MOST_WITHOUT_MESSAGE)


def _check_same(earlier: Attachment, asked: tuple[UUID, UUID, UUID, int]) -> Attachment:
    there = (earlier.uploader_id, earlier.conversation_id, earlier.message_id, earlier.size)
    if asked != there:
        raise AttachmentIdTaken
    return earlier


def _create(attachment: Attachment) -> Attachment:
    try:
        with transaction.atomic():
            attachment.save(force_insert=True)
    except IntegrityError:  # another device took the id a moment ago, or the message has a file
        raise AttachmentIdTaken from None
    return attachment


def _check_offset(upload: Attachment, offset: int) -> None:
    if upload.received != offset:
        raise UploadOffsetMismatch(expected_offset=upload.received, provided_offset=offset)
