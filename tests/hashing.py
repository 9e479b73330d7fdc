"""Argon2 as the product uses it, at a thousandth of its cost: for tests of other matters."""

from accounts.hashing import OneAtATimeArgon2PasswordHasher


class CheapArgon2PasswordHasher(OneAtATimeArgon2PasswordHasher):
    time_cost = 1
    memory_cost = 8  # KiB, the least there is
