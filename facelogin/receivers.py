"""What the face does when something happens in accounts, which does not know of it."""

from typing import Any

from allauth.account.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.events import code_enrolled, password_changed
from accounts.models import Person
from accounts.services.logins import PASSED_KEY
from facelogin.services import budgets, passages, templates
from facelogin.stages import FaceStage


@receiver(password_changed)
def wrap_template_anew(
    person: Person, old_password: str, new_password: str, **_options: Any
) -> None:
    """Runs inside the transaction that changes the password."""
    templates.rewrap(person, old_password, new_password)


@receiver(code_enrolled)
def let_face_count(request: HttpRequest, person: Person, **_options: Any) -> None:
    passages.let_face_count(request, person)


@receiver(user_logged_in)
def begin_anew(request: HttpRequest, user: Person, **_options: Any) -> None:
    """Whoever has logged in with another second factor has shown who they are."""
    templates.forget_waiting(user)
    passed = request.session.get(PASSED_KEY)
    if isinstance(passed, dict) and passed.get("factor") != FaceStage.key:
        budgets.forgive(user)
