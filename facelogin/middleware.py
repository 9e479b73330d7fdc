"""Hands the secret of a login to the browser in a cookie that only the face's routes receive."""

import base64
import binascii
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from facelogin.sealing import KEY_BYTES

COOKIE = "face_secret"
COOKIE_PATH = "/api/v1/face"
COOKIE_SECONDS = 15 * 60
_ATTRIBUTE = "_face_secret"


class CaptureSecretMiddleware:
    """Puts the secret that a service handed over into the response, and takes a spent one back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        secret: bytes | None = getattr(request, _ATTRIBUTE, None)
        if secret is None:
            return response
        if not secret:
            response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Strict")
            return response
        response.set_cookie(
            COOKIE,
            base64.urlsafe_b64encode(secret).decode(),
            max_age=COOKIE_SECONDS,
            path=COOKIE_PATH,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Strict",
        )
        return response


def hand_to_browser(request: HttpRequest, secret: bytes) -> None:
    setattr(request, _ATTRIBUTE, secret)


def take_from_browser(request: HttpRequest) -> None:
    """Let the browser forget the secret; it opens nothing any more."""
    setattr(request, _ATTRIBUTE, b"")


def secret_of(request: HttpRequest) -> bytes | None:
    """The secret this browser holds, if it sent one of the right form."""
    try:
        secret = base64.urlsafe_b64decode(request.COOKIES.get(COOKIE, ""))
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) == KEY_BYTES else None
