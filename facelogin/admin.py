"""Who has a face enrolled, and since when: never a picture, never a number of it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.admin_lookups import ListedLookups
from accounts.models import Person
from facelogin.models import Consent, Event, Judgement, Template
from facelogin.services import load, templates


class ReadOnly(ListedLookups):
    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        return False


@admin.register(Template)
class TemplateAdmin(ReadOnly):
    list_display = ("person", "created_at", "model", "version")
    fields = ("person", "created_at", "model", "version")
    search_fields = ("person__username", "person__display_name")
    actions = ("erase",)

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """An auditor looks; an administrator erases."""
        return isinstance(request.user, Person) and request.user.is_administrator

    @admin.action(description="Erase the face of the selected people", permissions=["erase"])
    def erase(self, request: HttpRequest, selected: QuerySet[Template]) -> None:
        """They enrol again, or use their other second factor."""
        for template in selected.select_related("person"):
            self.log_deletions(request, Template.objects.filter(pk=template.pk))
            templates.erase_face(template.person, Event.Kind.ERASED)
        self.message_user(request, "Erased.", messages.SUCCESS)


@admin.register(Consent)
class ConsentAdmin(ReadOnly):
    list_display = ("person", "version", "given_at", "withdrawn_at")
    fields = ("person", "version", "given_at", "withdrawn_at")
    search_fields = ("person__username", "person__display_name")


@admin.register(Event)
class EventAdmin(ReadOnly):
    """What happened to faces, newest first."""

    list_display = ("at", "person", "kind")
    list_filter = ("kind",)
    fields = ("at", "person", "kind")
    search_fields = ("person__username", "person__display_name")


@admin.register(Judgement)
class JudgementAdmin(ReadOnly):
    """How the workers keep up: the queue now, and the waits of the last day."""

    list_display = ("decided_at", "seconds")
    fields = ("queued_at", "decided_at")
    ordering = ("-decided_at",)
    change_list_template = "admin/facelogin/judgements.html"

    @admin.display(description="seconds from the queue to the verdict")
    def seconds(self, judgement: Judgement) -> str:
        return f"{(judgement.decided_at - judgement.queued_at).total_seconds():.1f}"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"load": load.current_load(), "title": "Queue of the face workers"}
        return super().changelist_view(request, {**shown, **(extra_context or {})})
