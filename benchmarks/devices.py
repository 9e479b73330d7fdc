"""Invented devices with real keys, their conversations, and their sockets.

Import it inside `product()`: Django must know its database.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect

from accounts.models import DeviceToken, Scope, SocketTicket
from accounts.services.secrets import digest_of, make_secret
from messaging.models import Conversation, Membership
from messaging.threads import run_once
from securechat_sdk.wire.codec import encode_command
from securechat_sdk.wire.frames import SendMessage
from tests.messaging.people import Member, enrol, message

CONNECT_AT_A_TIME = 100


def enrol_many(count: int) -> list[Member]:
    return [enrol("device") for _ in range(count)]


def conversation_of(members: Sequence[Member]) -> Conversation:
    """Put all in one conversation at epoch 0, without the commits that would add them."""
    conversation = members[0].begins()
    Membership.objects.bulk_create(
        Membership(
            conversation=conversation,
            device=one.device,
            joined_position=0,
            delivered_position=0,
            leaf_index=leaf,
        )
        for leaf, one in enumerate(members[1:], 1)
    )
    return conversation


def tickets_for(members: Sequence[Member]) -> list[str]:
    secrets, now = [make_secret("sck_") for _ in members], timezone.now()
    tokens = DeviceToken.objects.bulk_create(
        DeviceToken(
            device=member.device,
            name="benchmark",
            digest=os.urandom(32),
            scopes=[*Scope],
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        for member in members
    )
    SocketTicket.objects.bulk_create(
        SocketTicket(digest=digest_of(secret), token=token, expires_at=now + timedelta(minutes=5))
        for secret, token in zip(secrets, tokens, strict=True)
    )
    return secrets


@asynccontextmanager
async def sockets_of(members: Sequence[Member], port: int) -> AsyncIterator[list[ClientConnection]]:
    """Connect all, some at a time, and read each one's `ready`."""
    connections: list[ClientConnection] = []
    try:
        for start in range(0, len(members), CONNECT_AT_A_TIME):
            some = await run_once(tickets_for, members[start : start + CONNECT_AT_A_TIME])
            connections += await asyncio.gather(*(open_socket(port, ticket) for ticket in some))
        yield connections
    finally:
        await asyncio.gather(*(one.close() for one in connections), return_exceptions=True)


async def open_socket(port: int, ticket: str) -> ClientConnection:
    address = f"ws://127.0.0.1:{port}/ws/v1/?ticket={ticket}"
    connection = await connect(
        address, max_size=None, compression=None, open_timeout=60, ping_interval=None
    )
    first = await connection.recv()
    assert '"ready"' in str(first), first
    return connection


def frame_to_send(
    conversation_id: UUID, request_id: int, message_id: UUID | None = None, *, size: int = 272
) -> str:
    command = SendMessage(
        request_id=request_id,
        conversation_id=conversation_id,
        message_id=message_id or uuid4(),
        ciphertext=message(conversation_id, 0, b"x" * size),
    )
    return encode_command(command).decode()
