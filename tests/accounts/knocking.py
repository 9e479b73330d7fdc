"""A second factor that plugs in, as the face does: a secret knock."""

from typing import ClassVar

from allauth.account.stages import LoginStage, LoginStageController
from allauth.core.internal.httpkit import headed_redirect_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.models import Person
from accounts.services import logins

KNOWN_KNOCKERS: set[str] = set()


class Knock:
    name: ClassVar[str] = "knock"

    def is_enrolled(self, person: Person) -> bool:
        return person.username in KNOWN_KNOCKERS

    def waits_for_codes(self, _person: Person) -> bool:
        return False


class KnockStage(LoginStage):  # type: ignore[misc]  # allauth has no types
    key = "knock"

    def handle(self) -> tuple[HttpResponseBase | None, bool]:
        self.request.password_seen_by_a_stage = self.request.verified_password
        if not Knock().is_enrolled(self.login.user):
            return None, True
        return headed_redirect_response("account_login"), True


def knock(request: HttpRequest) -> HttpResponse:
    """Passes the stage, or with `?decline` leaves it for the next one."""
    stage = LoginStageController.enter(request, KnockStage.key)
    if "decline" not in request.GET:
        logins.record_second_factor(request, stage.login, "knock")
    stage.exit()
    return HttpResponse()
