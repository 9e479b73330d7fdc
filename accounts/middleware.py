"""What is looked at in every request, whatever it asks for."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.api.problems import problem_response
from accounts.services.sessions import is_bound_to_a_revoked_device
from securechat_sdk.wire.errors import InvalidInput


class CleanQueryMiddleware:
    """Refuses a NUL character in a query: PostgreSQL cannot store or compare it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            return problem_response(InvalidInput())
        return self.get_response(request)


class RevokedDeviceMiddleware:
    """Ends a session whose device was revoked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_bound_to_a_revoked_device(
            request.session
        ):
            logout(request)
        return self.get_response(request)


class NoStoreMiddleware:
    """Answers of the API are for who asked, now: no cache keeps them, on disk or on the way."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response
