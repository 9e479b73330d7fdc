"""``manage.py worker``: does what is due by the timetable, and keeps the timetable."""

from argparse import ArgumentParser
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand

OPTIONS = (
    "--queues",
    settings.CELERY_TASK_DEFAULT_QUEUE,
    "--pool",
    "prefork",  # a job that takes too long can be stopped
    "--concurrency",
    "1",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
)


class Command(BaseCommand):
    help = (
        "Delete what is expired and orphaned, by the timetable, until it is stopped. One is "
        "enough for all hosts; a second one does no harm: each job may run twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-timetable", action="store_true", help="do jobs that another worker has called for"
        )

    def handle(self, *_args: Any, no_timetable: bool, **_options: Any) -> None:
        beat = ["--beat", "--schedule", str(settings.DATA / "timetable")]
        current_app.worker_main(
            argv=[
                "--quiet",
                "worker",
                *OPTIONS,
                "--loglevel",
                settings.CONFIG.log_level,
                *([] if no_timetable else beat),
            ]
        )
