"""The job of the face worker. The libraries it needs are imported by that worker only."""

import importlib
from uuid import UUID

from celery import shared_task

from facelogin import worker
from facelogin.services import captures

__all__ = ["judge_capture", "worker"]  # the worker's signals are heard once this is imported


@shared_task(
    name=captures.JUDGE,
    acks_late=True,
    reject_on_worker_lost=False,  # what has killed a worker is not handed to the next one
    ignore_result=True,
    soft_time_limit=20,
    time_limit=30,
)
def judge_capture(capture_id: str) -> None:
    # Processes without the face's libraries import this module too, to know the task's name.
    judging = importlib.import_module("facelogin.services.judging")
    judging.judge_capture(UUID(capture_id))
