"""The login stage of one-time codes."""

from allauth.account.models import Login
from allauth.core.internal.httpkit import headed_redirect_response
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpResponseBase

from accounts.factors import enrolled_codes
from accounts.services import logins


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]  # allauth has no types
    """Asks for a one-time or recovery code, unless an earlier stage of this login was enough.

    It has the key and the address of allauth's own stage, ``mfa_authenticate``.
    """

    login: Login

    def handle(self) -> tuple[HttpResponseBase | None, bool]:
        person = self.login.user
        if person is None or logins.was_passed_in(self.login) or not enrolled_codes(person):
            return None, True
        self.state["authentication_required"] = True
        return headed_redirect_response("mfa_authenticate"), True

    def exit(self) -> HttpResponseBase:
        """A code was right."""
        logins.record_second_factor(self.request, self.login, "code")
        answer: HttpResponseBase = super().exit()
        return answer
