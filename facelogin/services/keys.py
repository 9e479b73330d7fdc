"""The server's keys around the template keys: made when first needed, and changed by command.

Each is random, sealed under the server's secret, and named by its row. A template key is wrapped
under the password first and under one of these around that, so that the server can change its own
layer without the password, and neither opens anything without the other.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from accounts.sealing import seal, unseal
from facelogin.models import Attempt, ServerKey, Template
from facelogin.sealing import Key

BATCH = 100


def current_key() -> ServerKey:
    """The newest one; every new template takes it."""
    return ServerKey.objects.order_by("pk").last() or make_key()


@transaction.atomic
def make_key() -> ServerKey:
    row = ServerKey.objects.create(sealed=b"")
    row.sealed = seal(Key.random().secret, **_place(row))
    row.save(update_fields=["sealed"])
    return row


def opened(row: ServerKey) -> Key:
    return Key(unseal(bytes(row.sealed), **_place(row)))


def rotate() -> int:
    """Make a new key, move everything to it, and erase the old ones; return how many moved.

    May be broken off and run again. Who logs in or enrols meanwhile is not kept waiting: each row
    says which key it is under, and a key is erased when no row is under it.
    """
    new = make_key()
    moved = _move(Template, new) + _move(Attempt, new)
    erase_unused(older_than=new)
    return moved


def erase_unused(*, older_than: ServerKey) -> None:
    used = {
        pk
        for rows in (Template, Attempt)
        for pk in rows.objects.values_list("server_key", flat=True)  # type: ignore[attr-defined]
    }
    ServerKey.objects.filter(pk__lt=older_than.pk).exclude(pk__in=used - {None}).delete()


def _move(rows: type[Template] | type[Attempt], new: ServerKey) -> int:
    moved = 0
    behind = rows.objects.filter(server_key__pk__lt=new.pk)  # type: ignore[misc]  # both have it
    while batch := list(behind.values_list("pk", flat=True)[:BATCH]):
        moved += _move_batch(rows, new, batch)
    return moved


@transaction.atomic
def _move_batch(
    rows: type[Template] | type[Attempt], new: ServerKey, batch: Sequence[object]
) -> int:
    locked = rows.objects.select_for_update(of=("self",)).select_related("server_key")  # type: ignore[misc]  # both have it
    moved = 0
    for row in locked.filter(pk__in=batch, server_key__pk__lt=new.pk):
        about = about_wrapped(row.person_id)
        inner = opened(row.server_key).open(bytes(row.wrapped_key), about=about)
        row.server_key, row.wrapped_key = new, opened(new).seal(inner, about=about)
        row.save(update_fields=["server_key", "wrapped_key"])
        moved += 1
    return moved


def about_wrapped(person_id: UUID) -> bytes:
    """What the server's layer around a template key is bound to."""
    return f"facelogin wrapped key {person_id}".encode()


def _place(row: ServerKey) -> dict[str, str]:
    return {"table": "facelogin_serverkey", "row": str(row.pk), "column": "sealed"}
