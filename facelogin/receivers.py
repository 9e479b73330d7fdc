"""What the face does when something happens in accounts, which does not know of it."""

from typing import Any

from allauth.account.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.events import password_changed
from accounts.models import Person
from accounts.services.logins import PASSED_KEY
from facelogin.services import budgets, templates
from facelogin.stages import FaceStage


@receiver(password_changed)
def wrap_template_anew(
    person: Person, old_password: str, new_password: str, **_options: Any
) -> None:
    """Runs inside the transaction that changes the password."""
    templates.rewrap(person, old_password, new_password)


@receiver(user_logged_in)
def forgive_failures(request: HttpRequest, user: Person, **_options: Any) -> None:
    """Whoever has logged in with another second factor has shown who they are."""
    passed = request.session.get(PASSED_KEY)
    if isinstance(passed, dict) and passed.get("factor") != FaceStage.key:
        budgets.forgive(user)
