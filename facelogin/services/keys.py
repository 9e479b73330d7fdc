"""The server's keys around the template keys: made when first needed, and changed by command.

Each is random, sealed under the server's secret, and named by its row. A template key is wrapped
under the password first and under one of these around that, so that the server can change its own
layer without the password, and neither opens anything without the other.
"""

from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.sealing import seal, unseal
from facelogin.models import Attempt, ServerKey, Template
from facelogin.sealing import Key


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
    """Raises ``SealBroken`` when the server's secret is another one: no password helps then."""
    return Key(unseal(bytes(row.sealed), **_place(row)))


def rotate() -> int:
    """Make a new key, move everything to it, and erase the old ones; return how many moved.

    May be broken off and run again. Who logs in or enrols meanwhile is not kept waiting: each row
    says which key it is under, and a key is erased when no row is under it.
    """
    new = make_key()
    templates = Template.objects.filter(server_key__pk__lt=new.pk)
    enrolments = Attempt.objects.filter(server_key__pk__lt=new.pk)
    moved = _move(templates, new) + _move(enrolments, new)
    old = ServerKey.objects.filter(pk__lt=new.pk)
    in_use = [row.server_key for rows in (templates, enrolments) for row in rows.all()]
    old.exclude(pk__in=[key.pk for key in in_use if key]).delete()
    return moved


Row = TypeVar("Row", Template, Attempt)


def _move(behind: QuerySet[Row], new: ServerKey) -> int:
    """Each in its own transaction, so that a login waits for one row at most."""
    moved = 0
    for waiting in list(behind):
        with transaction.atomic():
            row = behind.select_for_update(of=("self",)).filter(pk=waiting.pk).first()
            if row is None or row.server_key is None or row.wrapped_key is None:
                continue  # erased, or enrolled anew, in between
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
