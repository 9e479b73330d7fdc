"""User names: one spelling of each, whatever was typed."""

import unicodedata

from django.core.validators import RegexValidator

MAX_USERNAME = 64

# ASCII only: two names that look alike must not be two people.
username_validator = RegexValidator(
    r"\A[a-z0-9][a-z0-9._-]{1,63}\Z",
    "Use 2 to 64 letters (a to z), digits, dots, hyphens or underscores; begin with a letter "
    "or a digit.",
)


def normalise_username(typed: str) -> str:
    """Fold full-width letters, capitals and surrounding space, so that `Alice` is `alice`."""
    return unicodedata.normalize("NFKC", typed).strip().casefold()
