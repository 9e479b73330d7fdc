"""Argon2 as the product uses it, at a thousandth of its cost: for tests of other matters."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class CheapArgon2PasswordHasher(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 8  # KiB for each lane, the least there is
    parallelism = 1
