"""A small store of the test's own, and a conversation to send files in."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from messaging.models import Conversation
from messaging.services import attachments
from tests.messaging.files.scripts import PART, Files
from tests.messaging.people import Member


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    """Small parts, and a folder of the test's own."""
    folder = tmp_path / "attachments"
    of_attachments = settings.STORAGES["attachments"]
    options = of_attachments["OPTIONS"] | {"location": folder}
    settings.STORAGES = settings.STORAGES | {"attachments": of_attachments | {"OPTIONS": options}}
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    monkeypatch.setattr(attachments, "PART_BYTES", PART)
    return folder


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


@pytest.fixture
def attachment_id(alice: Member, conversation: Conversation) -> UUID:
    return Files(alice).upload(conversation)
