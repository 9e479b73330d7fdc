"""The job of the face worker. The libraries it needs are imported by that worker only."""

import importlib
from uuid import UUID

from celery import shared_task

from facelogin import worker
from facelogin.services import captures, previews

__all__ = [
    "judge_capture",
    "look_at_preview",
    "worker",
]  # the worker's signals are heard once this is imported


@shared_task(
    name=captures.JUDGE,
    acks_late=True,
    reject_on_worker_lost=False,  # what has killed a worker is not handed to the next one
    ignore_result=True,
    soft_time_limit=15,
    time_limit=17,
)
def judge_capture(capture_id: str, salt: str) -> None:
    # Processes without the face's libraries import this module too, to know the task's name.
    judging = importlib.import_module("facelogin.services.judging")
    judging.judge_capture(UUID(capture_id), bytes.fromhex(salt))


@shared_task(
    name=previews.LOOK,
    acks_late=False,  # whoever waited for it has gone on
    ignore_result=True,
    soft_time_limit=3,
    time_limit=5,
)
def look_at_preview(preview_id: str, salt: str) -> None:
    looking = importlib.import_module("facelogin.services.looking")
    looking.look_at_preview(UUID(preview_id), bytes.fromhex(salt))
