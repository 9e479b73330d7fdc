"""What others are told, after the commit: a ring at the doorbell, never the thing itself.

The channel layer loses messages silently, so it carries only what to look at. Whoever is rung
reads the rows, which are the truth; who was not rung finds out by looking now and then.
"""

import asyncio
from functools import partial
from typing import Literal
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from msgspec import Struct, to_builtins

from messaging import bells
from messaging.models import Entry

GROUP = "doorbell"
SECONDS_TO_RING = 2.0


class Ring(Struct, frozen=True, kw_only=True):
    """Look again at this conversation's log or marks, or at what waits for this device."""

    at: Literal["log", "marks", "device", "revocations"]
    id: UUID
    position: int = 0


def entry_appended(entry: Entry) -> None:
    publish_on_commit(Ring(at="log", id=entry.conversation_id, position=entry.position))
