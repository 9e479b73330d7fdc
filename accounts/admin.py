"""Facts for administrators and auditors, never secrets."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.admin_lookups import ListedLookups
from accounts.factors import enrolled_factors
from accounts.models import Device, IdentityChange, Invitation, Person, Role
from accounts.names import normalise_username, username_validator
from accounts.services import devices, invitations, people


class PlainAdmin(ListedLookups):
    """Admin pages that work without jQuery, which Trusted Types refuse to run.

    Nothing is deleted here: what was is needed to prove what was done.
    """

    @property
    def media(self) -> forms.Media:
        return forms.Media(js=["admin/js/core.js", "admin/js/actions.js"])

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Actions change something: administrators only, never auditors."""
        return isinstance(request.user, Person) and request.user.is_administrator


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Person
        fields = ("display_name", "email", "role")


@admin.register(Person)
class PersonAdmin(PlainAdmin):
    form = PersonForm
    list_display = ("username", "display_name", "role", "email", "is_active", "created_at")
    list_filter = ("role", "is_active")
    search_fields = ("username", "display_name", "email")
    readonly_fields = ("username", "is_active", "second_factors", "last_login", "created_at")
    fields = ("username", "display_name", "email", "role", *readonly_fields[1:])
    actions = ("deactivate", "reactivate", "reset_codes")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """People come by invitation."""
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: Person | None = None
    ) -> tuple[str, ...]:
        """Nobody takes the last administrator's role away by taking their own."""
        own = ("role",) if obj is not None and obj.pk == request.user.pk else ()
        return (*self.readonly_fields, *own)

    def save_model(
        self, _request: HttpRequest, obj: Person, form: PersonForm, _change: object
    ) -> None:
        """Write what was changed here; what happened to the row meanwhile stays."""
        obj.save(update_fields=form.changed_data)

    @admin.display(description="second factors")
    def second_factors(self, person: Person) -> str:
        return ", ".join(enrolled_factors(person)) or "none"

    @admin.action(description="Deactivate: end sessions, devices and tokens", permissions=["act"])
    def deactivate(self, request: HttpRequest, chosen: QuerySet[Person]) -> None:
        for person in chosen:
            if person == request.user:
                self.message_user(request, "You cannot deactivate yourself.", messages.WARNING)
                continue
            people.deactivate_person(person=person)
            self.log_change(request, person, "Deactivated.")

    @admin.action(description="Reactivate", permissions=["act"])
    def reactivate(self, request: HttpRequest, chosen: QuerySet[Person]) -> None:
        for person in chosen:
            people.reactivate_person(person=person)
            self.log_change(request, person, "Reactivated.")

    @admin.action(description="Forget one-time and recovery codes", permissions=["act"])
    def reset_codes(self, request: HttpRequest, chosen: QuerySet[Person]) -> None:
        for person in chosen:
            people.reset_codes(person=person)
            self.log_change(request, person, "One-time and recovery codes reset.")


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    expires_in_hours = forms.IntegerField(
        min_value=1, max_value=invitations.MAX_HOURS, initial=invitations.DEFAULT_HOURS
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)

    class Meta:
        model = Invitation
        fields = ("username", "display_name", "email", "role")

    def clean_username(self) -> str:
        username = normalise_username(self.cleaned_data["username"])
        if username:
            username_validator(username)
        if Person.objects.filter(username=username).exists():
            raise forms.ValidationError("Somebody has this user name already.")
        return username


@admin.register(Invitation)
class InvitationAdmin(PlainAdmin):
    form = InvitationForm
    list_display = ("__str__", "display_name", "role", "created_by", "expires_at", "state")
    list_filter = ("role",)
    list_select_related = ("created_by",)
    search_fields = ("username", "display_name", "email")
    actions = ("revoke",)
    fields = (
        "username",
        "display_name",
        "email",
        "role",
        "created_by",
        "created_at",
        "expires_at",
        "used_at",
        "revoked_at",
    )

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        return super().get_fields(request, obj) if obj else (*self.fields[:4], "expires_in_hours")

    @admin.display(description="state")
    def state(self, invitation: Invitation) -> str:
        if invitation.used_at:
            return "accepted"
        if invitation.revoked_at:
            return "revoked"
        return "expired" if invitation.is_expired else "open"

    def save_model(
        self,
        request: HttpRequest,
        obj: Invitation,
        form: "forms.ModelForm[Invitation]",
        change: bool,  # noqa: ARG002, FBT001  # Django's signature
    ) -> None:
        created_by = request.user if isinstance(request.user, Person) else None
        made, link = invitations.invite_person(**form.cleaned_data, created_by=created_by)
        obj.__dict__.update(made.__dict__)
        request.invitation_link = link  # type: ignore[attr-defined]  # for the answer, this once

    def response_add(
        self,
        request: HttpRequest,
        obj: Invitation,
        post_url_continue: str | None = None,  # noqa: ARG002  # Django's signature
    ) -> HttpResponse:
        """Show the link in the answer itself: no cookie, session or message ever holds it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The invitation is ready",
            "opts": self.opts,
            "invitation": obj,
            "link": request.invitation_link,  # type: ignore[attr-defined]
        }
        response = TemplateResponse(request, "accounts/invitation_made.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> None:
        for invitation in chosen:
            invitations.revoke_invitation(invitation=invitation)
            self.log_change(request, invitation, "Revoked.")


@admin.register(Device)
class DeviceAdmin(PlainAdmin):
    list_display = ("name", "person", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("person",)
    search_fields = ("name", "person__username", "person__display_name")
    fields = ("id", "person", "name", "created_at", "revoked_at")
    actions = ("revoke",)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Device]) -> None:
        for device in chosen:
            devices.revoke_device(device=device)
            self.log_change(request, device, "Revoked.")


@admin.register(IdentityChange)
class IdentityChangeAdmin(PlainAdmin):
    """Who began anew, and when: contacts are told by their own devices, administrators here."""

    list_display = ("person", "changed_at")
    list_select_related = ("person",)
    search_fields = ("person__username", "person__display_name")
    fields = ("person", "changed_at")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False
