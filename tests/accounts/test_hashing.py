"""A flood of logins does not cost the memory of a flood."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOOD = """
import resource, threading
from django.conf import settings
settings.configure()
from accounts.hashing import OneAtATimeArgon2PasswordHasher

def used() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

hasher = OneAtATimeArgon2PasswordHasher()
encoded = hasher.encode("a long walk by the river", "a salt of some length")
before = used()
threads = [threading.Thread(target=hasher.verify, args=("wrong", encoded)) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert hasher.verify("a long walk by the river", encoded)
print(used() - before)
"""


def test_twelve_passwords_at_once_take_the_memory_of_one() -> None:
    said = subprocess.run(
        [sys.executable, "-c", FLOOD], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert int(said.stdout) < 46  # MiB beyond the first one's
