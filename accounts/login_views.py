"""django-allauth's headless views as this server offers them: fewer, stricter, guarded.

Their answers and errors are allauth's. What we add: bodies are checked before allauth reads them,
and second factors change only in sessions that may change them.
"""

from typing import Any, cast

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.headless.account import views as account_views
from allauth.headless.account.inputs import ChangePasswordInput
from allauth.headless.base.response import (
    ConflictResponse,
    ForbiddenResponse,
    ReauthenticationResponse,
    UnauthorizedResponse,
)
from allauth.headless.internal.restkit.inputs import Input
from allauth.headless.internal.restkit.response import APIResponse
from allauth.headless.mfa import views as mfa_views
from allauth.headless.mfa.inputs import AuthenticateInput
from allauth.headless.mfa.response import AuthenticatorDeletedResponse
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts import events
from accounts.api.parsers import parse_json
from accounts.errors import (
    CodeSpent,
    ReauthenticationRequired,
    SealBroken,
    SecondFactorRequired,
    TooManyGuesses,
)
from accounts.factors import (
    RecoveryCode,
    TimeBasedCode,
    enrolled_codes,
    enrolled_factors,
    waits_for_codes,
)
from accounts.metrics import count_login
from accounts.models import Device, Person
from accounts.services import guesses, logins
from accounts.services.devices import hold_devices
from securechat_sdk.wire.errors import ChatError, InvalidInput, NotAuthenticated, TooLarge

MAX_BODY_BYTES = 16 * 1024


class StrictBody:
    """Refuses a body that is not a flat JSON object of texts, before allauth sees it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _check_body(request.body)
            return _answer(super().dispatch(request, *args, **kwargs))  # type: ignore[misc]
        except RequestDataTooBig:
            return _refusal(request, TooLarge())
        except (InvalidInput, SealBroken, TooLarge) as error:
            return _refusal(request, error)


def _check_body(body: bytes) -> None:
    if not body:
        return
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge
    fields = parse_json(body)
    if not isinstance(fields, dict) or not all(isinstance(text, str) for text in fields.values()):
        raise InvalidInput("An object of texts is expected here.")


def _refusal(request: HttpRequest, error: ChatError) -> HttpResponseBase:
    errors = [{"code": error.code, "message": error.detail}]
    return _answer(APIResponse(request, status=error.status, errors=errors))


class SatisfiedSession(StrictBody):
    """For sessions that passed what the account asks for; anonymous ones get allauth's 401."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = request.user
        if isinstance(person, Person) and not logins.is_satisfied(person, request.session):
            return _answer(ForbiddenResponse(request))
        return super().dispatch(request, *args, **kwargs)


class FactorChange(StrictBody):
    """For whoever may change the second factors of their account."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return self._guarded(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def _guarded(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            logins.require_factor_change(request)
            return super().dispatch(request, *args, **kwargs)
        except SecondFactorRequired:
            return _answer(ForbiddenResponse(request))
        except ReauthenticationRequired:
            return _answer(ReauthenticationResponse(request))
        except NotAuthenticated:
            return _answer(UnauthorizedResponse(request))


def _answer(response: HttpResponseBase) -> HttpResponseBase:
    """Give an answer of allauth's, which has no types, the type it has."""
    return response


class LoginView(StrictBody, account_views.LoginView):  # type: ignore[misc]  # no types
    """The password; the stages follow."""


class SessionView(StrictBody, account_views.SessionView):  # type: ignore[misc]  # no types
    """Who is logged in; DELETE logs out."""


class ReauthenticateView(SatisfiedSession, account_views.ReauthenticateView):  # type: ignore[misc]
    """The password once more."""


class BudgetedPasswordInput(ChangePasswordInput):  # type: ignore[misc]  # no types
    """The present password, of which only so many may be tried, here and at the login together."""

    def clean_current_password(self) -> str:
        if not guesses.may_try_password(username=self.user.username):
            too_many: Exception = get_account_adapter().validation_error("too_many_login_attempts")
            raise too_many
        current: str = super().clean_current_password()
        guesses.renew_password_budget(username=self.user.username)
        return current


class ChangePasswordView(SatisfiedSession, account_views.ChangePasswordView):  # type: ignore[misc]
    """Changes the password, and with it whatever is sealed under it, or nothing."""

    input_class = BudgetedPasswordInput

    @transaction.atomic
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        hold_devices(Device.objects.filter(person=cast("Person", request.user)))
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        events.password_changed.send(
            sender=None,
            person=request.user,
            old_password=self.input.cleaned_data["current_password"],
            new_password=self.input.cleaned_data["new_password"],
        )
        return answer


class BudgetedCodeInput(AuthenticateInput):  # type: ignore[misc]  # no types
    """A code, of which only so many may be tried."""

    def clean_code(self) -> str:
        try:
            guesses.spend_guess(person=self.user)
        except TooManyGuesses as error:
            count_login("code_too_often")
            too_many: Exception = get_account_adapter().validation_error("too_many_login_attempts")
            raise too_many from error
        code = self._right_code()
        try:
            guesses.spend_code(person=self.user, code=normalize_user_code(code))
        except CodeSpent as error:
            spent: Exception = get_mfa_adapter().validation_error("incorrect_code")
            raise spent from error
        guesses.renew_budget(person=self.user)
        return code

    def _right_code(self) -> str:
        try:
            code: str = super().clean_code()
        except ValidationError:
            count_login("code_wrong")
            raise
        count_login("code_right")
        return code


class CodeView(StrictBody, mfa_views.AuthenticateView):  # type: ignore[misc]  # no types
    """Answers the stage ``mfa_authenticate``."""

    input_class = BudgetedCodeInput


class TimeBasedCodeView(FactorChange, mfa_views.ManageTOTPView):  # type: ignore[misc]  # no types
    """Enrols and removes one-time codes."""

    @transaction.atomic
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = logins.lock_for_factor_change(request)
        if TimeBasedCode().is_enrolled(person):
            return _answer(ConflictResponse(request))
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        code = normalize_user_code(self.input.cleaned_data["code"])
        guesses.spend_code(person=person, code=code)
        logins.record_enrolment(request, TimeBasedCode.name)
        events.code_enrolled.send(sender=None, request=request, person=person)
        return answer

    @transaction.atomic
    def delete(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Unlike allauth's, this keeps the recovery codes while another factor needs them."""
        person = logins.lock_for_factor_change(request)
        codes = set(enrolled_codes(person))
        if set(enrolled_factors(person)) - codes and codes == {TimeBasedCode.name}:
            return _answer(ConflictResponse(request))  # the other factor needs a code beside it
        Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).delete()
        logins.remove_stranded_recovery_codes(person)
        return _answer(AuthenticatorDeletedResponse(request))


class NothingInput(Input):  # type: ignore[misc]  # no types
    """No field."""

    def __init__(self, *args: Any, user: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Allow recovery codes beside any other factor; allauth knows only its own."""
        others = set(enrolled_factors(self.user)) - {RecoveryCode.name}
        if not others and not waits_for_codes(self.user):
            refusal: Exception = get_mfa_adapter().validation_error(
                "cannot_generate_recovery_codes"
            )
            raise refusal
        return {}


class RecoveryCodesView(FactorChange, mfa_views.ManageRecoveryCodesView):  # type: ignore[misc]
    """Shows recovery codes and makes them anew."""

    input_class = NothingInput

    @transaction.atomic
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = logins.lock_for_factor_change(request)
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        logins.record_enrolment(request, RecoveryCode.name)
        events.code_enrolled.send(sender=None, request=request, person=person)
        return answer
