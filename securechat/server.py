"""Daphne with bounds: stock Daphne buffers without limit and spools bodies to disk.

DESIGN section 7 rule 1 lists what one client could do to stock Daphne, and the figures behind the
limits below.
"""

import asyncio
import gc
import json
import resource
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketServerProtocol
from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import defer, reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure
from twisted.web import http
from zope.interface import implementer

from messaging.outbox import PUSH, SharedText
from securechat.bodies import BODIES
from securechat.frames import text_frame, text_of
from securechat.uploads import MAX_PART_BYTES, is_part
from securechat_sdk.wire.errors import ChatError, TooLarge
from securechat_sdk.wire.frames import MAX_FRAME_BYTES

MAX_BODY_BYTES = 2 * 1024 * 1024 + 64 * 1024  # a face capture of 2 MiB and its multipart headers
HEADER_SECONDS = 10
BODY_SECONDS = 10  # without any more of it
STALLED_WRITER_SECONDS = 5
HANDSHAKE_SECONDS = 60  # the request is there: of a thousand that come at once the last waits
MOST_NOT_ACCEPTED = 4096  # the kernel's own limit may be lower
PAUSE_AT_QUEUED_CHUNKS = 4  # of 64 KiB
RESUME_AT_QUEUED_CHUNKS = 1
PAUSE_AT_QUEUED_FRAMES = 32
RESUME_AT_QUEUED_FRAMES = 8
MOST_BYTES_QUEUED = MAX_FRAME_BYTES  # a device may have several sockets
MOST_PINGS = 20
SECONDS_OF_PINGS = 10
MOST_BYTES_UNWRITTEN = 64 * 1024
LINGERING_SECONDS = 5
SECONDS_BETWEEN_DROPS = 0.005  # of at most 64 KiB, which makes 13 MiB/s
OPEN = WebSocketServerProtocol.STATE_OPEN


class BoundedRequest(WebRequest):
    """A request whose body stays in memory and below the limit: a face must not touch the disk.

    A part of a file is larger, so its body never is in memory as a whole: the application is
    started when the headers are there, and is read to no faster than it asks.
    """

    _parsePOSTFormSubmission = False  # noqa: N815 - Twisted's name; Django reads forms; Twisted would parse each a second time
    limit = MAX_BODY_BYTES
    received = 0
    is_streamed = False
    is_whole = False

    @property
    def reader(self) -> "Reader":
        return self.channel.reader if self.channel else Reader()

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        self.content = BytesIO()
        begun = self.channel.request_line
        self.is_streamed = is_part(*begun[:2])
        if self.is_streamed:
            self.limit = MAX_PART_BYTES
        if length is not None and length > self.limit:
            self.refuse_body()
        elif self.is_streamed:
            super().requestReceived(*begun)
        elif length != 0:
            self.channel.expect_body()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self.received += len(data)
        if self.received > self.limit:
            self.refuse_body()
        elif self.is_streamed:
            self._hand_over(data, more=True)
        else:
            self.content.write(data)
            self.channel.body_grows()
            BODIES.grows(self, len(data))

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        self.is_whole = True
        self.forget_body()
        if self.is_streamed:
            self._hand_over(b"", more=False)
        elif self.channel.accepting:
            super().requestReceived(command, path, version)

    # Any: a message of ASGI.
    def handle_reply(self, message: dict[str, Any]) -> None:
        if self._answers_early:
            self.setHeader(b"Connection", b"close")
        super().handle_reply(message)

    def finish(self) -> None:
        channel, answers_early = self.channel, self._answers_early
        super().finish()
        if channel and answers_early:
            channel.linger()  # the rest would be taken for the next request

    @property
    def _answers_early(self) -> bool:
        return self.is_streamed and not self.is_whole

    def refuse_body(self) -> None:
        self.refuse(TooLarge(f"A request body may hold {self.limit} bytes at most."))

    def refuse(self, error: ChatError) -> None:
        self.forget_body()
        self.content = BytesIO()
        if self.channel.accepting:
            self.channel.refuse(error)

    def forget_body(self) -> None:
        """It is no burden any more: whole, refused, or cut off."""
        BODIES.ends(self)
        if self.channel:
            self.channel.body_came()

    def _hand_over(self, data: bytes, *, more: bool) -> None:
        queue = self.application_queue
        if queue is None:  # refused before there was an application
            return
        queue.put_nowait({"type": "http.request", "body": data, "more_body": more})
        if more and queue.qsize() == PAUSE_AT_QUEUED_CHUNKS:
            self.channel.pause_reading()
            self._resume_when_taken()

    def _resume_when_taken(self) -> None:
        if not self.channel:
            return
        if self.application_queue.qsize() <= RESUME_AT_QUEUED_CHUNKS:
            self.channel.resume_reading()
        else:
            reactor.callLater(0.002, self._resume_when_taken)


class Reader:
    """Whether the other end reads what is written to it, and for how long it has not."""

    def __init__(self) -> None:
        self.due: IDelayedCall | None = None
        self._going_on: asyncio.Event | None = None  # only while it stalls: each takes 0.8 KiB

    @property
    def is_reading(self) -> bool:
        return self._going_on is None

    def stalls(self, give_up: Callable[[], None]) -> None:
        """The transport holds more than it could write: give the other end a few seconds."""
        if self._going_on is None:
            self._going_on = asyncio.Event()
            self.due = reactor.callLater(STALLED_WRITER_SECONDS, give_up)

    def goes_on(self) -> None:
        """It reads again, or is gone; either way nobody has to wait for it any longer."""
        _cancel(self.due)
        self.due = None
        if self._going_on is not None:
            self._going_on.set()
            self._going_on = None

    async def wait(self) -> None:
        while self._going_on is not None:
            await self._going_on.wait()


class Dropping:
    """Lets go by what clients send after their answer: all of them together one read at a time.

    Not reading it at all would be cheaper still, but a client that hears of a reset while it sends
    may never read the answer.
    """

    def __init__(self) -> None:
        self._waiting: deque[BoundedChannel] = deque()

    def wait(self, channel: "BoundedChannel") -> None:
        channel.pause_reading()
        self._waiting.append(channel)
        if len(self._waiting) == 1:
            reactor.callLater(SECONDS_BETWEEN_DROPS, self._read_one)

    def _read_one(self) -> None:
        self._waiting.popleft().resume_reading()
        if self._waiting:
            reactor.callLater(SECONDS_BETWEEN_DROPS, self._read_one)


DROPPING = Dropping()


class BoundedChannel(http.HTTPChannel):
    """One HTTP/1.1 connection whose headers must arrive in time and whose reader must read."""

    requestFactory = BoundedRequest  # noqa: N815 - Twisted's name

    def __init__(self) -> None:
        super().__init__()
        self.accepting = True
        self.headers_due: IDelayedCall | None = None
        self.body_due: IDelayedCall | None = None
        self.end_due: IDelayedCall | None = None
        self.reader = Reader()

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        super().connectionMade()
        self._expect_headers()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self.accepting:
            super().dataReceived(data)
        else:
            DROPPING.wait(self)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        if self.headers_due is None:  # the next request of a kept connection begins
            self._expect_headers()
        super().lineReceived(line)

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's name
        _cancel(self.headers_due)
        self.headers_due = None
        super().allHeadersReceived()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.reader.stalls(self.forceAbortClient)
        super().pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.reader.goes_on()
        super().resumeProducing()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        _cancel(self.headers_due)
        _cancel(self.end_due)
        self.headers_due = self.end_due = None
        self.reader.goes_on()
        for request in self.requests:
            request.forget_body()
        super().connectionLost(reason)

    @property
    def request_line(self) -> tuple[bytes, bytes, bytes]:
        return self._command, self._path, self._version

    def pause_reading(self) -> None:
        self._networkProducer.pauseProducing()

    def resume_reading(self) -> None:
        self._networkProducer.resumeProducing()

    def expect_body(self) -> None:
        self.body_due = self.callLater(BODY_SECONDS, self.forceAbortClient)

    def body_grows(self) -> None:
        if self.body_due is not None:
            self.body_due.reset(BODY_SECONDS)

    def body_came(self) -> None:
        _cancel(self.body_due)
        self.body_due = None

    def refuse(self, error: ChatError) -> None:
        """Answer without the application and hang up."""
        facts = {"title": error.title, "status": error.status, "detail": error.detail}
        problem = {"type": f"/docs/errors#{error.code}", "code": error.code, **facts}
        body = json.dumps(problem).encode()
        status = f"{error.status} {HTTPStatus(error.status).phrase}".encode()
        self.transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/problem+json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)
        )
        self.linger()

    def linger(self) -> None:
        """Say that this was the last answer, and have one who is still sending hear it."""
        self.accepting = False
        self._networkProducer.unregisterProducer()
        self.transport.loseWriteConnection()
        self.end_due = self.callLater(LINGERING_SECONDS, self.forceAbortClient)
        DROPPING.wait(self)

    def _expect_headers(self) -> None:
        self.headers_due = self.callLater(HEADER_SECONDS, self.forceAbortClient)


@implementer(IPushProducer)
class BoundedSocket(WebSocketProtocol):
    """A socket that is not read faster than it is served, and dropped when it does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = Reader()
        self.unwritten: list[bytes] = []
        self.unwritten_bytes = 0
        self.pings = 0
        self.pings_since = 0.0
        self.queued: deque[int] = deque()  # the lengths of frames that wait to be served
        self.is_behind = False

    def onOpen(self) -> None:  # noqa: N802 - Autobahn's name
        super().onOpen()
        self.transport.unregisterProducer()  # the HTTP channel this connection began as
        self.transport.registerProducer(self, streaming=True)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take what is one whole text the short way, and all else the way of Autobahn."""
        text = text_of(data) if self._is_between_messages else None
        if text is None:
            super().dataReceived(data)
            return
        self.last_ping = time.time()
        if self.autoPingTimeoutCall:
            self._cancelAutoPingTimeoutCall()
        self.application_queue.put_nowait({"type": "websocket.receive", "text": text})
        self._pause_when_behind(len(text))

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N802, N803 - theirs
        super().onMessage(payload, isBinary)
        self._pause_when_behind(len(payload))

    @property
    def _is_between_messages(self) -> bool:
        return bool(
            self.state == OPEN
            and not self.muted
            and not self.data
            and self.current_frame is None
            and not self.inside_message
        )

    def _pause_when_behind(self, length: int) -> None:
        self.queued.append(length)
        if not self.is_behind and self._has_queued(PAUSE_AT_QUEUED_FRAMES):
            self.is_behind = True
            self.transport.pauseProducing()
            self._resume_when_served()

    def _has_queued(self, most_frames: int) -> bool:
        """Are there so many frames to be served, or too many bytes?"""
        while len(self.queued) > self.application_queue.qsize():
            self.queued.popleft()
        return len(self.queued) >= most_frames or sum(self.queued) > MOST_BYTES_QUEUED

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: FBT001, N802, N803
        self.reader.goes_on()
        super().onClose(wasClean, code, reason)

    def onPing(self, payload: bytes) -> None:  # noqa: N802 - Autobahn's name
        """Answer, but not without end: each costs the server as much as the client."""
        now = time.monotonic()
        if now - self.pings_since > SECONDS_OF_PINGS:
            self.pings, self.pings_since = 0, now
        self.pings += 1
        if self.pings > MOST_PINGS:
            self.transport.abortConnection()
        else:
            super().onPing(payload)

    def push(self, text: str) -> bool:
        """Send a text now, without waiting; False when the other end does not read."""
        if self.state != OPEN or not self.reader.is_reading:
            return False
        self.serverSend(text)
        return True

    def serverSend(self, content: Any, binary: bool = False) -> None:  # noqa: FBT001, FBT002, N802
        """Have a text frame written; Autobahn's own way costs several times as much per frame.

        What becomes ready in the same turn of the event loop goes out in one piece.
        """
        if binary or self.send_queue or self.state != OPEN:
            super().serverSend(content, binary)
            return
        if not self.unwritten:
            self.server.write_soon(self)
        wire = _on_the_wire(content)
        self.unwritten.append(wire)
        self.unwritten_bytes += len(wire)
        if self.unwritten_bytes > MOST_BYTES_UNWRITTEN:
            self.write_all()

    def sendData(self, *arguments: Any, **options: Any) -> None:  # noqa: N802 - Autobahn's name
        """Write one of Autobahn's own frames, such as the last one, after what waits."""
        self.write_all()
        super().sendData(*arguments, **options)

    def write_all(self) -> None:
        """Write to the connection at once if it takes it: Twisted's turn costs more than that."""
        data = b"".join(self.unwritten)
        self.unwritten, self.unwritten_bytes = [], 0
        connection = self.transport
        if not data:
            return
        if connection.connected and not connection.disconnecting and not _holds_data(connection):
            written = connection.writeSomeData(data)
            data = data[written:] if isinstance(written, int) else data
        if data:
            connection.write(data)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.reader.stalls(self.transport.abortConnection)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.reader.goes_on()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.reader.goes_on()

    def _resume_when_served(self) -> None:
        if self.state != OPEN:
            return
        if self._has_queued(RESUME_AT_QUEUED_FRAMES + 1):
            reactor.callLater(0.01, self._resume_when_served)
        else:
            self.is_behind = False
            self.transport.resumeProducing()


def _allow_all_files() -> None:
    """A socket is a file, and many a system gives a process 1,024 unless it asks for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _holds_data(connection: Any) -> bool:
    return bool(connection.dataBuffer or connection._tempDataBuffer)  # noqa: SLF001 - Twisted has no question for it


def _on_the_wire(text: str) -> bytes:
    """Make the frame's bytes; those of a text for many sockets are made once."""
    if isinstance(text, SharedText) and text.wire is not None:
        return text.wire
    wire = text_frame(text.encode())
    if isinstance(text, SharedText):
        text.wire = wire
    return wire


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()


class BoundedFactory(HTTPFactory):
    """Makes a bounded channel of each connection."""

    protocol = BoundedChannel

    def buildProtocol(self, addr: IAddress | None) -> BoundedChannel:  # noqa: N802 - Twisted's name
        # Not Daphne's own version: it puts Daphne's request class back.
        return cast("BoundedChannel", http.HTTPFactory.buildProtocol(self, addr))


class BoundedSocketFactory(WebSocketFactory):
    protocol = BoundedSocket


class BoundedServer(Server):
    """Daphne's server over the bounded protocols."""

    def __init__(self, application: Any, *, address: str, port: int) -> None:
        super().__init__(
            application,
            endpoints=[
                f"{endpoint}:backlog={MOST_NOT_ACCEPTED}"
                for endpoint in build_endpoint_description_strings(host=address, port=port)
            ],
            server_name="",
            websocket_max_message_size=MAX_FRAME_BYTES,
            websocket_max_frame_size=MAX_FRAME_BYTES,
            websocket_handshake_timeout=HANDSHAKE_SECONDS,
        )
        self.failure: str | None = None
        self.to_write: list[BoundedSocket] = []

    def run(self) -> None:
        """Serve until a signal; ``failure`` says afterwards why nothing could be served."""
        self.connections: dict[object, dict[str, Any]] = {}
        self.http_factory = BoundedFactory(self)
        self.ws_factory = BoundedSocketFactory(self, server=self.server_name)
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            failByDrop=False,  # say why (1009 and others) before hanging up
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )
        globalLogBeginner.beginLoggingTo(
            [lambda _: None], redirectStandardIO=False, discardBuffer=True
        )
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        for endpoint in self.endpoints:
            listening = serverFromString(reactor, endpoint).listen(self.http_factory)
            listening.addCallbacks(self.listen_success, self.listen_error)
        asyncio.set_event_loop(reactor._asyncioEventloop)  # noqa: SLF001 - as Daphne does
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        _allow_all_files()
        gc.freeze()  # what is loaded stays; looking through it held every socket up for 0.1 s
        if not self.abort_start:
            reactor.run(installSignalHandlers=self.signal_handlers)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, BoundedSocket):
            scope["extensions"] = {PUSH: protocol.push}
        queue = super().create_application(protocol, scope)
        if getattr(protocol, "is_streamed", False):
            protocol.content.close()  # so Daphne goes no further: the body comes later
        return queue

    def write_soon(self, protocol: BoundedSocket) -> None:
        if not self.to_write:
            asyncio.get_running_loop().call_soon(self._write_all)
        self.to_write.append(protocol)

    def _write_all(self) -> None:
        protocols, self.to_write = self.to_write, []
        for protocol in protocols:
            protocol.write_all()

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Let the application wait while the client does not read: its backlog is the bound."""
        await protocol.reader.wait()
        if message["type"] == "websocket.send" and protocol.state == OPEN:
            protocol.handle_reply(message)  # Daphne's checks are about other messages
        else:
            await super().handle_reply(protocol, message)

    def listen_error(self, failure: Failure) -> None:
        self.failure = failure.getErrorMessage()
        self.stop()

    def kill_all_applications(self) -> defer.Deferred[Any]:
        """Daphne's own fails on a connection that has no application yet."""
        self.connections = {
            protocol: details
            for protocol, details in self.connections.items()
            if "application_instance" in details
        }
        return cast("defer.Deferred[Any]", super().kill_all_applications())
