"""What was erased leaves the files of the database too, as far as the database lets us.

SQLite overwrites erased rows (``secure_delete``), but its write-ahead log keeps their last copy
until it is emptied. PostgreSQL keeps both until they are reused: docs/face-data.md.
"""

from django.db import connection, transaction

PATIENCE = 200  # milliseconds


def empty_the_log_on_commit() -> None:
    """SQLite: once the erasing is committed, its log is written to the file and cut to nothing.

    While somebody reads at that very moment, the log is left for the next time.
    """
    if connection.vendor == "sqlite":
        transaction.on_commit(_empty_the_log)


def _empty_the_log() -> None:
    usual = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute(f"PRAGMA busy_timeout={usual}")
