"""Many logins with a face at once: all answered or refused clearly, none lost, memory flat.

    python -m benchmarks.face_queue [--logins 200] [--workers 2] [--video FILE] [--json]

One data folder, one real worker with so many processes, and this program in the place of the web
process: each login begins, and sends its capture, through the services that the routes call. Who is
told to come back does so when told. The video shows a head that turns left and right, 8 s at 20
frames a second, as the test data's do; each person is enrolled with it.
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from benchmarks import photos

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "correct horse battery staple"
# Where in the video each step begins, and how many of its frames it takes.
STEPS = {"straight": (140, 14), "left": (18, 18), "right": (78, 20)}
EACH = 7
SECONDS_IN_ALL = 30 * 60


@dataclass
class Login:
    """One person at one browser."""

    number: int
    attempt: UUID
    secret: bytes = field(repr=False)
    again_at: float = 0.0
    sent_at: float | None = None
    capture: UUID | None = None
    refusals: int = 0  # told to come back
    time_outs: int = 0
    outcome: str | None = None
    seconds: float | None = None

    def begin(self, film: "Film") -> None:
        """Ask for a capture and send it, or remember when to come back."""
        services = Services.instance
        attempt = services.models.Attempt.objects.get(pk=self.attempt)
        try:
            capture = services.captures.start_capture(
                attempt, address=f"10.0.0.{self.number % 250}"
            )
        except services.errors.FaceBusy as busy:
            self.refusals += 1
            self.again_at = time.monotonic() + (busy.facts["retry_after"] or 1)
            return
        frames = film.frames(capture.challenge, self.number + self.time_outs)
        steps = [n * len(capture.challenge) // len(frames) for n in range(len(frames))]
        submission = services.captures.Submission(bytes(capture.nonce), steps, frames)
        services.captures.submit_frames(
            attempt_id=self.attempt,
            capture_id=capture.pk,
            submission=submission,
            secret=self.secret,
        )
        self.capture, self.sent_at = capture.pk, time.monotonic()

    def look(self) -> None:
        assert self.capture is not None
        assert self.sent_at is not None
        capture = Services.instance.captures.read_capture(
            attempt_id=self.attempt, capture_id=self.capture
        )
        if capture.reasons == ["time_out"]:  # as a person would: again
            self.time_outs += 1
            self.capture = None
        elif capture.state in {"passed", "refused", "expired"}:
            self.outcome = " ".join([capture.state, *capture.reasons])
            self.seconds = time.monotonic() - self.sent_at


class Services:
    """Django's modules, which can be imported only when the data folder is known."""

    instance: "Services"

    def __init__(self) -> None:
        load = importlib.import_module
        self.models: Any = load("facelogin.models")
        self.errors: Any = load("facelogin.errors")
        self.captures: Any = load("facelogin.services.captures")
        self.attempts: Any = load("facelogin.services.attempts")
        self.templates: Any = load("facelogin.services.templates")
        self.pipeline: Any = load("facelogin.pipeline")
        self.people: Any = load("accounts.models").Person


@dataclass(frozen=True)
class Film:
    loop: Sequence[bytes] = field(repr=False)

    def frames(self, challenge: Sequence[str], shift: int) -> list[bytes]:
        """What the head does that is asked for; no two logins have quite the same frames."""
        frames: list[bytes] = []
        for turn, step in enumerate(challenge):
            begin, lasts = STEPS[step]
            begin += shift % 3 + (4 * turn if step == "straight" else 0)
            places = [begin + number * lasts // (EACH - 1) for number in range(EACH)]
            frames += [self.loop[place % len(self.loop)] for place in places]
        return frames


def read_film(path: Path) -> Film:
    return Film([b"\xff\xd8\xff" + part for part in path.read_bytes().split(b"\xff\xd8\xff")[1:]])


def enrol(count: int, film: Film) -> list[Login]:
    """So many people with one face, each with a login that waits for it."""
    services = Services.instance
    challenge = ["straight", "left", "straight", "right", "straight"]
    frames = film.frames(challenge, 0)
    steps = [n * len(challenge) // len(frames) for n in range(len(frames))]
    words = importlib.import_module("facelogin.challenge").Step
    shown = services.pipeline.Film([words(one) for one in challenge], frames, steps)
    verdict = services.pipeline.judge_enrolment(shown, lambda _percent: None)
    assert not verdict.reasons, verdict.reasons
    packed = services.pipeline.pack(verdict.embeddings)
    return [_enrolled(number, packed) for number in range(count)]


def _enrolled(number: int, packed: bytes) -> Login:
    services = Services.instance
    person = services.people(username=f"person{number}", display_name=f"Person {number}")
    person.set_unusable_password()  # nobody logs in with it; the template has its own
    person.save()
    attempt, secret = services.attempts.begin_enrolment(person, PASSWORD)
    key = services.attempts.key_for_browser(attempt, secret)
    sealed = key.seal(packed, about=services.templates.about_template(person))
    services.templates.install_template(attempt, sealed, counts=True)
    attempt.delete()
    attempt, secret = services.attempts.begin_verification(person, PASSWORD)
    return Login(number, attempt.pk, secret)


@contextmanager
def worker(processes: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "manage.py", "face_worker", "--processes", str(processes)]
    with log.open("ab") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield running
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def memory_of_pool(pid: int) -> list[float]:
    """What each of the pool's processes has, in MB; decoders are their children and not counted."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = []
    for child in children:
        try:
            pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
        except FileNotFoundError:
            continue
        found.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    return found


def run(logins: list[Login], film: Film, pid: int) -> dict[str, object]:
    began = time.monotonic()
    samples: list[tuple[float, float]] = []
    while any(one.outcome is None for one in logins):
        now = time.monotonic()
        assert now - began < SECONDS_IN_ALL, "it never ends"
        for one in logins:
            if one.outcome is None and one.capture is None and one.again_at <= now:
                one.begin(film)
            elif one.outcome is None and one.capture is not None:
                one.look()
        pool = memory_of_pool(pid)
        if pool:
            samples.append((time.monotonic() - began, max(pool)))
        time.sleep(0.2)
    return report(logins, samples, time.monotonic() - began)


def report(
    logins: Sequence[Login], samples: Sequence[tuple[float, float]], seconds: float
) -> dict[str, object]:
    took = [one.seconds for one in logins if one.seconds is not None]
    half = [memory for at, memory in samples if seconds / 4 < at <= seconds / 2]
    end = [memory for at, memory in samples if at > 3 * seconds / 4]
    services = Services.instance
    return {
        "logins": len(logins),
        "outcomes": dict(Counter(one.outcome for one in logins)),
        "lost": sum(one.outcome is None for one in logins),
        "told_to_come_back": sum(one.refusals > 0 for one in logins),
        "told_that_it_took_too_long": sum(one.time_outs for one in logins),
        "seconds": round(seconds, 1),
        "seconds_to_the_verdict": {
            "median": round(median(took), 1),
            "slowest_twentieth": round(quantiles(took, n=20)[-1], 1),
            "most": round(max(took), 1),
        },
        "memory_mb_of_a_process": {
            "second_quarter": round(max(half), 1) if half else None,
            "last_quarter": round(max(end), 1) if end else None,
            "most": round(max(memory for _, memory in samples), 1),
        },
        "frames_left": services.models.Frames.objects.count(),
    }


def prepare(folder: Path) -> None:
    """A data folder of its own, before anything of Django is imported."""
    os.environ["SECURECHAT_DATA"] = str(folder / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "securechat.settings"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--skip-checks", "-v", "0"], cwd=ROOT, check=True
    )
    importlib.import_module("django").setup()
    importlib.import_module("securechat.celery")
    Services.instance = Services()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--logins", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    default = photos.default_folder().parent / "camera" / "person-5-turning.mjpeg"
    parser.add_argument("--video", type=Path, default=default)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    film = read_film(options.video)
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        logins = enrol(options.logins, film)
        with worker(options.workers, Path(folder) / "worker.log") as running:
            found = run(logins, film, running.pid)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
