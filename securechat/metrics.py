"""``/metrics``: what Prometheus reads, for whoever has the token, or sits on this machine."""

from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_VIA")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the counters of this process; to others it does not exist."""
    if not _may_read(request):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token = settings.CONFIG.metrics_token
    if token is not None:
        wanted = f"Bearer {token.get_secret_value()}"
        return constant_time_compare(request.headers.get("Authorization", ""), wanted)
    return not settings.PRODUCTION and _comes_from_this_machine(request)


def _comes_from_this_machine(request: HttpRequest) -> bool:
    """Not through a proxy on this machine, which makes everybody look like it."""
    if any(name in request.META for name in FORWARDED):
        return False
    address = request.META.get("REMOTE_ADDR") or ""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
