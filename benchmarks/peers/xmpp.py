"""A small XMPP client for load: SASL PLAIN over plain TCP, presence, messages; RFC 6120 and 6121.

It looks for the few tags it needs instead of parsing XML, so that it stays out of the server's way.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.load import Load, Measured
from benchmarks.peers.server import CONNECT_AT_A_TIME, measured

HOST = "localhost"
ROOMS = f"conference.{HOST}"
ROOM = f"everybody@{ROOMS}"
PASSWORD = "benchmark"
OPEN = (
    f"<stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)


class Refused(Exception):
    """The server did not do what the benchmark needs."""


@dataclass
class Client:
    """One person who is online."""

    name: str
    incoming: asyncio.StreamReader
    outgoing: asyncio.StreamWriter

    async def expect(self, tag: str) -> bytes:
        """Read up to and with the tag."""
        try:
            return await self.incoming.readuntil(tag.encode())
        except asyncio.IncompleteReadError as ended:
            raise Refused(f"No {tag} but {ended.partial!r}") from ended

    def write(self, text: str) -> None:
        self.outgoing.write(text.encode())

    async def log_in(self) -> None:
        secret = base64.b64encode(f"\0{self.name}\0{PASSWORD}".encode()).decode()
        self.write(OPEN)
        await self.expect("</stream:features>")
        self.write(
            f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        )
        answer = await self.expect(">")
        if not answer.startswith(b"<success"):
            raise Refused(f"{self.name} may not log in: {answer!r}")
        self.write(OPEN)
        await self.expect("</stream:features>")
        self.write("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        await self.expect("</iq>")
        self.write("<presence/>")
        await self.expect("<presence")  # one's own comes back: from now on messages arrive

    async def enter(self) -> None:
        """Come into the room, and read up to its subject: from now on messages follow."""
        self.write(
            f"<presence to='{ROOM}/{self.name}'><x xmlns='http://jabber.org/protocol/muc'>"
            "<history maxstanzas='0'/></x></presence>"
        )
        await self.expect("<subject")
        await self.expect("</message>")

    async def read_message(self) -> None:
        arrived = await self.expect("</message>")
        if b"type='error'" in arrived or b'type="error"' in arrived:
            raise Refused(f"Refused: {arrived!r}")

    async def close(self) -> None:
        self.write("</stream:stream>")
        self.outgoing.close()
        await self.outgoing.wait_closed()


async def connect(name: str, port: int) -> Client:
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    client = Client(name, incoming, outgoing)
    await client.log_in()
    return client


@asynccontextmanager
async def clients(names: Sequence[str], port: int) -> AsyncIterator[list[Client]]:
    """Connect all, some at a time."""
    connected: list[Client] = []
    try:
        for start in range(0, len(names), CONNECT_AT_A_TIME):
            some = names[start : start + CONNECT_AT_A_TIME]
            connected += await asyncio.gather(*(connect(name, port) for name in some))
        yield connected
    finally:
        await asyncio.gather(*(one.close() for one in connected), return_exceptions=True)


async def talk(running: Measured, people: Sequence[Client], *, messages: int, size: int) -> Load:
    """Send one message after the other in each pair, the next when the one before has arrived."""
    load = Load()
    pairs = zip(people[::2], people[1::2], strict=True)
    work = (_write_and_read(*pair, load, messages, size) for pair in pairs)
    return await measured(running, load, work)


async def _write_and_read(
    writer: Client, reader: Client, load: Load, messages: int, size: int
) -> None:
    for number in range(messages):
        begin = time.perf_counter()
        writer.write(
            f"<message to='{reader.name}@{HOST}' type='chat' id='{number}'>"
            f"<body>{'x' * size}</body></message>"
        )
        await reader.read_message()
        load.to_receive.append(time.perf_counter() - begin)
        load.accepted += 1
        load.delivered += 1


async def tell_all(
    running: Measured, people: Sequence[Client], *, messages: int, size: int
) -> Load:
    """Let one write into a room (XEP-0045) in which all are, and wait until all have read."""
    load = Load()
    for start in range(0, len(people), CONNECT_AT_A_TIME):
        await asyncio.gather(*(one.enter() for one in people[start : start + CONNECT_AT_A_TIME]))

    async def read(reader: Client) -> None:
        for _ in range(messages):
            await reader.read_message()
            load.delivered += 1

    async def write() -> None:
        for number in range(messages):
            people[0].write(
                f"<message to='{ROOM}' type='groupchat' id='{number}'>"
                f"<body>{'x' * size}</body></message>"
            )
            load.accepted += 1

    return await measured(running, load, [write(), *map(read, people)])
