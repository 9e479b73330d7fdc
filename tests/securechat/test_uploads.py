"""Files through the ASGI handler: parts are read as they come; whoever goes gives a place back."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.testing import ApplicationCommunicator

from messaging.models import Attachment, Conversation
from messaging.services import attachments
from messaging.transfers import DOWNLOADS, UPLOADS
from securechat import uploads
from securechat.asgi import application
from tests.messaging.api import api_of
from tests.messaging.people import Member, enrol
from tests.messaging.sockets import in_thread

PART = 300_000
HALF = PART // 2

# What goes through an ASGI application, and the way asgiref calls one, have no types: hence Any.


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    of_attachments = settings.STORAGES["attachments"]
    options = of_attachments["OPTIONS"] | {"location": tmp_path / "attachments"}
    settings.STORAGES = settings.STORAGES | {"attachments": of_attachments | {"OPTIONS": options}}
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    monkeypatch.setattr(attachments, "PART_BYTES", PART)
    return tmp_path


class Alice:
    """A script, and a file of one part that it has begun to upload."""

    def __init__(self) -> None:
        self.member: Member = enrol("alice")
        self.token = api_of(self.member).token
        self.conversation: Conversation = self.member.begins()
        self.id = uuid4()
        attachments.begin_attachment(
            device=self.member.device,
            conversation_id=self.conversation.pk,
            attachment_id=self.id,
            message_id=uuid4(),
            size=PART,
        )

    def calls(self, method: str, path: str, *more: tuple[str, str]) -> Any:
        headers = [("host", "localhost"), ("authorization", f"Bearer {self.token}"), *more]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": f"/api/v1/attachments/{path}",
            "raw_path": f"/api/v1/attachments/{path}".encode(),
            "query_string": b"",
            "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 8000),
        }
        return ApplicationCommunicator(application, scope)

    def appends(self, attachment_id: UUID | None = None) -> Any:
        return self.calls(
            "PATCH",
            str(attachment_id or self.id),
            ("upload-offset", "0"),
            ("content-length", str(PART)),
            ("content-type", "application/partial-upload"),
        )


@pytest.fixture
def alice(transactional_db: None) -> Alice:
    return Alice()


async def send(call: Any, size: int, *, more: bool) -> None:
    await call.send_input({"type": "http.request", "body": b"x" * size, "more_body": more})


async def status_of(call: Any) -> tuple[int, bytes]:
    start = await call.receive_output(timeout=10)
    body = await call.receive_output(timeout=10)
    await call.wait(timeout=10)  # then the request has closed its connection
    return start["status"], body["body"]


async def received(attachment_id: UUID) -> int:
    return await in_thread(lambda: Attachment.objects.get(pk=attachment_id).received)()


async def test_a_part_is_stored_as_it_comes(alice: Alice, own_store: Path) -> None:
    call = alice.appends()

    await send(call, HALF, more=True)
    await until(lambda: sum(path.stat().st_size for path in files_in(own_store)) >= HALF // 2)
    await send(call, HALF, more=False)

    assert (await status_of(call))[0] == 204
    assert await received(alice.id) == PART


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a folder tells nobody
            await asyncio.sleep(0.01)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_who_goes_in_the_middle_of_a_part_leaves_nothing(
    alice: Alice, own_store: Path
) -> None:
    call = alice.appends()

    await send(call, HALF, more=True)
    await call.send_input({"type": "http.disconnect"})
    await call.wait(timeout=10)

    assert await received(alice.id) == 0
    assert files_in(own_store) == []
    assert UPLOADS._taken.total() == 0


async def test_who_stands_still_in_the_middle_of_a_part_is_told_so(
    alice: Alice, own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "STALL_SECONDS", 0.2)
    call = alice.appends()

    await send(call, HALF, more=True)
    status, body = await status_of(call)

    assert (status, json.loads(body)["code"]) == (400, "part_incomplete")
    assert await received(alice.id) == 0
    assert files_in(own_store) == []


async def test_a_refusal_does_not_wait_for_the_part(alice: Alice) -> None:
    call = alice.appends(uuid4())

    await send(call, HALF, more=True)
    status, body = await status_of(call)

    assert (status, json.loads(body)["code"]) == (404, "not_found")


async def test_a_reader_who_goes_gives_the_place_back(alice: Alice) -> None:
    upload = alice.appends()
    await send(upload, PART, more=False)
    assert (await status_of(upload))[0] == 204
    readers = [alice.calls("GET", f"{alice.id}/content") for _ in range(DOWNLOADS.most_for_one)]
    for reader in readers:
        await reader.send_input({"type": "http.request", "body": b"", "more_body": False})
        assert (await reader.receive_output(timeout=10))["status"] == 200

    for reader in readers:
        await reader.send_input({"type": "http.disconnect"})
        await reader.wait(timeout=10)

    assert DOWNLOADS._taken.total() == 0


async def test_a_download_is_sent_block_by_block(alice: Alice) -> None:
    upload = alice.appends()
    await send(upload, PART, more=False)
    assert (await status_of(upload))[0] == 204
    reader = alice.calls("GET", f"{alice.id}/content")
    await reader.send_input({"type": "http.request", "body": b"", "more_body": False})
    assert (await reader.receive_output(timeout=10))["status"] == 200

    blocks = []
    more = True
    while more:
        message = await reader.receive_output(timeout=10)
        blocks.append(message.get("body", b""))
        more = message.get("more_body", False)

    assert b"".join(blocks) == b"x" * PART
    assert max(map(len, blocks)) <= 64 * 1024
    await reader.wait(timeout=10)
    assert DOWNLOADS._taken.total() == 0
