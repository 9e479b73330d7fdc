"""How many messages a second one server process acknowledges and hands out over real sockets.

Run from the checkout: ``python -m benchmarks.live --senders 8 --listeners 20 --messages 200``. The
database is the one of the settings; it is filled with invented people.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import django

os.environ.setdefault("SECURECHAT_DATA", tempfile.mkdtemp(prefix="securechat-benchmark-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "securechat.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402

from accounts.services.tickets import issue_ticket  # noqa: E402
from securechat_sdk.wire.codec import decode_server_frame, encode_command  # noqa: E402
from securechat_sdk.wire.frames import (  # noqa: E402
    Accepted,
    EntryAppended,
    Ready,
    Refused,
    SendMessage,
)
from tests.messaging.people import Member, enrol, message  # noqa: E402


@dataclass
class Measured:
    """What one device saw: when each of its messages was acknowledged, and how many arrived."""

    seconds_to_accept: list[float] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)


def prepare(count: int) -> tuple[UUID, list[str]]:
    """Make one conversation of so many devices; return it and a ticket for each."""
    members = [enrol("member") for _ in range(count)]
    conversation = members[0].begins()
    for start in range(1, count, 50):
        members[0].adds(conversation, *members[start : start + 50], epoch=(start - 1) // 50)
    return conversation.pk, [_ticket(member) for member in members]


def _ticket(member: Member) -> str:
    return issue_ticket(device=member.device, token=None)[0]


async def take_part(
    connection: ClientConnection, measured: Measured, to_send: list[bytes], total: int
) -> None:
    """Send one message after the other, each when the one before is acknowledged."""
    queue = iter(enumerate(to_send))

    async def send_next() -> float:
        _, frame = next(queue, (0, b""))
        if frame:
            await connection.send(frame.decode())
        return time.perf_counter()

    sent_at = await send_next()
    while len(measured.arrived) < total or len(measured.seconds_to_accept) < len(to_send):
        match decode_server_frame(str(await connection.recv()).encode()):
            case Accepted():
                measured.seconds_to_accept.append(time.perf_counter() - sent_at)
                sent_at = await send_next()
            case EntryAppended(position=position):
                measured.arrived.append(position)
            case Refused(code=code):
                raise SystemExit(f"refused: {code}")
            case _:
                continue


async def measure(
    port: int, conversation_id: UUID, tickets: list[str], senders: int, messages: int
) -> None:
    epoch = -(-(len(tickets) - 1) // 50)
    addresses = [f"ws://127.0.0.1:{port}/ws/v1/?ticket={ticket}" for ticket in tickets]
    sockets = [await connect(address, max_size=None, compression=None) for address in addresses]
    for one in sockets:
        assert isinstance(decode_server_frame(str(await one.recv()).encode()), Ready)
    results = [Measured() for _ in sockets]
    frames = [
        [frame(conversation_id, epoch, number) for number in range(messages)]
        for _ in range(senders)
    ] + [[] for _ in sockets[senders:]]
    begin = time.perf_counter()
    await asyncio.gather(
        *(
            take_part(one, measured, to_send, senders * messages)
            for one, measured, to_send in zip(sockets, results, frames, strict=True)
        )
    )
    report(results, time.perf_counter() - begin, senders * messages)


def frame(conversation_id: UUID, epoch: int, number: int) -> bytes:
    return encode_command(
        SendMessage(
            request_id=number,
            conversation_id=conversation_id,
            message_id=uuid4(),
            ciphertext=message(conversation_id, epoch),
        )
    )


def report(results: list[Measured], seconds: float, total: int) -> None:
    latencies = sorted(one for measured in results for one in measured.seconds_to_accept)
    in_order = all(measured.arrived == sorted(set(measured.arrived)) for measured in results)
    print(f"{total} messages to {len(results)} sockets in {seconds:.2f} s")
    print(
        f"acknowledged: {total / seconds:.0f}/s, handed out: {total * len(results) / seconds:.0f}/s"
    )
    median, worst = statistics.median(latencies), latencies[int(len(latencies) * 0.99)]
    print(f"to acknowledge: median {median * 1000:.1f} ms, p99 {worst * 1000:.1f} ms")
    print(f"at every socket in order and once: {in_order}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when the server listens."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server does not listen")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--listeners", type=int, default=12)
    parser.add_argument("--messages", type=int, default=200)
    options = parser.parse_args()
    port = free_port()
    call_command("migrate", verbosity=0)
    server = subprocess.Popen([sys.executable, "manage.py", "serve", "--port", str(port)])
    try:
        wait_for(port)
        conversation_id, tickets = prepare(options.senders + options.listeners)
        asyncio.run(measure(port, conversation_id, tickets, options.senders, options.messages))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
