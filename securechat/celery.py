"""The Celery application: JSON only, named tasks, no result back end."""

import os

from celery import Celery

from securechat import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "securechat.settings")

app = Celery("securechat")
__all__ = ["app", "broker"]  # importing the broker makes its scheme known
app.set_default()  # for every thread, not only for the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
