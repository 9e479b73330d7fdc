"""A program beside the server: people who write without pause, and what they were promised.

Prints ``position ciphertext-digest`` for each message, once it is accepted.
"""

import hashlib
import os
import sys

import django

django.setup()

from tests.messaging.people import enrol, message  # noqa: E402 - models are not ready before


def main(most: int) -> None:
    alice = enrol(f"alice-{os.getpid()}")
    conversation = alice.begins()
    for _ in range(most):
        ciphertext = message(conversation.pk, 0)
        placed = alice.says(conversation, ciphertext, epoch=0)
        print(placed.position, hashlib.sha256(ciphertext).hexdigest(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
