"""Who may call a view. A view names one of these and repeats nothing of it."""

from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.api.authentication import SessionAuthentication, person_of
from accounts.errors import CsrfFailed, DeviceRequired, ScopeMissing, SecondFactorRequired
from accounts.models import Device, DeviceToken
from accounts.services import logins, sessions
from securechat_sdk.wire.errors import ChatError, Forbidden, NotAuthenticated

if TYPE_CHECKING:  # REST framework's views import this module through the settings
    from rest_framework.views import APIView


Refusals = tuple[type[ChatError], ...]


class Permission(BasePermission):
    """What the schema says of a permission: whom it lets in, and how it refuses the others."""

    who: ClassVar[str]
    needs_session: ClassVar[bool] = False
    refusals: ClassVar[Refusals] = ()

    @classmethod
    def refused_for(cls, method: str) -> Refusals:
        return cls.refusals if method in SAFE_METHODS else (*cls.refusals, CsrfFailed)


class ComesFromOurPage(Permission):
    """Anybody, with Django's CSRF check although nobody may be logged in: a session begins here."""

    who = "a page of this server, whoever looks at it"

    def has_permission(self, request: Request, _view: "APIView") -> bool:
        SessionAuthentication().enforce_csrf(request)
        return True


class IsLoggedIn(Permission):
    """A session that passed its second factor, or a token that has the view's scope.

    A view says which scope a token needs: ``required_scopes = {"GET": "messages:read"}``. For a
    method that is not named there, no token is enough.
    """

    who = "a session that passed its second factor"
    needs_session = True
    refusals: ClassVar[Refusals] = (SecondFactorRequired, ScopeMissing)

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            raise NotAuthenticated
        if isinstance(request.auth, DeviceToken):
            _check_scope(request.auth, request, view)
        elif not logins.is_satisfied(person_of(request), request.session):
            raise SecondFactorRequired
        return True


class IsDevice(IsLoggedIn):
    """Additionally, an active device: sets ``request.device``."""

    who = "a session on a registered device"
    refusals = (*IsLoggedIn.refusals, DeviceRequired)

    def has_permission(self, request: Request, view: "APIView") -> bool:
        super().has_permission(request, view)
        device = _device(request)
        if device is None:
            raise DeviceRequired
        request.device = device  # type: ignore[attr-defined]  # read with device_of()
        return True


class IsScript(Permission):
    """A token that has the view's scope; a session is not enough."""

    who = "a script"
    refusals = (ScopeMissing,)

    @classmethod
    def refused_for(cls, _method: str) -> Refusals:
        return cls.refusals  # without a cookie there is nothing to forge

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, DeviceToken):
            raise NotAuthenticated("This needs a token; a browser opens its socket by its session.")
        _check_scope(request.auth, request, view)
        return True


class IsAdministrator(IsLoggedIn):
    """Additionally, the role; the role is never enough without the second factor."""

    who = "an administrator's session that passed its second factor"
    refusals = (*IsLoggedIn.refusals, Forbidden)

    def has_permission(self, request: Request, view: "APIView") -> bool:
        super().has_permission(request, view)
        if not person_of(request).is_administrator:
            raise Forbidden
        return True


def _device(request: Request) -> Device | None:
    if isinstance(request.auth, DeviceToken):
        return request.auth.device
    return sessions.bound_device(person_of(request), request.session)


def _check_scope(token: DeviceToken, request: Request, view: "APIView") -> None:
    scopes: dict[str, Any] = getattr(view, "required_scopes", {})
    method = "GET" if request.method == "HEAD" else request.method
    scope = scopes.get(method or "")
    if scope is None or not token.allows(scope):
        raise ScopeMissing(scope=scope)
