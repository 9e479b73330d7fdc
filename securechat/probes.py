"""What machines ask of one process, by its address: they know no name that people type."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from securechat import health
from securechat.metrics import metrics

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/health/live": health.live,
    "/health/ready": health.ready,
    "/metrics": metrics,
}


class ProbesMiddleware:
    """Answers before the host name is looked at; nothing in the answers depends on it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return PROBES.get(request.path, self.get_response)(request)
