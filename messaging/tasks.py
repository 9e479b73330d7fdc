"""What messaging does by itself, at its time."""

from celery import shared_task

from messaging.services.attachments import remove_orphans


@shared_task(
    name="messaging.remove_orphaned_attachments",
    ignore_result=True,
    soft_time_limit=600,  # what is left is found again the next time
    time_limit=630,
)
def remove_orphaned_attachments() -> None:
    remove_orphans()
