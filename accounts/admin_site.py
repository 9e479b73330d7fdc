"""The admin pages, behind the same second factor as everything else."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Person
from accounts.services import logins

# Applications whose own admin pages show what nobody needs to see here, such as sealed secrets.
HIDDEN_APPLICATIONS = {"auth", "account", "mfa"}


class SecureChatAdminSite(AdminSite):
    site_header = site_title = "SecureChat administration"
    index_title = "People, invitations and devices"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        person = request.user
        return (
            isinstance(person, Person)
            and person.is_staff
            and logins.is_satisfied(person, request.session)
        )

    def login(
        self, request: HttpRequest, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one way to log in, and it is not here."""
        index = reverse("admin:index")
        wanted = request.GET.get("next", index)
        safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        target = wanted if safe and wanted.startswith(index) else index
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if isinstance(request.user, Person) and not request.user.is_staff:
            raise PermissionDenied
        return HttpResponseRedirect(f"/?{urlencode({'next': target})}")

    def password_change(  # type: ignore[override]  # the stubs promise a page
        self, _request: HttpRequest, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The chat's own page changes it, and seals anew what is sealed under it."""
        return HttpResponseRedirect("/")

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,
    ) -> None:
        models = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        )
        shown = [model for model in models if model._meta.app_label not in HIDDEN_APPLICATIONS]  # noqa: SLF001  # Django's public name for it
        super().register(shown, admin_class, **options)
