"""The face as one of the second factors that accounts offers (settings.SECOND_FACTORS)."""

from typing import ClassVar

from accounts.factors import enrolled_codes
from accounts.models import Person
from facelogin.access import has_template, has_waiting_template


class Face:
    name: ClassVar[str] = "face"

    def is_enrolled(self, person: Person) -> bool:
        return has_template(person)

    def waits_for_codes(self, person: Person) -> bool:
        """Also when an administrator has had the codes forgotten."""
        if has_waiting_template(person):
            return True
        return has_template(person) and not enrolled_codes(person)
