"""The wrapper of the socket in asgi.py: exact origin, and a device, before a consumer sees it.

A browser comes with its session and its Origin; a script with a single-use ticket and no Origin.
"""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from accounts.models import Person
from accounts.services import logins, sessions, tickets
from accounts.services.callers import BrowserSession, Caller
from messaging.hub import hub_of_this_process
from messaging.services.incarnations import current_incarnation
from securechat_sdk.wire.errors import NotAuthenticated
from securechat_sdk.wire.frames import CloseCode

# Scope, receive, send and application are ASGI's, which has no types: hence Any.


class CallerAuthentication:
    """Lets a socket through with ``scope["caller"]`` and ``["incarnation"]``, or not at all."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        origin = _header(scope, b"origin")
        if origin is not None and origin not in settings.ORIGINS:
            await receive()
            await send({"type": "websocket.close"})  # before it is accepted: HTTP 403
            return
        try:
            hub = hub_of_this_process()
            found = await hub.at_the_door(find_caller_here, scope, from_browser=origin is not None)
        except NotAuthenticated:
            await receive()
            await send({"type": "websocket.accept"})  # else a browser cannot read the code
            await send({"type": "websocket.close", "code": CloseCode.NOT_AUTHENTICATED.value})
            return
        await self.application({**scope, **found}, receive, send)


def find_caller_here(scope: dict[str, Any], *, from_browser: bool) -> dict[str, Any]:
    """Return who opens the socket, and which incarnation of the server it is opened to."""
    caller = find_caller(scope, from_browser=from_browser)
    return {"caller": caller, "incarnation": current_incarnation()}


def find_caller(scope: dict[str, Any], *, from_browser: bool) -> Caller:
    """Return who opens the socket; raises `NotAuthenticated`."""
    if from_browser:
        return _caller_of_session(_header(scope, b"cookie") or "")
    return tickets.redeem_ticket(_ticket(scope.get("query_string", b"").decode("latin-1")))


def _ticket(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=10).get("ticket", [""])[0]
    except ValueError:  # more fields than anybody needs
        raise NotAuthenticated from None


def _caller_of_session(cookies: str) -> Caller:
    request = HttpRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(_cookie(cookies, settings.SESSION_COOKIE_NAME))
    person = get_user(request)
    if not isinstance(person, Person) or not logins.is_satisfied(person, request.session):
        raise NotAuthenticated
    device = sessions.bound_device(person, request.session)
    if device is None:
        raise NotAuthenticated
    return Caller(device=device, token=None, session=BrowserSession.of(request.session))


def _cookie(cookies: str, name: str) -> str | None:
    try:
        morsel = SimpleCookie(cookies).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _header(scope: dict[str, Any], name: bytes) -> str | None:
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None
