"""Many at once after the same thing: nothing is handed out, committed or accepted twice.

``python -m benchmarks.races --rounds 10000 --json``. In every round 16 threads (64 with
``--clients 64``), each with a connection of its own as another process would have, claim the same
key packages, commit to the same epoch, send under the same id, and send while their device is
revoked. The figures named ``…_double`` and ``…_late`` must be 0.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import sys
import threading
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

Act = Callable[[int], Any]


def all_at_once(pool: ThreadPoolExecutor, clients: int, act: Act) -> list[Any]:
    """Let every client act in the same moment; return what each got, None for a refusal."""
    from securechat_sdk.wire.errors import ChatError

    ready = threading.Barrier(clients)

    def one(number: int) -> Any:
        ready.wait(30)
        try:
            return act(number)
        except ChatError:
            return None

    return list(pool.map(one, range(clients)))


def claims(pool: ThreadPoolExecutor, members: Sequence["Member"]) -> Counter[str]:
    """Half as many key packages as there are clients: each goes to one of them."""
    from messaging.services.key_packages import claim_key_packages
    from tests.messaging.people import enrol

    target = enrol("target")
    target.leaves_key_packages(len(members) // 2)
    got = all_at_once(
        pool,
        len(members),
        lambda n: claim_key_packages(device=members[n].device, person_id=target.person.pk),
    )
    handed_out = [claimed[0].key_package for claimed in got if claimed]
    return Counter(claims=len(handed_out), claims_double=len(handed_out) - len(set(handed_out)))


def commits(
    pool: ThreadPoolExecutor, members: Sequence["Member"], *, group: "Conversation"
) -> Counter[str]:
    """All commit in the same epoch of one group, most devices more than once: one is accepted."""
    from messaging.services.commits import submit_commit
    from tests.messaging.people import submission_of

    devices = members[:DEVICES_THAT_COMMIT]
    senders = [devices[n % len(devices)] for n in range(len(members))]
    made = [sender.prepares(group) for sender in senders]
    handed_in = [submission_of(group.pk, pending) for pending in made]
    got = all_at_once(
        pool,
        len(members),
        lambda n: submit_commit(caller=senders[n].caller, submission=handed_in[n]),
    )
    winners = [n for n, placed in enumerate(got) if placed is not None]
    for n in winners:
        senders[n].keeps(group, made[n], got[n])
    return Counter(commits=len(winners), commits_double=len(winners) - 1)


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
    answered = {one.position for one in got if one is not None}
    return Counter(sends=len(got), sends_double=stored - 1 + len(answered) - 1)


def revoked(pool: ThreadPoolExecutor, members: Sequence["Member"]) -> Counter[str]:
    """Messages of a device that is revoked meanwhile: none is stored after it was."""
    from accounts.services.devices import revoke_device
    from messaging.models import Entry
    from tests.messaging.people import enrol, message

    sender = enrol("sender")
    conversation = sender.begins()
    stored_when_revoked: list[int] = []

    def act(number: int) -> None:
        if number == 0:
            revoke_device(device=sender.device)
            stored_when_revoked.append(Entry.objects.filter(sender=sender.device).count())
        else:
            send_alone(sender, conversation.pk, uuid4(), message(conversation.pk, 0))

    all_at_once(pool, len(members), act)
    late = Entry.objects.filter(sender=sender.device).count() - stored_when_revoked[0]
    return Counter(revocations=1, revocations_late=late)


def _close_connection(_: int) -> None:
    from django.db import connection

    connection.close()


def measure(rounds: int, clients: int) -> dict[str, Any]:
    from django.db import connection

    from tests.messaging.people import enrol

    members = [enrol("member") for _ in range(clients)]
    total: Counter[str] = Counter()
    group = members[0].begins()
    members[0].adds(group, *members[1:DEVICES_THAT_COMMIT])
    with ThreadPoolExecutor(clients) as pool:
        races = (claims, partial(commits, group=group), same_id, revoked)
        for number in range(rounds):
            total.update(races[number % len(races)](pool, members))
        list(pool.map(_close_connection, range(clients)))
    connection.close()
    return {"rounds": rounds, "clients": clients, **dict(total)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    with product(database=options.database, processes=0):
        figures = measure(options.rounds, options.clients)
    report(figures, as_json=options.json)
    if any(value for name, value in figures.items() if name.endswith(("_double", "_late"))):
        sys.exit(1)


if __name__ == "__main__":
    main()
