"""A dozen logins at once on two workers; ``python -m benchmarks.face_queue`` does it with 200."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

ROOT = Path(__file__).resolve().parents[2]
LOGINS = 12


def test_logins_that_come_at_once_are_all_answered_and_none_is_lost(face_data: Path) -> None:
    video = face_data / "camera" / "person-5-turning.mjpeg"
    program = [sys.executable, "-m", "benchmarks.face_queue", "--json"]
    ran = subprocess.run(
        [*program, "--logins", str(LOGINS), "--video", str(video)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    found = json.loads(ran.stdout)

    assert found["lost"] == found["frames_left"] == 0
    assert found["outcomes"] == {"passed": LOGINS}
    memory = found["memory_mb_of_a_process"]
    assert memory["last_quarter"] < memory["second_quarter"] + 50
