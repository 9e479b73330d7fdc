"""The face as a stage of the login: waits for a capture when there is a template it can open."""

from uuid import UUID

from allauth.account.stages import LoginStage, LoginStageController
from allauth.core.internal.httpkit import headed_redirect_response
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.factors import enrolled_codes
from accounts.models import Person
from facelogin.access import has_template
from facelogin.errors import FaceNotEnrolled
from facelogin.middleware import hand_to_browser
from facelogin.sealing import CannotOpenError
from facelogin.services import attempts, budgets


class FaceStage(LoginStage):  # type: ignore[misc]  # allauth has no types
    key = "face"

    def handle(self) -> tuple[HttpResponseBase | None, bool]:
        person = self.login.user
        if not isinstance(person, Person) or not has_template(person):
            return None, True
        if not self._begin(person) and enrolled_codes(person):
            return None, True
        # Without an alternative it stays, shut: a face that cannot be used must not become no
        # second factor at all.
        return headed_redirect_response("account_login"), True

    def _begin(self, person: Person) -> bool:
        """Whether a capture can follow; the browser then holds what opens the template."""
        password = getattr(self.request, "verified_password", None)
        if not settings.CONFIG.face_enabled or budgets.is_exhausted(person) or not password:
            return False
        try:
            attempt, secret = attempts.begin_verification(person, password)
        except (CannotOpenError, FaceNotEnrolled):
            return False  # the password was reset: the face is enrolled again, after another login
        self.state["attempt"] = str(attempt.pk)
        hand_to_browser(self.request, secret)
        return True

    @property
    def attempt_id(self) -> UUID | None:
        value = self.state.get("attempt")
        return UUID(value) if value else None


def pending_face(request: HttpRequest) -> FaceStage | None:
    """The stage this browser's login waits in, if that is the face."""
    stage = LoginStageController.enter(request, FaceStage.key)
    return stage if isinstance(stage, FaceStage) else None
