"""Addresses: the first list stands below /api/v1/, the second below /_allauth/."""

from typing import Any

from allauth.headless.constants import Client
from django.urls import include, path

from accounts import login_views, views

api_urlpatterns = [
    path("session", views.SessionView.as_view(), name="session"),
    path("session/device", views.SessionDeviceView.as_view(), name="session-device"),
    path("devices", views.DevicesView.as_view(), name="devices"),
    path("devices/<uuid:device_id>", views.DeviceView.as_view(), name="device"),
    path("devices/<uuid:device_id>/tokens", views.TokensView.as_view(), name="device-tokens"),
    path("tokens/<uuid:token_id>", views.TokenView.as_view(), name="token"),
    path("socket-tickets", views.SocketTicketsView.as_view(), name="socket-tickets"),
    path("invitations", views.InvitationsView.as_view(), name="invitations"),
    path("invitations/lookup", views.InvitationLookupView.as_view(), name="invitation-lookup"),
    path(
        "invitations/acceptance",
        views.InvitationAcceptanceView.as_view(),
        name="invitation-acceptance",
    ),
    path("invitations/<uuid:invitation_id>", views.InvitationView.as_view(), name="invitation"),
    path("people", views.PeopleView.as_view(), name="people"),
    path("people/<uuid:person_id>", views.PersonView.as_view(), name="person"),
]

_LOGIN_VIEWS: dict[str, Any] = {  # allauth has no types
    "auth/login": login_views.LoginView,
    "auth/session": login_views.SessionView,
    "auth/2fa/authenticate": login_views.CodeView,
    "auth/reauthenticate": login_views.ReauthenticateView,
    "account/authenticators/totp": login_views.TimeBasedCodeView,
    "account/authenticators/recovery-codes": login_views.RecoveryCodesView,
    "account/password/change": login_views.ChangePasswordView,
}

authentication_urlpatterns = [
    path(
        "browser/v1/",
        include(
            [
                path(address, view.as_api_view(client=Client.BROWSER))
                for address, view in _LOGIN_VIEWS.items()
            ]
        ),
    )
]
