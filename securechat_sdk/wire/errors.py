"""Every refusal has a stable code, the same over HTTP and over the socket.

ChatError
├── InvalidInput          400   the request itself is wrong; repeating it will not help
├── NotAuthenticated      401   log in, or send a token, first
├── Forbidden             403   you are known, and this is not for you
├── NotFound              404   it is not there, or not for you: the two look the same
├── Conflict              409   right in itself, but not in the present state; look and try again
├── Gone                  410   it was there once
├── TooLarge              413   more bytes than accepted
├── Unprocessable         422   well formed, but it does not verify
├── TooManyRequests       429   later
└── Unavailable           503   a part of the server is not there; later

Each app's ``errors.py`` derives its own refusals from these and gives each a code.
"""

from typing import ClassVar


class ChatError(Exception):
    """A refusal: a stable ``code`` for programs, a sentence for people, facts for both."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str | None = None, **facts: str | int | None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts


class InvalidInput(ChatError):
    status = 400
    code = "invalid_input"
    title = "The request is not valid."


class NotAuthenticated(ChatError):
    status = 401
    code = "not_authenticated"
    title = "Log in first."


class Forbidden(ChatError):
    status = 403
    code = "forbidden"
    title = "This is not allowed for you."


class NotFound(ChatError):
    status = 404
    code = "not_found"
    title = "There is no such thing, or it is not for you."


class Conflict(ChatError):
    status = 409
    code = "conflict"
    title = "This does not fit the present state."


class Gone(ChatError):
    status = 410
    code = "gone"
    title = "This is no longer there."


class TooLarge(ChatError):
    status = 413
    code = "too_large"
    title = "This is larger than accepted."


class Unprocessable(ChatError):
    status = 422
    code = "unprocessable"
    title = "This does not verify."


class TooManyRequests(ChatError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests; try again later."


class Unavailable(ChatError):
    status = 503
    code = "unavailable"
    title = "This part of the server is not available now; try again later."
