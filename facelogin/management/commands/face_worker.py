"""Runs the face worker with the options it was measured with."""

import os
from argparse import ArgumentParser
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand

from facelogin.worker import QUEUE

OPTIONS = (
    "--queues",
    QUEUE,
    # Processes, not threads: one can be stopped when it takes too long, and a picture that
    # kills the decoder kills nothing else.
    "--pool",
    "prefork",
    "--optimization",
    "fair",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
)


class Command(BaseCommand):
    help = "Judges faces: one job at a time in each process, until it is stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--processes",
            type=int,
            default=1,
            help="jobs at the same time (1); each takes one core and about 250 MB",
        )

    def get_check_kwargs(self, _options: dict[str, Any]) -> Any:  # the stubs know fewer
        """A wrong secret key is noticed before a face is judged."""
        return {"databases": ["default"]}

    def handle(self, *_arguments: Any, **options: Any) -> None:
        os.environ.setdefault("DEEPFACE_HOME", str(settings.DATA / "models"))
        level = settings.CONFIG.log_level
        concurrency = ["--concurrency", str(options["processes"]), "--loglevel", level]
        current_app.worker_main(argv=["--quiet", "worker", *OPTIONS, *concurrency])
