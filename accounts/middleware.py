"""A session whose device was revoked ends with its next request, whatever it asks for."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.services.sessions import is_bound_to_a_revoked_device


class RevokedDeviceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_bound_to_a_revoked_device(
            request.session
        ):
            logout(request)
        return self.get_response(request)
