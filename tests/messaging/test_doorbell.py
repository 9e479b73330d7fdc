"""The doorbell: rings reach every process while it works, and hold nobody up when it does not."""

import asyncio
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import services
from channels.layers import channel_layers
from pytest_django import Settings

from messaging import doorbell
from messaging.doorbell import Ring, Ringer, What, Whisper, rings_from_others
from messaging.threads import run_once


@dataclass
class OwnRedis:
    """A Redis of this test's own, so that it may be frozen and flushed."""

    url: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].split("/")[0])

    @property
    def pid(self) -> int:
        lines = [line for line in self.asked("info", "server") if line.startswith("process_id:")]
        return int(lines[0].partition(":")[2])

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def asked(self, *command: str) -> list[str]:
        client = ["redis-cli", "-p", str(self.port), *command]
        done = subprocess.run(client, check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

    async def is_listened_to(self) -> None:
        """Return when somebody has subscribed: what is rung before that is not heard."""
        async with asyncio.timeout(10):
            while self.asked("pubsub", "numsub", "asgi__group__doorbell")[1] == "0":  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0.01)


@pytest.fixture
def redis(settings: Settings) -> Iterator[OwnRedis]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(services.redis())
        except services.ServiceMissing:
            pytest.skip("redis-server is not installed")
        use(settings, url)
        yield OwnRedis(url)


def use(settings: Settings, url: str) -> None:
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [url]}}}
    channel_layers.backends.clear()


@pytest.fixture
def no_redis(settings: Settings) -> None:
    """A Redis that is not there."""
    use(settings, f"redis://127.0.0.1:{services.free_port()}/0")


async def heard(count: int, seconds: float = 10) -> list[Ring]:
    """Listen as another process does, until so many different rings were heard."""
    rings: dict[UUID, Ring] = {}
    async with asyncio.timeout(seconds), aclosing(rings_from_others()) as others:
        async for ring in others:
            assert isinstance(ring, Ring)
            rings[ring.id] = ring
            if len(rings) == count:
                break
    return list(rings.values())


async def test_rings_of_one_conversation_become_one(redis: OwnRedis) -> None:
    ringer, conversation, another = Ringer(), uuid4(), uuid4()
    listening = asyncio.create_task(heard(2))
    await redis.is_listened_to()

    for position in (1, 3, 2):
        doorbell.ring(Ring(What.LOG, conversation, position))
    doorbell.ring(Ring(What.MARKS, another))
    rings = await listening
    ringer.close()

    assert rings == [Ring(What.LOG, conversation, 3), Ring(What.MARKS, another)]


async def test_what_is_said_in_passing_reaches_other_processes(redis: OwnRedis) -> None:
    ringer = Ringer()
    whisper = Whisper(conversation_id=uuid4(), sender_device_id=uuid4(), epoch=3, data=b"\x00\xff")
    async with asyncio.timeout(10), aclosing(rings_from_others()) as others:
        listening = asyncio.ensure_future(anext(others))
        await redis.is_listened_to()

        ringer.whisper(whisper)
        said = await listening
        ringer.close()

    assert said == whisper


async def test_what_is_said_in_passing_is_not_kept_for_a_redis_that_is_away(
    no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "SECONDS_BEFORE_RETRY", 0.01)
    ringer = Ringer()

    for _ in range(3 * doorbell.MOST_WHISPERS):
        ringer.whisper(Whisper(uuid4(), uuid4(), 1, b"typing"))
    held = len(ringer._whispers)
    await asyncio.sleep(0.5)

    assert held == doorbell.MOST_WHISPERS
    assert len(ringer._whispers) == 0
    ringer.close()


async def test_a_process_without_sockets_rings_at_once(redis: OwnRedis) -> None:
    listening = asyncio.create_task(heard(1))
    await redis.is_listened_to()
    ring = Ring(What.LOG, uuid4(), 1)

    await run_once(doorbell.ring, ring)

    assert await listening == [ring]


async def test_a_flushed_redis_that_cut_everybody_off_is_subscribed_to_again(
    redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    ringer, ring = Ringer(), Ring(What.LOG, uuid4(), 1)
    listening = asyncio.create_task(heard(1))
    await redis.is_listened_to()

    redis.asked("flushall")
    redis.asked("client", "kill", "type", "pubsub")
    redis.asked("client", "kill", "type", "normal")
    await asyncio.sleep(0.1)
    await redis.is_listened_to()
    doorbell.ring(ring)

    assert await listening == [ring]
    assert not caplog.records
    ringer.close()


async def test_a_process_does_not_hear_from_others_what_it_has_rung_itself(redis: OwnRedis) -> None:
    own, another, ring = Ringer(), Ringer(), Ring(What.LOG, uuid4(), 1)
    async with asyncio.timeout(10), aclosing(rings_from_others(own)) as others:
        listening = asyncio.ensure_future(anext(others))
        await redis.is_listened_to()

        own.whisper(Whisper(uuid4(), uuid4(), 1, b"typing"))
        own.take([Ring(What.LOG, uuid4(), 1)])
        await asyncio.sleep(0.2)
        another.take([ring])

        assert await listening == ring
    own.close()
    another.close()


async def test_a_frozen_redis_holds_nobody_up_and_what_waited_is_rung_afterwards(
    redis: OwnRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(doorbell, "SECONDS_TO_RING", 0.2)
    monkeypatch.setattr(doorbell, "SECONDS_BEFORE_RETRY", 0.1)
    ringer, rings = Ringer(), [Ring(What.LOG, uuid4(), 1) for _ in range(3)]
    listening = asyncio.create_task(heard(3))
    await redis.is_listened_to()
    pid = redis.pid

    redis.freeze()
    began = time.monotonic()
    for ring in rings:
        doorbell.ring(ring)
    seconds = time.monotonic() - began
    await asyncio.sleep(1)
    os.kill(pid, signal.SIGCONT)
    arrived = await listening
    ringer.close()

    assert seconds < 0.5  # three rings that waited would take 0.6
    assert {ring.id for ring in arrived} == {ring.id for ring in rings}
    said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([line for line in said if "works again" in line]) <= 2
    assert len(said) <= 4  # one ringer and one listener, each at most in and out of order


async def test_without_redis_a_process_without_sockets_tries_once_and_then_lets_it_be(
    no_redis: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(doorbell, "_trouble_at_once", doorbell._trouble())

    began = time.monotonic()
    for _ in range(50):
        await run_once(doorbell.ring, Ring(What.LOG, uuid4(), 1))

    assert time.monotonic() - began < 10
    assert [record.message for record in caplog.records] == [
        "The doorbell is out of order (ConnectionError)."
    ]


async def test_too_many_waiting_rings_are_dropped(
    no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "MOST_WAITING", 5)
    ringer = Ringer()

    for _ in range(20):
        assert ringer.take([Ring(What.LOG, uuid4(), 1)])
        assert len(ringer._waiting) <= 5
    ringer.close()


def test_the_ringer_of_a_closed_event_loop_takes_nothing() -> None:
    async def begin() -> Ringer:
        return Ringer()

    ringer = asyncio.run(begin())
    try:
        assert not ringer.take([Ring(What.LOG, uuid4(), 1)])
    finally:
        doorbell._ringers.remove(ringer)
