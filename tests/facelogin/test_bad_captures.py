"""A corpus of captures that are none: each refused with the right code, in little memory."""

import resource
from http import HTTPStatus
from pathlib import Path

import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

from accounts.models import Person
from facelogin import pipeline
from facelogin.challenge import Step
from facelogin.decoder import MEMORY, Decoder
from facelogin.lifecycle import MIN_FRAMES
from facelogin.models import Frames
from facelogin.pipeline import Film
from facelogin.worker import MEMORY as WORKER_MEMORY
from tests.facelogin.bad_captures import JUDGED, WHOLE, bad_sets
from tests.facelogin.browsers import Browser
from tests.facelogin.pictures import GOOD

CHALLENGE = [Step.STRAIGHT, Step.LEFT, Step.STRAIGHT, Step.RIGHT, Step.STRAIGHT]


def peak_of(process: int | str) -> int:
    """The most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


@pytest.mark.django_db
def test_what_is_no_capture_is_refused_at_the_door(browser: Browser, alice: Person) -> None:
    browser.give_password(alice)
    capture = browser.start_enrolment().json()
    before = peak_of("self")
    corpus = bad_sets()

    answers = {name: browser.submit(capture, frames) for name, frames in corpus.items()}

    codes = {name: answer.json().get("code", answer.content) for name, answer in answers.items()}
    assert {name for name, code in codes.items() if code != "bad_capture"} <= {"one frame too many"}
    assert codes["one frame too many"] in {"bad_capture", "invalid_input"}
    assert not Frames.objects.exists()
    assert peak_of("self") - before < WORKER_MEMORY
    assert browser.submit(capture, [GOOD] * MIN_FRAMES).status_code == HTTPStatus.ACCEPTED


def test_the_corpus_has_at_least_fifty_captures() -> None:
    assert len(bad_sets()) + len(JUDGED) >= 50


@pytest.mark.parametrize("name", JUDGED)
def test_what_is_no_live_head_is_refused_by_the_worker_for_the_right_reason(name: str) -> None:
    make, reason = JUDGED[name]
    frames = make()
    steps = [number * len(CHALLENGE) // len(frames) for number in range(len(frames))]
    film = Film(challenge=CHALLENGE, frames=frames, steps=steps)
    with Decoder() as decoder:
        decoder.decode(WHOLE)
        before = peak_of(decoder.process.pid)
        limit = resource.prlimit(decoder.process.pid, resource.RLIMIT_AS)[0]

        verdict = pipeline.judge_enrolment(film, lambda _percent: None, decode=decoder.decode)

        assert verdict.reasons[0] == reason
        if decoder.process.poll() is None:
            assert peak_of(decoder.process.pid) - before < MEMORY
        assert 0 < limit < 1024 * 1024 * 1024
