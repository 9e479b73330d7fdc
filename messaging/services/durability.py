"""Acknowledged means durable: a commit that PostgreSQL warns of counts as none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from securechat_sdk.wire.errors import Unavailable

WARNING = "01000"
UNKNOWN = "The database did not answer in time: send it again, it will not be stored twice."


class NotDurable(Unavailable):
    """The database committed, and warned that it may not keep what it committed."""


@contextmanager
def durable_transaction() -> Iterator[None]:
    """Raise `NotDurable` when PostgreSQL gave up waiting for a replica; that is only a warning.

    Whoever repeats what was answered so has to lock a row in another such transaction: then this
    one waits for the replica as well, and with it for what was committed before.
    """
    warnings: list[str] = []

    def note(diagnostic: Any) -> None:  # psycopg's Diagnostic, which SQLite knows nothing of
        if diagnostic.sqlstate == WARNING:
            warnings.append(diagnostic.sqlstate)

    connection.ensure_connection()
    raw: Any = connection.connection if connection.vendor == "postgresql" else None
    if raw is not None:
        raw.add_notice_handler(note)
    try:
        with transaction.atomic():
            yield
    finally:
        if raw is not None:
            raw.remove_notice_handler(note)
    if warnings:
        raise NotDurable(UNKNOWN)
