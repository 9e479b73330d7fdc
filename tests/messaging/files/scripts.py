"""A script that moves encrypted files, and what is in them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Scope
from messaging.models import Attachment, Conversation
from tests.messaging.api import api_of
from tests.messaging.people import Member

PART = 1000
SIZE = 2 * PART + 345
CONTENT = bytes(number % 251 for number in range(SIZE))


class Files:
    """A script that moves files for one device."""

    def __init__(self, member: Member, *scopes: Scope) -> None:
        self.token = api_of(member, *scopes).token

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "application/json",
        **headers: str,
    ) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.token}", **named}
        return Client().generic(method, f"/api/v1/{path}", body, content_type=kind, headers=sent)

    def begin(
        self,
        conversation: Conversation,
        attachment_id: UUID,
        *,
        message_id: UUID | None = None,
        size: int = SIZE,
    ) -> Any:
        body = {"id": str(attachment_id), "message_id": str(message_id or uuid4()), "size": size}
        path = f"conversations/{conversation.pk}/attachments"
        return self.call("POST", path, json.dumps(body).encode())

    def append(self, attachment_id: UUID, offset: int, part: bytes) -> Any:
        return self.call(
            "PATCH",
            f"attachments/{attachment_id}",
            part,
            kind="application/partial-upload",
            Upload_Offset=str(offset),
        )

    def upload(self, conversation: Conversation, *, message_id: UUID | None = None) -> UUID:
        attachment_id = uuid4()
        assert self.begin(conversation, attachment_id, message_id=message_id).status_code == 201
        for offset in range(0, SIZE, PART):
            answer = self.append(attachment_id, offset, CONTENT[offset : offset + PART])
            assert answer.status_code == 204, answer.content
        return attachment_id

    def status(self, attachment_id: UUID) -> Any:
        return self.call("HEAD", f"attachments/{attachment_id}")

    def remove(self, attachment_id: UUID) -> Any:
        return self.call("DELETE", f"attachments/{attachment_id}")

    def read(self, attachment_id: UUID, **headers: str) -> Any:
        return self.call("GET", f"attachments/{attachment_id}/content", b"", **headers)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["code"]


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def idle_for_long() -> None:
    long_ago = timezone.now() - timedelta(hours=settings.CONFIG.attachment_hours, minutes=1)
    Attachment.objects.update(active_at=long_ago)
