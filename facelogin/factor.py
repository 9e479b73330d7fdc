"""The face as one of the second factors that accounts offers (settings.SECOND_FACTORS)."""

from accounts.models import Person
from facelogin.access import has_template


class Face:
    key = "face"

    @staticmethod
    def is_enrolled(person: Person) -> bool:
        return has_template(person)
