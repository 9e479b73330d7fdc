"""What the tests of the routes share: frames, codes, and what the worker would do."""

from typing import Any

from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from celery import current_app

from accounts.models import Person
from facelogin import tasks
from facelogin.lifecycle import MIN_FRAMES, State
from facelogin.models import (
    Capture,
)
from facelogin.services import sweeping
from tests.facelogin.browsers import id_of
from tests.facelogin.pictures import GOOD

FRAMES = [GOOD] * MIN_FRAMES


def give_alternative(person: Person) -> str:
    secret = str(generate_totp_secret())
    TOTP.activate(person, secret)
    return secret


def code_of(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def message_about(capture: dict[str, Any]) -> list[str]:
    """What the worker is told of a capture that was handed in, taken out of the queue."""
    with current_app.connection_for_read() as broker, broker.SimpleQueue("face") as queue:
        while True:
            message = queue.get(timeout=5)
            message.ack()
            arguments: list[str] = message.payload[0]
            if arguments[0] == capture["id"]:
                return arguments


def judge(capture: dict[str, Any]) -> None:
    """Let the worker's job run here."""
    tasks.judge_capture(*message_about(capture))


def pass_as_the_worker_does(capture: dict[str, Any]) -> None:
    row = Capture.objects.get(pk=id_of(capture))
    row.move_to(State.RUNNING)
    sweeping.end(row, State.PASSED, [])


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
