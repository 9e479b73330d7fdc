"""Facts for operators: how much there is and how it stands, never a ciphertext. Read-only."""

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from accounts.admin_lookups import ListedLookups
from messaging.models import Attachment, Conversation, FailureReport, KeyPackage


class FactsAdmin(ListedLookups):
    """Rows to look at; nobody adds, changes or deletes them here."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Conversation)
class ConversationAdmin(FactsAdmin):
    list_display = ("id", "kind", "device_count", "last_position", "epoch", "created_at")
    list_filter = ("kind",)
    search_fields = ("id",)
    ordering = ("-created_at",)
    fields = (
        "id",
        "kind",
        "cipher_suite",
        "epoch",
        "last_position",
        "device_count",
        "created_at",
        "active_at",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        present = Q(memberships__left_position=None)
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.annotate(devices=Count("memberships", filter=present))

    @admin.display(description="devices")
    def device_count(self, conversation: Conversation) -> int:
        return int(getattr(conversation, "devices", 0))


@admin.register(KeyPackage)
class KeyPackageAdmin(FactsAdmin):
    list_display = ("device", "person", "is_last_resort", "cipher_suite", "not_after")
    list_filter = ("is_last_resort",)
    list_select_related = ("device__person",)
    fields = ("device", "cipher_suite", "is_last_resort", "not_after", "created_at")
    readonly_fields = fields

    @admin.display(ordering="device__person")
    def person(self, key_package: KeyPackage) -> str:
        return str(key_package.device.person)


@admin.register(FailureReport)
class FailureReportAdmin(FactsAdmin):
    """Whose change another device could not apply: often the same sender's is worth a question."""

    list_display = ("created_at", "conversation", "position", "changed_by", "reported_by", "code")
    list_select_related = ("entry__sender__person", "device__person")
    list_filter = ("code",)
    search_fields = ("conversation__id",)
    ordering = ("-created_at",)
    fields = list_display
    readonly_fields = fields

    @admin.display(ordering="entry__position")
    def position(self, report: FailureReport) -> int:
        return report.entry.position

    @admin.display(ordering="entry__sender__person")
    def changed_by(self, report: FailureReport) -> str:
        return str(report.entry.sender and report.entry.sender.person)

    @admin.display(ordering="device__person")
    def reported_by(self, report: FailureReport) -> str:
        return str(report.device.person)


@admin.register(Attachment)
class AttachmentAdmin(FactsAdmin):
    """Whose files take the room; what they are called and hold, nobody here can know."""

    list_display = ("id", "person", "size", "received", "active_at")
    list_select_related = ("uploader__person",)
    search_fields = ("uploader__person__username",)
    ordering = ("-active_at",)
    fields = ("id", "uploader", "size", "received", "created_at", "active_at")
    readonly_fields = fields

    @admin.display(ordering="uploader__person")
    def person(self, attachment: Attachment) -> str:
        return str(attachment.uploader.person)
