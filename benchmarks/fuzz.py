"""Frames that no client would send: each is refused or closes the socket, and changes nothing.

``python -m benchmarks.fuzz --frames 1000000 --json``. Well-formed commands of a device that is in
no conversation are damaged in many ways and given to the socket's application. What has to come
of each is said by a few lines (`expected`): the figures named ``wrong_…`` must be 0. What is of
MLS in them was made by the members of a real conversation, and is damaged in its bytes, too.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import asyncio
import base64
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from benchmarks.product import product, report

if TYPE_CHECKING:
    from tests.messaging.people import Member

MOST_ON_A_SOCKET = 200
MOST_INVALID = 3
SECONDS_TO_ANSWER = 60.0
STRANGE: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    2**70,
    1e308,
    "",
    "x" * 3000,
    [],
    {},
    "\ud800",
    [[]],
]

# Any: JSON and ASGI's messages.


@dataclass(frozen=True)
class Elsewhere:
    """A conversation that the sender is not in, and what its members could send to it."""

    conversation_id: UUID
    message: bytes
    commit: bytes
    group_info: bytes
    welcome: bytes
    proposal: bytes


def commands(dice: random.Random, elsewhere: Elsewhere) -> dict[str, Any]:
    """Return a command that would be good if its sender were in the conversation."""

    def mls(name: str) -> str:
        return base64.b64encode(spoiled(dice, getattr(elsewhere, name))).decode()

    common = {
        "request_id": dice.randrange(2**31),
        "conversation_id": str(
            dice.choice([elsewhere.conversation_id, UUID(int=dice.getrandbits(128))])
        ),
    }
    identified = common | {"message_id": str(UUID(int=dice.getrandbits(128)))}
    commit = {"commit": mls("commit"), "group_info": mls("group_info")}
    return dice.choice(
        [
            identified | {"type": "send_message", "ciphertext": mls("message"), "lifetime": 60},
            identified | {"type": "submit_commit", "welcome": mls("welcome")} | commit,
            identified | {"type": "submit_proposal", "proposal": mls("proposal")},
            common | {"type": "mark_delivered", "position": dice.randrange(100)},
            common | {"type": "send_ephemeral", "epoch": dice.randrange(3), "data": mls("message")},
        ]
    )


def spoiled(dice: random.Random, data: bytes) -> bytes:
    """Change, cut or lengthen half of all."""
    bytes_ = bytearray(data)
    match dice.randrange(6):
        case 0:
            for _ in range(dice.randint(1, 4)):
                bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
        case 1:
            del bytes_[dice.randrange(len(bytes_)) :]
        case 2:
            bytes_[dice.randrange(len(bytes_)) :] += dice.randbytes(dice.randint(1, 40))
    return bytes(bytes_)


def strange_value(dice: random.Random, command: dict[str, Any]) -> str:
    command[dice.choice([*command, "surprise"])] = dice.choice(STRANGE)
    return json.dumps(command)


def missing_value(dice: random.Random, command: dict[str, Any]) -> str:
    del command[dice.choice(list(command))]
    return json.dumps(command)


def damaged_text(dice: random.Random, command: dict[str, Any]) -> str:
    text = list(json.dumps(command))
    for _ in range(dice.randint(1, 4)):
        text[dice.randrange(len(text))] = chr(dice.choice([0, 34, 92, 123, 0x7F, 0xE9, 0xD800]))
    return "".join(text)


def cut_text(dice: random.Random, command: dict[str, Any]) -> str:
    text = json.dumps(command)
    return text[: dice.randrange(len(text))]


def deep_text(dice: random.Random, command: dict[str, Any]) -> str:
    return dice.choice(["[", '{"a":']) * dice.randint(1, 20_000) + json.dumps(command)


def large_text(dice: random.Random, command: dict[str, Any]) -> str:
    """Once in a while more than a frame may hold."""
    size = 1024 * 1024 + 1 if dice.random() < 0.01 else 5_000
    return json.dumps(command | {"padding": "x" * size})


def good_text(_: random.Random, command: dict[str, Any]) -> str:
    return json.dumps(command)


DAMAGES: list[Callable[[random.Random, dict[str, Any]], str]] = [
    strange_value,
    missing_value,
    damaged_text,
    cut_text,
    deep_text,
    large_text,
    *[good_text] * 6,
]


def expected(text: str | None) -> str:
    """Say what has to come of a frame; None stands for a binary one."""
    from securechat_sdk.wire.codec import InvalidFrame, decode_command
    from securechat_sdk.wire.frames import MAX_FRAME_BYTES

    frame = (text or "").encode(errors="surrogatepass")
    if len(frame) > MAX_FRAME_BYTES:
        return "too_large"
    try:
        decode_command(frame)
    except InvalidFrame:
        return "invalid"
    return "refused"


class Socket:
    """Both ends of one socket: gives frames to the application, and keeps what it answers."""

    def __init__(self, caller: Any, frames: Callable[[], str | None]) -> None:
        self._frames = frames
        self._given: list[str] = []
        self._answers: list[dict[str, Any]] = []
        self._scope = {"caller": caller, "incarnation": uuid4(), "extensions": {}}
        self._is_connected = False
        self.close_code: int | None = None

    async def serve(self) -> Counter[str]:
        from messaging.consumers import device_socket
        from messaging.outbox import PUSH

        self._scope["extensions"] = {PUSH: self._push}
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            await device_socket(self._scope, self._receive, self._send)
        return self._judge()

    def _is_closing(self) -> bool:
        counted = Counter(self._given)
        return bool(counted["too_large"]) or counted["invalid"] >= MOST_INVALID

    def _push(self, text: str) -> bool:
        self._answers.append(json.loads(text))
        return True

    async def _receive(self) -> dict[str, Any]:
        """Connect, then one frame after the other: a socket's frames are answered in turn."""
        if self.close_code is not None or len(self._given) >= MOST_ON_A_SOCKET:
            return {"type": "websocket.disconnect", "code": 1000}
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        await asyncio.sleep(0)
        if self._is_closing():
            return {"type": "websocket.disconnect", "code": 1000}
        text = self._frames()
        self._given.append(expected(text))
        key = "bytes" if text is None else "text"
        return {"type": "websocket.receive", key: text if text is not None else b"\x00"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.close_code = message["code"]

    def _judge(self) -> Counter[str]:
        from securechat_sdk.wire.frames import CloseCode

        events = {"ready", "key_packages_low"}  # the hub's poll may tell of the second
        codes = [one.get("code") for one in self._answers if one["type"] not in events]
        counted = Counter(self._given)
        should = {"too_large": CloseCode.TOO_LARGE, "invalid": CloseCode.INVALID_FRAME}
        closing = self._given[-1] if self._is_closing() else None
        figures = Counter(frames=len(self._given), **{f"{k}_frames": n for k, n in counted.items()})
        figures.update(f"answered_{code}" for code in codes)
        figures["wrong_close"] = int(self.close_code != (should.get(closing) if closing else None))
        answered = [kind for kind in self._given if kind != "too_large"]
        figures["wrong_answers"] = sum(
            (code == "invalid_frame") != (kind == "invalid") or code in {None, "unavailable"}
            for code, kind in zip(codes, answered, strict=False)
        ) + abs(len(codes) - len(answered))
        return figures


class Failures(logging.Handler):
    """Counts what is logged as an error: nothing a client sends may be one."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.levelno >= logging.ERROR


def state() -> list[Any]:
    """What is stored, except of whom."""
    from messaging.models import Conversation, Entry, KeyPackage, Membership, Welcome

    models = (Conversation, Entry, KeyPackage, Membership, Welcome)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


async def fuzz(caller: Any, elsewhere: Elsewhere, wanted: int, seed: int) -> Counter[str]:
    from messaging.hub import hub_of_this_process
    from messaging.outbox import Outbox

    dice = random.Random(seed)

    def frame() -> str | None:
        if dice.random() < 0.01:
            return None
        return dice.choice(DAMAGES)(dice, commands(dice, elsewhere))

    total: Counter[str] = Counter()
    hub, another = hub_of_this_process(), Outbox(uuid4())
    await hub.attach(another)  # with the last socket the hub would hang up each time
    while total["frames"] < wanted:
        total.update(await Socket(caller, frame).serve())
    hub.detach(another)
    return total


def prepare() -> tuple["Member", Elsewhere]:
    """Make an outsider, and a conversation of others."""
    from securechat_sdk.mls.messages.mls_message import MLSMessage
    from tests.messaging.people import enrol, message

    alice, bob, carol = enrol("alice"), enrol("bob"), enrol("carol")
    conversation = alice.begins()
    alice.adds(conversation, bob)
    alice.says(conversation)
    adding = alice.prepares_adding(conversation, carol)
    assert adding.welcome is not None
    alice.leaves_key_packages(2)
    return enrol("outsider"), Elsewhere(
        conversation_id=conversation.pk,
        message=message(conversation.pk, 1),
        commit=adding.message.encode(),
        group_info=MLSMessage.of(adding.group_info).encode(),
        welcome=adding.welcome.encode(),
        proposal=bob.proposes_to_leave(conversation),
    )


def measure(wanted: int, seed: int) -> dict[str, Any]:
    from django.db import connection

    from messaging.services.writer import WRITER

    failures = Failures()
    logging.getLogger().addHandler(failures)
    outsider, elsewhere = prepare()
    before, began = state(), time.monotonic()
    figures = asyncio.run(fuzz(outsider.caller, elsewhere, wanted, seed))
    WRITER.close()
    changed = int(state() != before)
    connection.close()
    return {
        **dict(sorted(figures.items())),
        "wrong_failures": failures.count,
        "wrong_state": changed,
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="sqlite")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    with product(database=options.database, processes=0):
        figures = measure(options.frames, options.seed)
    report(figures, as_json=options.json)
    if any(value for name, value in figures.items() if name.startswith("wrong_")):
        sys.exit(1)


if __name__ == "__main__":
    main()
