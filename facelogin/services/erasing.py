"""What was erased leaves the files of the database too, as far as the database lets us.

SQLite overwrites erased rows (``secure_delete``), but its write-ahead log keeps their last copy
until it is emptied. PostgreSQL leaves erased rows in place and the copies in its own log: here the
tables are written anew without them. Its log is the operator's: docs/face-data.md.

Whoever reads or writes at that very moment is not kept waiting: the next erasing does it then.
"""

import logging
from functools import partial

from django.db import DatabaseError, connection, models, transaction
from django.db.models import QuerySet

from facelogin.access import hold_attempts
from facelogin.models import Attempt, Capture, Frames, Preview, Recording, Template

PATIENCE = 200  # milliseconds
OF_A_FACE = (Template, Attempt, Capture, Recording)
OF_A_CAPTURE = (Frames, Preview)

logger = logging.getLogger(__name__)


def clear_files_of_faces_on_commit() -> None:
    """Call it in the transaction that erases a face."""
    if connection.vendor == "sqlite":
        transaction.on_commit(_empty_the_log)
    else:
        for model in OF_A_FACE:
            transaction.on_commit(partial(_write_anew, model))
        clear_files_of_captures_on_commit()


def clear_files_of_captures_on_commit() -> None:
    """Call it in the transaction that erases the frames of a capture."""
    if connection.vendor == "sqlite":
        transaction.on_commit(_empty_the_log)
    else:
        for model in OF_A_CAPTURE:
            transaction.on_commit(partial(_cut_to_nothing, model))


@transaction.atomic
def erase_attempts(attempts: QuerySet[Attempt]) -> None:
    """Erase them with their captures, and a frame that is being offered at the moment, too."""
    hold_attempts(attempts)
    attempts.delete()


def _empty_the_log() -> None:
    """SQLite: the log is written to the file and cut to nothing."""
    usual = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute(f"PRAGMA busy_timeout={usual}")


def _write_anew(model: type[models.Model]) -> None:
    """PostgreSQL: the rows that are left go to a new file, and the old one is cut to nothing.

    A plain ``VACUUM`` would only say that the place of the erased rows may be used again.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout={PATIENCE}")
        try:
            cursor.execute(f"VACUUM (FULL) {_name(model)}")
        except DatabaseError:
            logger.warning(
                "A table of faces was in use and is written anew after the next erasing."
            )
        finally:
            cursor.execute("RESET lock_timeout")


def _cut_to_nothing(model: type[Frames] | type[Preview]) -> None:
    """PostgreSQL: when nobody's frames wait, the table's file is replaced by an empty one."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if model.objects.exists():
                return
            cursor.execute(f"SET LOCAL lock_timeout={PATIENCE}")
            cursor.execute(f"LOCK TABLE {_name(model)} IN ACCESS EXCLUSIVE MODE")
            if not model.objects.exists():  # now nobody can add to it
                cursor.execute(f"TRUNCATE {_name(model)}")
    except DatabaseError:
        logger.warning("A table of frames was in use and is emptied after the next verdict.")


def _name(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 (documented by Django)
