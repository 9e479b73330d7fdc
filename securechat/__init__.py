"""The project: settings, addresses, start-up checks."""

from securechat.celery import app as celery_app

__all__ = ["celery_app"]
