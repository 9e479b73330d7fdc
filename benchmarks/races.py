"""Many at once after the same thing: nothing is handed out, committed or accepted twice.

``python -m benchmarks.races --rounds 10000 --json``. In every round 16 threads (64 with
``--clients 64``), each with a connection of its own as another process would have, claim the same
key packages, commit to the same epoch, send under the same id, or send while their device is
revoked. The figures named ``…_double``, ``…_missing`` and ``…_late`` must be 0.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import os
import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from benchmarks.product import product, report

if TYPE_CHECKING:
    from messaging.models import Conversation
    from tests.messaging.people import Member

DEVICES_THAT_COMMIT = 8
ROUNDS_BETWEEN_LINES = 500
MOST_SENT = 10
LOCK_NOT_AVAILABLE = "55P03"
LONGEST_NAP = 0.03
SUITE = 1  # the lighter one: who wins a race does not hang on it
SETTINGS = {
    "SECURECHAT_CIPHER_SUITE": str(SUITE),
    "SECURECHAT_KEY_PACKAGE_CLAIMS_PER_HOUR": "1000000",  # or the last rounds would be refused
}

Act = Callable[[int], Any]


def all_at_once(pool: ThreadPoolExecutor, clients: int, act: Act) -> list[Any]:
    """Let every client act in the same moment; return what each got, None for a refusal."""
    from securechat_sdk.wire.errors import ChatError

    ready = threading.Barrier(clients)

    def one(number: int) -> Any:
        ready.wait(30)
        try:
            return in_its_turn(act, number)
        except ChatError:
            return None

    return list(pool.map(one, range(clients)))


def in_its_turn(act: Act, number: int) -> Any:
    """Try again while SQLite's one writer is another, or a lock of PostgreSQL's is long in coming.

    SQLite's own way of waiting wakes all who came together in the same moments: 64 of them stood
    idle most of the time.
    """
    from django.db import OperationalError

    while True:
        try:
            return act(number)
        except OperationalError as error:
            cause = error.__cause__
            codes = {getattr(cause, "sqlite_errorcode", None), getattr(cause, "sqlstate", None)}
            if codes.isdisjoint({sqlite3.SQLITE_BUSY, LOCK_NOT_AVAILABLE}):
                raise
        time.sleep(random.uniform(0, LONGEST_NAP))


def claims(
    pool: ThreadPoolExecutor, members: Sequence["Member"], *, target: "Member"
) -> Counter[str]:
    """Half as many key packages as there are clients: each goes to one of them."""
    from messaging.services.key_packages import claim_key_packages

    left = len(members) // 2
    target.leaves_key_packages(left)
    target.own.clear()  # nobody joins with them
    got = all_at_once(
        pool,
        len(members),
        lambda n: claim_key_packages(device=members[n].device, person_id=target.person.pk),
    )
    handed_out = [claimed[0].key_package for claimed in got if claimed]
    different = len(set(handed_out))
    return Counter(
        claims=len(handed_out),
        claims_double=len(handed_out) - different,
        claims_missing=left - different,
    )


def commits(
    pool: ThreadPoolExecutor, members: Sequence["Member"], *, group: "Conversation"
) -> Counter[str]:
    """All commit in the same epoch of one group, most devices from many places: one is accepted."""
    from messaging.services.commits import submit_commit
    from tests.messaging.people import submission_of

    devices = members[:DEVICES_THAT_COMMIT]
    made = [device.prepares(group) for device in devices]
    handed_in = [submission_of(group.pk, made[n % len(devices)]) for n in range(len(members))]
    got = all_at_once(
        pool,
        len(members),
        lambda n: submit_commit(caller=members[n % len(devices)].caller, submission=handed_in[n]),
    )
    winners = [n for n, placed in enumerate(got) if placed is not None]
    for n in winners:
        devices[n % len(devices)].keeps(group, made[n % len(devices)], got[n])
    return Counter(
        commits=len(winners),
        commits_double=max(0, len(winners) - 1),
        commits_missing=int(not winners),
    )


def send_alone(sender: "Member", conversation_id: UUID, message_id: UUID, ciphertext: bytes) -> Any:
    """Send past this process's writer, as the writer of another process would."""
    from messaging.services.batches import run_batch
    from messaging.services.messages import message_to_send
    from securechat_sdk.wire.errors import ChatError

    send = message_to_send(
        caller=sender.caller,
        conversation_id=conversation_id,
        message_id=message_id,
        ciphertext=ciphertext,
    )
    (outcome,) = run_batch([send])
    if isinstance(outcome, ChatError):
        raise outcome
    return outcome


def same_id(pool: ThreadPoolExecutor, members: Sequence["Member"]) -> Counter[str]:
    """One device sends one message from many places: it is stored once."""
    from messaging.models import Entry
    from tests.messaging.people import message

    sender = members[0]
    conversation = sender.begins()
    message_id, ciphertext = uuid4(), message(conversation.pk, 0)
    got = all_at_once(
        pool,
        len(members),
        lambda _: send_alone(sender, conversation.pk, message_id, ciphertext),
    )
    stored = Entry.objects.filter(message_id=message_id).count()
    positions = [one.position for one in got if one is not None]
    return Counter(
        sends=len(positions),
        sends_double=max(0, stored - 1, len(set(positions)) - 1),
        sends_missing=len(got) - len(positions),
    )


def revoked(pool: ThreadPoolExecutor, members: Sequence["Member"]) -> Counter[str]:
    """A device sends from many places until it is revoked: nothing is stored after it was."""
    from django.db import transaction

    from accounts.services.devices import revoke_device
    from messaging.models import Entry
    from tests.messaging.people import enrol, message

    sender = enrol("sender", suite=SUITE)
    conversation = sender.begins()
    stored_when_revoked: list[int] = []

    def act(number: int) -> None:
        if number == 0:
            with transaction.atomic():  # counted before anybody can come after it
                revoke_device(device=sender.device)
                count = Entry.objects.filter(sender=sender.device).count()
            stored_when_revoked.append(count)
        else:
            for _ in range(MOST_SENT):  # up to the refusal
                send_alone(sender, conversation.pk, uuid4(), message(conversation.pk, 0))

    all_at_once(pool, len(members), act)
    (before,) = stored_when_revoked
    late = Entry.objects.filter(sender=sender.device).count() - before
    return Counter(revocations=1, sent_before_revocations=before, revocations_late=late)


def _close_connection(_: int) -> None:
    from django.db import connection

    connection.close()


def measure(rounds: int, clients: int) -> dict[str, Any]:
    from django.db import connection

    from tests.messaging.people import enrol

    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = 0  # of every thread: see `in_its_turn`
        connection.close()
    began = time.monotonic()
    target, *members = (enrol("member", suite=SUITE) for _ in range(clients + 1))
    group = members[0].begins()
    members[0].adds(group, *members[1:DEVICES_THAT_COMMIT])
    races = (partial(claims, target=target), partial(commits, group=group), same_id, revoked)
    total: Counter[str] = Counter()
    with ThreadPoolExecutor(clients) as pool:
        for number in range(rounds):
            total.update(races[number % len(races)](pool, members))
            if not (number + 1) % ROUNDS_BETWEEN_LINES:
                print(f"{number + 1} rounds: {dict(total)}", file=sys.stderr)
        list(pool.map(_close_connection, range(clients)))
    connection.close()
    seconds = time.monotonic() - began
    return {"rounds": rounds, "clients": clients, **dict(total), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    os.environ.update(SETTINGS)
    with product(database=options.database, processes=0):
        figures = measure(options.rounds, options.clients)
    report(figures, as_json=options.json)
    wrong = ("_double", "_missing", "_late")
    if any(value for name, value in figures.items() if name.endswith(wrong)):
        sys.exit(1)


if __name__ == "__main__":
    main()
