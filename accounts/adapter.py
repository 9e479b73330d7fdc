"""How django-allauth behaves here."""

from base64 import b64decode, b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.base.response import UnauthorizedResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from accounts.factors import enrolled_factors
from accounts.metrics import count_login
from accounts.models import Person
from accounts.names import normalise_username
from accounts.sealing import seal, unseal
from accounts.services import guesses, logins

_SEAL = {"table": "mfa_authenticator", "row": "", "column": "data"}


class VerifiedPassword(str):
    """A password that was right a moment ago; it does not print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "VerifiedPassword(…)"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def get_login_stages(self) -> list[str]:
        return list(settings.LOGIN_STAGES)

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """People come by invitation."""
        return False

    @sensitive_variables()
    def authenticate(self, request: HttpRequest, **credentials: Any) -> Person | None:
        """Check the password, and keep it on the request for the stages of this very request.

        A stage may need it to open what is sealed under it. It is an attribute of the request in
        memory, and goes nowhere else.
        """
        if "username" in credentials:
            credentials["username"] = normalise_username(credentials["username"])
        username = str(credentials.get("username", ""))
        if not guesses.may_try_password(username=username):
            count_login("password_too_often")
            raise self.validation_error("too_many_login_attempts")
        person = super().authenticate(request, **credentials)
        if not isinstance(person, Person) or not person.is_active:
            count_login("password_wrong")
            return None
        count_login("password_right")
        guesses.renew_password_budget(username=username)
        request.verified_password = VerifiedPassword(credentials["password"])  # type: ignore[attr-defined]
        return person

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **options: Any
    ) -> HttpResponse | None:
        logins.remember_standing(_person(user), request.session)
        response: HttpResponse | None = super().pre_login(request, user, **options)
        return response

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """All stages are passed; the account must still be what it was before them."""
        person = _person(user)
        if not logins.is_still_valid(person, request.session):
            clear_login(request)
            raise ImmediateHttpResponse(UnauthorizedResponse(request))
        super().login(request, person)
        logins.begin_session(person, request.session)
        count_login("logged_in")

    def is_reauthentication_required(self, **_options: Any) -> bool:
        """Not for the first factor, and not right after the password was typed."""
        return bool(enrolled_factors(self.request.user)) and not logins.has_recent_password(
            self.request
        )

    def add_message(self, *_arguments: Any, **_options: Any) -> None:
        """Success is silent; allauth's sentences for its own pages go nowhere."""


def _person(user: AbstractBaseUser) -> Person:
    if not isinstance(user, Person):
        raise PermissionDenied
    return user


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets of one-time and recovery codes are sealed in the database."""

    def encrypt(self, text: str) -> str:
        return b64encode(seal(text.encode(), **_SEAL)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(b64decode(encrypted_text), **_SEAL).decode()
