"""One socket of one device: commands in, answers and events out."""

import asyncio
import logging
from typing import Any

from django.db import DatabaseError

from accounts.errors import DeviceRevoked, ScopeMissing
from accounts.metrics import count_refusal
from accounts.models import Scope
from accounts.services.callers import Caller
from messaging.commands import execute
from messaging.doorbell import Whisper
from messaging.hub import hub_of_this_process
from messaging.metrics import CLOSED, SOCKETS
from messaging.outbox import PUSH, Outbox
from messaging.whispers import WhisperBudget
from securechat_sdk.wire.codec import InvalidFrame, decode_command, encode_event
from securechat_sdk.wire.errors import ChatError, NotAuthenticated, Unavailable
from securechat_sdk.wire.frames import (
    MAX_FRAME_BYTES,
    Accepted,
    CloseCode,
    Command,
    Ready,
    Refused,
    SendEphemeral,
    ServerFrame,
)

logger = logging.getLogger(__name__)

MOST_INVALID_FRAMES = 3
SECONDS_TO_CLOSE = 5.0

# Scope, receive and send are ASGI's, which has no types: hence Any.


async def device_socket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application of the socket; `CallerAuthentication` stands before it."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    ready = Ready(device_id=scope["caller"].device.pk, incarnation=scope["incarnation"])
    push = scope.get("extensions", {}).get(PUSH)
    await DeviceSocket(scope["caller"], receive, send, push).serve(ready)


class DeviceSocket:
    """Runs one command after the other, and sends at the same time what the outbox holds."""

    def __init__(self, caller: Caller, receive: Any, send: Any, push: Any = None) -> None:
        self._caller = caller
        self._receive = receive
        self._send = send
        self._hub = hub_of_this_process()
        self._push = push
        self._outbox = Outbox(caller.device.pk, caller)
        self._invalid_frames = 0
        self._whispers = WhisperBudget()

    async def serve(self, ready: Ready) -> None:
        """Serve until the device leaves or the outbox is closed, and say why if it was us."""
        try:
            with SOCKETS.track_inprogress():
                await self._hub.attach(self._outbox)
                if self._outbox.close_code is None:
                    await self._live(ready)
        finally:
            self._hub.detach(self._outbox)
        if self._outbox.close_code is not None:
            CLOSED.labels(self._outbox.close_code.value).inc()
            close = {"type": "websocket.close", "code": self._outbox.close_code.value}
            await asyncio.wait_for(self._send(close), SECONDS_TO_CLOSE)

    async def _live(self, ready: Ready) -> None:
        # Only now: what came in after a device looked by itself would escape it.
        await self._send({"type": "websocket.send", "text": encode_event(ready).decode()})
        self._outbox.push = self._push
        await _first_of(self._read(), self._write(), self._outbox.closed())

    async def _read(self) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            if self._outbox.close_code is not None:  # what came in before it heard is dropped
                return
            await self._take_in(message.get("text"))

    async def _write(self) -> None:
        while (frame := await self._outbox.take()) is not None:
            await self._send({"type": "websocket.send", "text": frame})

    async def _take_in(self, text: str | None) -> None:
        frame = (text or "").encode(errors="surrogatepass")
        if len(frame) > MAX_FRAME_BYTES:
            self._outbox.close(CloseCode.TOO_LARGE)
            return
        try:
            command = decode_command(frame)
        except InvalidFrame as error:
            self._refuse_frame(error)
            return
        self._put(await self._run(command))

    def _refuse_frame(self, error: InvalidFrame) -> None:
        self._put(_refusal(None, error))
        self._invalid_frames += 1
        if self._invalid_frames >= MOST_INVALID_FRAMES:
            self._outbox.close(CloseCode.INVALID_FRAME)

    async def _run(self, command: Command) -> ServerFrame:
        try:
            if isinstance(command, SendEphemeral):
                return self._say_in_passing(command)
            return await execute(self._caller, command, self._hub.command_threads)
        except DeviceRevoked as error:
            self._outbox.close(CloseCode.DEVICE_REVOKED)
            return _refusal(command.request_id, error)
        except NotAuthenticated as error:
            self._outbox.close(CloseCode.NOT_AUTHENTICATED)
            return _refusal(command.request_id, error)
        except ChatError as error:
            return _refusal(command.request_id, error)
        except DatabaseError:
            logger.exception("The database did not take a command.")
            return _refusal(command.request_id, Unavailable())

    def _say_in_passing(self, command: SendEphemeral) -> Accepted:
        """No row and no thread: only what the hub knows anyway."""
        if not self._caller.allows(Scope.MESSAGES_WRITE):
            raise ScopeMissing(scope=Scope.MESSAGES_WRITE.value)
        self._whispers.spend()
        self._hub.whisper(
            Whisper(
                conversation_id=command.conversation_id,
                sender_device_id=self._caller.device.pk,
                epoch=command.epoch,
                data=command.data,
            )
        )
        return Accepted(request_id=command.request_id, position=0)

    def _put(self, frame: ServerFrame) -> None:
        self._outbox.put(encode_event(frame).decode())


def _refusal(request_id: int | None, error: ChatError) -> Refused:
    count_refusal(error.code)
    return Refused(request_id=request_id, code=error.code, detail=error.detail, facts=error.facts)


async def _first_of(*coroutines: Any) -> None:
    """Run them until one ends; the others are cancelled, and a failure is raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
