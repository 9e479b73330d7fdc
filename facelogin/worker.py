"""The face worker as a process: models in memory before the first job, and a broom."""

import importlib
import logging
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.signals import (
    celeryd_after_setup,
    task_failure,
    worker_process_init,
    worker_ready,
    worker_shutdown,
)
from django.conf import settings
from django.db import DatabaseError, connection

from facelogin import network, sandbox
from facelogin.lifecycle import Reason
from facelogin.services import captures, sweeping

QUEUE = "face"
SECONDS_BETWEEN_SWEEPS = 5
MEMORY = 384 * 1024 * 1024  # of a pool's process, beyond its models: a capture takes about 60

logger = logging.getLogger(__name__)
_is_face_worker = threading.Event()
_is_over = threading.Event()


@celeryd_after_setup.connect
def notice_queue(instance: Any, **_options: Any) -> None:
    """Workers of other queues import this too, and need neither models nor broom."""
    if QUEUE in instance.app.amqp.queues.consume_from:
        _is_face_worker.set()


@worker_process_init.connect
def load_models(**_options: Any) -> None:
    """Runs in each new process of the pool, before it is given a job."""
    if _is_face_worker.is_set():
        importlib.import_module("facelogin.services.looking").get_ready()
        importlib.import_module("facelogin.services.judging").get_ready()
        sandbox.leave_no_core()
        sandbox.limit_memory(MEMORY)
        database_host = settings.DATABASES["default"].get("HOST", "")
        network.allow_only(settings.CELERY_BROKER_URL, database_host=database_host)


@task_failure.connect
def refuse_capture(
    sender: Any, args: Sequence[str], exception: BaseException, **_options: Any
) -> None:
    """A job failed, took too long, or took its process with it: the person is told at once."""
    if sender.name != captures.JUDGE:
        return
    took_too_long = isinstance(exception, (SoftTimeLimitExceeded, TimeLimitExceeded))
    captures.fail_capture(UUID(args[0]), Reason.TIME_OUT if took_too_long else Reason.FAILED)


@worker_ready.connect
def start_sweeping(**_options: Any) -> None:
    if _is_face_worker.is_set():
        threading.Thread(target=_sweep_until_over, name="face sweeper", daemon=True).start()


@worker_shutdown.connect
def stop_sweeping(**_options: Any) -> None:
    _is_over.set()


def _sweep_until_over() -> None:
    """Frames are gone after their minute even when nobody starts another capture."""
    while True:
        try:
            sweeping.end_overdue()
        except DatabaseError:
            logger.warning("The database could not be swept; the next try is in a moment.")
        finally:
            connection.close()
        if _is_over.wait(SECONDS_BETWEEN_SWEEPS):
            return
