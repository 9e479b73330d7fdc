"""What the server does by itself, at its time."""

from celery import shared_task
from django.utils import timezone

from securechat.expiry import sweep


@shared_task(
    name="securechat.sweep",
    ignore_result=True,
    soft_time_limit=600,  # what is left is found again the next time
    time_limit=630,
)
def sweep_by_the_timetable() -> None:
    sweep(now=timezone.now())
