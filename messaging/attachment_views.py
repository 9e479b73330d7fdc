"""Encrypted files over HTTP, in the shape of the IETF's draft on resumable uploads."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import device_of, person_of
from accounts.api.operations import again, operation
from accounts.api.serializers import read_fields
from accounts.api.views import APIView
from accounts.errors import DeviceRevoked
from accounts.models import Scope
from messaging import access, content, store
from messaging.errors import (
    AttachmentIdTaken,
    AttachmentQuotaExceeded,
    AttachmentTooLarge,
    PartIncomplete,
    PartSizeWrong,
    RangeNotSatisfiable,
    TooManyAttachments,
    TooManyTransfers,
    UploadOffsetMismatch,
)
from messaging.models import Attachment
from messaging.serializers import (
    AllowanceSerializer,
    AttachmentSerializer,
    NewAttachmentSerializer,
)
from messaging.services.attachments import (
    allowance_of,
    append_part,
    begin_attachment,
    expect_part,
    remove_attachment,
)
from messaging.transfers import DOWNLOADS, UPLOADS
from securechat_sdk.wire.errors import InvalidInput, Unavailable

READ = Scope.MESSAGES_READ
WRITE = Scope.MESSAGES_WRITE
PART = "application/partial-upload"


class PartParser(BaseParser):
    """Leaves the part where it is: it is read when there is a place for it."""

    media_type = PART

    # What a parser is given is REST framework's: hence Any.
    def parse(self, stream: Any, _media_type: Any = None, _context: Any = None) -> Any:
        return stream


class AllowanceView(APIView):
    """What this person may upload."""

    required_scopes = {"GET": WRITE}

    @operation("get_attachment_allowance", answers={200: AllowanceSerializer})
    def get(self, request: Request) -> Response:
        """Tell how large files may be, and how much room there is for this person's."""
        return Response(AllowanceSerializer(allowance_of(person_of(request))).data)


class ConversationAttachmentsView(APIView):
    """Where an upload begins."""

    required_scopes = {"POST": WRITE}

    @operation(
        "begin_attachment",
        body=NewAttachmentSerializer,
        answers={201: AttachmentSerializer, 200: again(AttachmentSerializer)},
        refuses=(
            AttachmentIdTaken,
            AttachmentQuotaExceeded,
            AttachmentTooLarge,
            DeviceRevoked,
            TooManyAttachments,
        ),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Begin to upload an encrypted file to a conversation.

        Its parts follow with `PATCH`. It is removed unless the message with this id comes.
        """
        wanted = read_fields(NewAttachmentSerializer, request.data)
        begun = begin_attachment(
            device=device_of(request),
            conversation_id=conversation_id,
            attachment_id=wanted["id"],
            message_id=wanted["message_id"],
            size=wanted["size"],
        )
        return _standing(begun.attachment, status=201 if begun.is_new else 200)


class AttachmentView(APIView):
    """An upload of this device."""

    required_scopes = {"GET": WRITE, "PATCH": WRITE, "DELETE": WRITE}

    def get_parsers(self) -> list[BaseParser]:
        asking = getattr(self, "request", None)  # nobody is, while the schema is made
        is_part = asking is not None and asking.method == "PATCH"
        return [PartParser()] if is_part else super().get_parsers()

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, UploadOffsetMismatch):
            response["Upload-Offset"] = str(exc.facts["expected_offset"])
        return response

    @operation("get_attachment", answers={200: AttachmentSerializer})
    def get(self, request: Request, attachment_id: UUID) -> Response:
        """Show how far an upload of this device has come; `HEAD` tells `Upload-Offset` alone."""
        return _standing(access.upload_for(device_of(request), attachment_id))

    @operation(
        "append_attachment_part",
        body={PART: OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "Upload-Offset",
                {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
                OpenApiParameter.HEADER,
                required=True,
                description="Where the part begins; `HEAD` tells it.",
            )
        ],
        answers={204: None},
        refuses=(
            DeviceRevoked,
            PartIncomplete,
            PartSizeWrong,
            TooManyTransfers,
            Unavailable,
            UploadOffsetMismatch,
        ),
    )
    def patch(self, request: Request, attachment_id: UUID) -> Response:
        """Append the next part; it counts as a whole or not at all.

        Each part but the last has `part_size` bytes. After a lost answer, ask with `HEAD`.
        """
        device = device_of(request)
        offset = _offset(request.headers)
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        expect_part(device=device, attachment_id=attachment_id, offset=offset, size=size)
        end = UPLOADS.begin(device.pk, request)
        try:
            _let_the_connection_go()  # the part may come slowly
            stream: Any = request.data  # what PartParser has left as it is
            with store.staged(stream, size) as part:
                upload = append_part(
                    device=device, attachment_id=attachment_id, offset=offset, part=part
                )
        finally:
            end()
        return Response(status=204, headers=_progress(upload))

    @operation("remove_attachment", answers={204: None}, refuses=(Unavailable,))
    def delete(self, request: Request, attachment_id: UUID) -> Response:
        """Take a file of this device back, whole or not."""
        remove_attachment(device=device_of(request), attachment_id=attachment_id)
        return Response(status=204)


class ContentView(APIView):
    """A file as it was uploaded, for all who are in its conversation."""

    required_scopes = {"GET": READ}

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, RangeNotSatisfiable):
            response["Content-Range"] = f"bytes */{exc.facts['size']}"
        return response

    @operation(
        "get_attachment_content",
        parameters=[
            OpenApiParameter(
                "Range",
                {"type": "string"},
                OpenApiParameter.HEADER,
                description="One range in bytes (RFC 9110 section 14); others are ignored.",
            )
        ],
        answers={
            (200, "application/octet-stream"): OpenApiResponse(
                OpenApiTypes.BINARY, description="The whole file."
            ),
            (206, "application/octet-stream"): OpenApiResponse(
                OpenApiTypes.BINARY, description="The range that was asked for."
            ),
        },
        refuses=(RangeNotSatisfiable, TooManyTransfers, Unavailable),
    )
    def get(self, request: Request, attachment_id: UUID) -> content.ContentResponse:
        """Read an encrypted file, or one range of it."""
        device = device_of(request)
        attachment = access.attachment_for(device, attachment_id)
        response = content.content_of(
            attachment,
            wanted=request.headers.get("Range"),
            if_range=request.headers.get("If-Range"),
        )
        end = DOWNLOADS.begin(device.pk, response)
        response.ends_with(end)
        _let_the_connection_go()  # the store or the reader may be slow
        try:
            response.begin()
        except Unavailable:
            end()
            raise
        return response


def _standing(attachment: Attachment, status: int = 200) -> Response:
    headers = {
        **_progress(attachment),
        "Location": f"/api/v1/attachments/{attachment.pk}",
        "Upload-Limit": f"max-append-size={attachment.part_size}",
    }
    return Response(AttachmentSerializer(attachment).data, status=status, headers=headers)


def _progress(attachment: Attachment) -> dict[str, str]:
    """Tell how far the upload has come, as structured fields (RFC 9651)."""
    return {
        "Upload-Offset": str(attachment.received),
        "Upload-Complete": "?1" if attachment.is_complete else "?0",
    }


def _offset(headers: Mapping[str, str]) -> int:
    text = headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(2**53)):
        raise InvalidInput("Upload-Offset is a number of bytes.")
    return int(text)


def _let_the_connection_go() -> None:
    """Free the request's database connection while bytes are on their way."""
    if not connection.in_atomic_block:
        connection.close()
