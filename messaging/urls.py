"""Addresses below /api/v1/."""

from django.urls import path

from messaging import attachment_views, views

api_urlpatterns = [
    path("messaging/settings", views.SettingsView.as_view(), name="messaging-settings"),
    path("key-packages", views.KeyPackagesView.as_view(), name="key-packages"),
    path("key-packages/claims", views.ClaimsView.as_view(), name="key-package-claims"),
    path("conversations", views.ConversationsView.as_view(), name="conversations"),
    path(
        "conversations/<uuid:conversation_id>",
        views.ConversationView.as_view(),
        name="conversation",
    ),
    path(
        "conversations/<uuid:conversation_id>/entries", views.EntriesView.as_view(), name="entries"
    ),
    path(
        "conversations/<uuid:conversation_id>/messages",
        views.MessagesView.as_view(),
        name="messages",
    ),
    path(
        "conversations/<uuid:conversation_id>/commits", views.CommitsView.as_view(), name="commits"
    ),
    path(
        "conversations/<uuid:conversation_id>/proposals",
        views.ProposalsView.as_view(),
        name="proposals",
    ),
    path("conversations/<uuid:conversation_id>/tree", views.TreeView.as_view(), name="tree"),
    path(
        "conversations/<uuid:conversation_id>/failure-reports",
        views.FailureReportsView.as_view(),
        name="failure-reports",
    ),
    path("conversations/<uuid:conversation_id>/group", views.GroupView.as_view(), name="group"),
    path(
        "conversations/<uuid:conversation_id>/delivery",
        views.DeliveryView.as_view(),
        name="delivery",
    ),
    path(
        "conversations/<uuid:conversation_id>/attachments",
        attachment_views.ConversationAttachmentsView.as_view(),
        name="conversation-attachments",
    ),
    path("attachments", attachment_views.AllowanceView.as_view(), name="attachments"),
    path(
        "attachments/<uuid:attachment_id>",
        attachment_views.AttachmentView.as_view(),
        name="attachment",
    ),
    path(
        "attachments/<uuid:attachment_id>/content",
        attachment_views.ContentView.as_view(),
        name="attachment-content",
    ),
    path("welcomes", views.WelcomesView.as_view(), name="welcomes"),
    path("welcomes/<uuid:welcome_id>", views.WelcomeView.as_view(), name="welcome"),
]
