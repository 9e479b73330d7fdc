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

HOST = "localhost"
PASSWORD = "benchmark"
CONNECT_AT_A_TIME = 50
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


async def talk(
    running: Measured, pairs: Sequence[tuple[Client, Client]], *, messages: int, size: int
) -> Load:
    """Send one message after the other in each pair, the next when the one before has arrived."""
    load = Load()
    before, begin = running.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(_write_and_read(pair, load, messages, size) for pair in pairs))
    load.seconds = time.perf_counter() - begin
    after = running.cpu_seconds()
    load.cpu = {part: after[part] - before[part] for part in after}
    return load


async def _write_and_read(
    pair: tuple[Client, Client], load: Load, messages: int, size: int
) -> None:
    writer, reader = pair
    for number in range(messages):
        begin = time.perf_counter()
        writer.write(
            f"<message to='{reader.name}@{HOST}' type='chat' id='{number}'>"
            f"<body>{'x' * size}</body></message>"
        )
        arrived = await reader.expect("</message>")
        if b"type='error'" in arrived or b'type="error"' in arrived:
            raise Refused(f"Refused: {arrived!r}")
        load.to_receive.append(time.perf_counter() - begin)
        load.accepted += 1
        load.delivered += 1
