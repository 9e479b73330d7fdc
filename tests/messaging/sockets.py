"""A device's socket, spoken to in this process through the server's own ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar
from uuid import UUID, uuid4

from channels.testing import WebsocketCommunicator

from accounts.models import DeviceToken, Scope
from accounts.services.tickets import issue_ticket
from accounts.services.tokens import issue_token
from messaging import doorbell
from messaging.doorbell import Ring
from messaging.routing import websocket_application
from messaging.threads import run_once
from securechat_sdk.wire.codec import decode_server_frame, encode_command
from securechat_sdk.wire.frames import (
    Accepted,
    Command,
    EntryAppended,
    MarkDelivered,
    Ready,
    Refused,
    SendMessage,
    ServerFrame,
)
from tests.messaging.people import Member, message

P = ParamSpec("P")
T = TypeVar("T")
Wanted = TypeVar("Wanted", bound=ServerFrame)
SECONDS = 20.0  # what never comes is a failure; what comes late on a busy machine is none


class LiveSocket:
    """Reads frames in the order in which they come; `wait_for` keeps what it passes over."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.communicator = communicator
        self.passed_over: list[ServerFrame] = []
        self._next_request = 0

    async def read(self, seconds: float = SECONDS) -> ServerFrame:
        output = await self.communicator.receive_output(seconds)
        return decode_server_frame(output["text"].encode())

    async def wait_for(self, kind: type[Wanted], seconds: float = SECONDS) -> Wanted:
        for index, frame in enumerate(self.passed_over):
            if isinstance(frame, kind):
                del self.passed_over[index]
                return frame
        while not isinstance(frame := await self.read(seconds), kind):
            self.passed_over.append(frame)
        return frame

    async def entries(self, count: int) -> list[EntryAppended]:
        return [await self.wait_for(EntryAppended) for _ in range(count)]

    async def close_code(self, seconds: float = SECONDS) -> int:
        """Wait until the server closes; frames on the way are passed over."""
        while True:
            output = await self.communicator.receive_output(seconds)
            if output["type"] == "websocket.close":
                return int(output.get("code") or 1000)

    async def send(self, command: Command) -> None:
        await self.communicator.send_to(text_data=encode_command(command).decode())

    async def ask(self, command: Command) -> Accepted | Refused:
        await self.send(command)
        while True:
            frame = await self.read()
            if isinstance(frame, Accepted | Refused):
                return frame
            self.passed_over.append(frame)

    async def say(self, conversation_id: UUID, epoch: int = 1) -> Accepted | Refused:
        return await self.ask(
            SendMessage(
                request_id=self._request(),
                conversation_id=conversation_id,
                message_id=uuid4(),
                ciphertext=message(conversation_id, epoch),
            )
        )

    async def mark(self, conversation_id: UUID, position: int) -> Accepted | Refused:
        return await self.ask(
            MarkDelivered(
                request_id=self._request(), conversation_id=conversation_id, position=position
            )
        )

    def _request(self) -> int:
        self._next_request += 1
        return self._next_request


@asynccontextmanager
async def connected(
    member: Member, *, token: DeviceToken | None = None
) -> AsyncIterator[LiveSocket]:
    """Open a socket with a ticket, as a script does, and read `ready`."""
    ticket = await in_thread(ticket_for)(member, token=token)
    communicator = WebsocketCommunicator(websocket_application, f"/ws/v1/?ticket={ticket}")
    was_accepted, _ = await communicator.connect(SECONDS)
    assert was_accepted
    socket = LiveSocket(communicator)
    try:
        ready = await socket.read()
        assert isinstance(ready, Ready)
        assert ready.device_id == member.device.pk
        yield socket
    finally:
        await communicator.disconnect()


@asynccontextmanager
async def a_doorbell_out_of_order() -> AsyncIterator[None]:
    """Let every ring of this process be lost, here and on its way through the channel layer."""
    listeners, ringers = set(doorbell._listeners), list(doorbell._ringers)
    doorbell._listeners.clear()
    doorbell._ringers[:] = [LosesRings()]
    yield
    doorbell._listeners.update(listeners)
    doorbell._ringers[:] = ringers


class LosesRings(doorbell.Ringer):
    def __init__(self) -> None:
        """It needs no event loop."""

    def take(self, _rings: Collection[Ring]) -> bool:
        return True


def ticket_for(member: Member, *, token: DeviceToken | None = None) -> str:
    """Return a ticket of the token, or of one that may all."""
    if token is None:
        token, _ = issue_token(device=member.device, name="t", scopes=[*Scope], expires_in_days=1)
    ticket, _ = issue_ticket(token=token)
    return ticket


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not is_so():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


def in_thread(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Call the function as another process would: in a thread, with a connection of its own."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return await run_once(function, *args, **kwargs)

    return call
