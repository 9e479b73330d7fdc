"""Who calls: a browser by its session, a script by the token of its device."""

from typing import Any, cast

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.errors import CsrfFailed
from accounts.models import Device, DeviceToken, Person
from accounts.services import tokens
from accounts.services.callers import BrowserSession, Caller
from securechat_sdk.wire.errors import NotAuthenticated


def person_of(request: Request) -> Person:
    """Who calls; only behind a permission that asks for somebody."""
    return cast("Person", request.user)


def device_of(request: Request) -> Device:
    """Which device calls; only behind ``IsDevice``."""
    return cast("Device", request.device)  # type: ignore[attr-defined]  # set by IsDevice


def token_of(request: Request) -> DeviceToken:
    """Which token a script shows; only behind ``IsScript``."""
    return cast("DeviceToken", request.auth)


def caller_of(request: Request) -> Caller:
    """The device that calls, and what it shows; only behind ``IsDevice``."""
    if isinstance(request.auth, DeviceToken):
        return Caller(device=device_of(request), token=request.auth)
    session = BrowserSession.of(request.session)
    return Caller(device=device_of(request), token=None, session=session)


class TokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer sct_…``: ``request.auth`` is the token, ``user`` its person."""

    def authenticate(self, request: Request) -> tuple[Person, DeviceToken] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None  # an empty header is not none: whoever sends one means to be a script
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated("Only the scheme Bearer is accepted.")
        token = tokens.find_token(secret.strip())
        return token.device.person, token

    def authenticate_header(self, _request: Request) -> str:
        return "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie, with Django's CSRF check for everything that changes something."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = getattr(request._request, "user", None)  # noqa: SLF001  # REST framework's own way
        if user is None or not user.is_active:
            return None
        self.enforce_csrf(request)
        return user, None

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise CsrfFailed from error

    def authenticate_header(self, _request: Request) -> str:
        return "Bearer"
