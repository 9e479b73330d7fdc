"""Passwords are hashed with Argon2id, at most one at a time in a process.

Each takes tens of MiB for a tenth of a second. Strangers may ask for as many as they like at once:
without turns, thirty logins at the same moment take Django's 100 MiB thirty times.
"""

from threading import Lock

from django.contrib.auth.hashers import Argon2PasswordHasher

_turn = Lock()


class OneAtATimeArgon2PasswordHasher(Argon2PasswordHasher):
    """The memory OWASP asks for with one lane, and three times its passes."""

    time_cost = 3
    memory_cost = 46 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _turn:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turn:
            return super().verify(password, encoded)
