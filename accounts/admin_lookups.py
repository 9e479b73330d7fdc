"""What the admin's lists may be filtered by: an address must not ask about any other column."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

if TYPE_CHECKING:
    Rows = admin.ModelAdmin[Any]  # a generic class for the type checker only
else:
    Rows = admin.ModelAdmin


class ListedLookups(Rows):
    """Django allows every column of the row: ``?password__startswith=a`` would answer yes or no."""

    def lookup_allowed(self, lookup: str, _value: object, _request: object = None) -> bool:
        listed = {
            name if isinstance(name, str) else str(name[0])
            for name in self.list_filter
            if isinstance(name, (str, tuple))
        }
        return lookup.split("__", maxsplit=1)[0] in listed
