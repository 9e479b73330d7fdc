"""HTTP in, one service, HTTP out."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts import access
from accounts.api.authentication import TokenAuthentication, device_of, person_of, token_of
from accounts.api.operations import operation, text_parameter
from accounts.api.pagination import CURSOR, CursorPagination
from accounts.api.permissions import (
    ComesFromOurPage,
    IsAdministrator,
    IsDevice,
    IsLoggedIn,
    IsScript,
)
from accounts.api.serializers import WITHOUT_NUL, read_fields
from accounts.api.views import APIView
from accounts.errors import (
    CredentialInvalid,
    DeviceIdTaken,
    DeviceLimit,
    DeviceRevoked,
    IdentityInUse,
    IdentityKeyDiffers,
    InvitationExpired,
    InvitationNotFound,
    InvitationUsed,
    PasswordTooWeak,
    ProofInvalid,
    ReauthenticationRequired,
    TooManyTokens,
    UsernameTaken,
)
from accounts.models import Device, DeviceToken, Invitation, Scope
from accounts.serializers import (
    MAX_SEARCH,
    AcceptanceSerializer,
    BoundDeviceSerializer,
    DeviceNameSerializer,
    DeviceProofSerializer,
    DeviceRegistrationSerializer,
    DeviceSerializer,
    DevicesSerializer,
    InvitationPreviewSerializer,
    InvitationRequestSerializer,
    InvitationSerializer,
    InvitationsSerializer,
    InvitationTokenSerializer,
    NewInvitationSerializer,
    NewTokenSerializer,
    PeopleQuerySerializer,
    PeopleSerializer,
    PersonSerializer,
    SessionSerializer,
    TicketSerializer,
    TokenRequestSerializer,
    TokensSerializer,
)
from accounts.services import devices, invitations, logins, sessions, tickets, tokens
from securechat_sdk.wire.errors import NotFound


def session_response(request: Request | HttpRequest, status_code: int = 200) -> Response:
    """Answer with the session object, after whatever has just changed it."""
    http_request = request._request if isinstance(request, Request) else request  # noqa: SLF001
    standing = sessions.standing_of(http_request)
    return Response(SessionSerializer(standing).data, status=status_code)


# The session ----------------------------------------------------------------------------------


class SessionView(APIView):
    """Where this browser stands."""

    permission_classes = [ComesFromOurPage]

    @operation("get_session", answers={200: SessionSerializer})
    def get(self, request: Request) -> Response:
        """Say where this browser stands.

        Sets the cookie `csrftoken`, which every later call that changes something repeats in the
        header `X-CSRFToken`.
        """
        get_token(request._request)  # noqa: SLF001  # sets the cookie that later calls need
        return session_response(request)


class SessionDeviceView(APIView):
    """The device on which this session sits."""

    def get_permissions(self) -> list[Any]:
        return [IsDevice() if self.request.method == "GET" else IsLoggedIn()]

    @operation("get_session_device", answers={200: BoundDeviceSerializer})
    def get(self, request: Request) -> Response:
        """Show the device on which this session sits, and its unlock share."""
        return _bound(device_of(request))

    @operation(
        "prove_device",
        body=DeviceProofSerializer,
        answers={200: BoundDeviceSerializer},
        refuses=(NotFound, DeviceRevoked, ProofInvalid),
    )
    def post(self, request: Request) -> Response:
        """Prove that this session sits on a device of the caller."""
        fields = read_fields(DeviceProofSerializer, request.data)
        device = devices.prove_device(
            person=person_of(request), challenge=logins.challenge_of(request.session), **fields
        )
        logins.bind_device(request.session, device)
        return _bound(device)


def _bound(device: Device, status_code: int = 200) -> Response:
    share = devices.unlock_share_of(device)
    body = BoundDeviceSerializer({"device": device, "unlock_share": share}).data
    return Response(body, status=status_code)


# Devices --------------------------------------------------------------------------------------


class DevicesView(APIView):
    """The devices of the caller."""

    def get_permissions(self) -> list[Any]:
        return [IsLoggedIn() if self.request.method == "POST" else IsDevice()]

    @operation("list_devices", answers={200: DevicesSerializer})
    def get(self, request: Request) -> Response:
        """List the caller's devices."""
        own = access.devices_for(person_of(request))
        return Response(DevicesSerializer({"results": own}).data)

    @operation(
        "register_device",
        body=DeviceRegistrationSerializer,
        answers={201: BoundDeviceSerializer},
        refuses=(
            CredentialInvalid,
            DeviceIdTaken,
            DeviceLimit,
            DeviceRevoked,
            IdentityInUse,
            IdentityKeyDiffers,
            ProofInvalid,
            ReauthenticationRequired,
        ),
    )
    def post(self, request: Request) -> Response:
        """Register a device for the caller, and bind this session to it.

        The first device of an account sets the account's identity key. When all devices of an
        account have been revoked, its owner may begin anew with another one, soon after typing the
        password.
        """
        fields = read_fields(DeviceRegistrationSerializer, request.data)
        if fields["begins_anew"]:
            logins.require_recent_password(request._request)  # noqa: SLF001  # allauth's kind
        device = devices.register_device(
            person=person_of(request),
            device_id=fields.pop("id"),
            challenge=logins.challenge_of(request.session),
            **fields,
        )
        logins.bind_device(request.session, device)
        return _bound(device, status.HTTP_201_CREATED)


class DeviceView(APIView):
    """One device of the caller."""

    @operation("rename_device", body=DeviceNameSerializer, answers={200: DeviceSerializer})
    def patch(self, request: Request, device_id: UUID) -> Response:
        """Give a device of the caller another name."""
        device = access.device_for(person_of(request), device_id)
        fields = read_fields(DeviceNameSerializer, request.data)
        return Response(DeviceSerializer(devices.rename_device(device=device, **fields)).data)

    @operation("revoke_device", answers={204: None})
    def delete(self, request: Request, device_id: UUID) -> Response:
        """Revoke a device: its sessions, tokens and key packages end at once."""
        devices.revoke_device(device=access.device_for(person_of(request), device_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokensView(APIView):
    """Tokens of one device of the caller; a token cannot make another."""

    @operation("list_tokens", answers={200: TokensSerializer})
    def get(self, request: Request, device_id: UUID) -> Response:
        """List the tokens of a device of the caller; their secrets are not shown again."""
        own = access.tokens_for(person_of(request), device_id)
        return Response(TokensSerializer({"results": own}).data)

    @operation(
        "issue_token",
        body=TokenRequestSerializer,
        answers={201: NewTokenSerializer},
        refuses=(TooManyTokens,),
    )
    def post(self, request: Request, device_id: UUID) -> Response:
        """Make a token for a script on a device of the caller.

        The answer holds the token's secret, and is the only one that ever does.
        """
        device = access.device_for(person_of(request), device_id)
        fields = read_fields(TokenRequestSerializer, request.data)
        token, secret = tokens.issue_token(device=device, **fields)
        return _shown_once(NewTokenSerializer, token, token=secret)


def _shown_once(
    serializer: type[BaseSerializer[Any]], row: DeviceToken | Invitation, **secret: str
) -> Response:
    for name, value in secret.items():
        setattr(row, name, value)
    return Response(serializer(row).data, status=status.HTTP_201_CREATED)


class TokenView(APIView):
    """One token of the caller."""

    @operation("revoke_token", answers={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        """Revoke a token of the caller at once."""
        tokens.revoke_token(token=access.token_for(person_of(request), token_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SocketTicketsView(APIView):
    """A ticket opens one socket, within 30 seconds."""

    # A browser's socket shows its session itself, and so ends with it.
    authentication_classes = (TokenAuthentication,)
    permission_classes = [IsScript]
    required_scopes = {"POST": Scope.MESSAGES_READ}

    @operation("issue_socket_ticket", answers={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        """Make a ticket with which a script opens one socket at `/ws/v1/?ticket=…`.

        It is good for one use, within 30 seconds.
        """
        ticket, expires_at = tickets.issue_ticket(token=token_of(request))
        body = TicketSerializer({"ticket": ticket, "expires_at": expires_at}).data
        return Response(body, status=status.HTTP_201_CREATED)


# Invitations ----------------------------------------------------------------------------------


class NewestInvitationsFirst(CursorPagination):
    ordering = "-created_at"


class InvitationsView(APIView):
    """Invitations, for administrators."""

    permission_classes = [IsAdministrator]

    @operation(
        "list_invitations",
        parameters=[CURSOR],
        answers={200: InvitationsSerializer},
        refuses=(NotFound,),
    )
    def get(self, request: Request) -> Response:
        """List all invitations, the newest first."""
        pages = NewestInvitationsFirst()
        rows = access.invitations_for(person_of(request))
        page = pages.paginate_queryset(rows, request, self)
        shown = InvitationSerializer(page, many=True)  # type: ignore[arg-type]  # many: a list
        return pages.get_paginated_response(shown.data)

    @operation(
        "invite_person",
        body=InvitationRequestSerializer,
        answers={201: NewInvitationSerializer},
        refuses=(UsernameTaken,),
    )
    def post(self, request: Request) -> Response:
        """Invite somebody to become a person here.

        The answer holds the link that makes the account, and is the only one that ever does.
        """
        fields = read_fields(InvitationRequestSerializer, request.data)
        invitation, link = invitations.invite_person(created_by=person_of(request), **fields)
        return _shown_once(NewInvitationSerializer, invitation, link=link)


class InvitationView(APIView):
    """One invitation, for administrators."""

    permission_classes = [IsAdministrator]

    @operation("revoke_invitation", answers={204: None})
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        """Revoke an invitation; one that was used stays as it is."""
        invitation = access.invitation_for(person_of(request), invitation_id)
        invitations.revoke_invitation(invitation=invitation)
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationLookupView(APIView):
    """What an invitation says, for whoever holds its link."""

    permission_classes = [ComesFromOurPage]

    @operation(
        "look_up_invitation",
        body=InvitationTokenSerializer,
        answers={200: InvitationPreviewSerializer},
        refuses=(InvitationNotFound, InvitationExpired, InvitationUsed),
    )
    def post(self, request: Request) -> Response:
        """Show what an invitation says, to whoever holds its link."""
        invitation = invitations.find_invitation(
            read_fields(InvitationTokenSerializer, request.data)["token"]
        )
        body = {
            "username": invitation.username,
            "display_name": invitation.display_name,
            "organisation": settings.CONFIG.organisation,
            "expires_at": invitation.expires_at,
        }
        return Response(InvitationPreviewSerializer(body).data)


class InvitationAcceptanceView(APIView):
    """Makes the invited person and logs them in."""

    permission_classes = [ComesFromOurPage]

    @operation(
        "accept_invitation",
        body=AcceptanceSerializer,
        answers={201: SessionSerializer},
        refuses=(
            InvitationNotFound,
            InvitationExpired,
            InvitationUsed,
            PasswordTooWeak,
            UsernameTaken,
        ),
    )
    def post(self, request: Request) -> Response:
        """Make the invited person, and log them in."""
        fields = read_fields(AcceptanceSerializer, request.data)
        person = invitations.accept_invitation(secret=fields.pop("token"), **fields)
        logins.log_in_after_acceptance(request._request, person)  # noqa: SLF001  # allauth's kind
        return session_response(request, status.HTTP_201_CREATED)


# People ---------------------------------------------------------------------------------------


class PeopleByName(CursorPagination):
    ordering = "username"


SEARCH = text_parameter(
    "search",
    "Words; each has to be in the display name or the user name.",
    maxLength=MAX_SEARCH,
    pattern=WITHOUT_NUL,
)


class PeopleView(APIView):
    """People of the organisation."""

    required_scopes = {"GET": Scope.PEOPLE_READ}

    @operation(
        "list_people",
        parameters=[SEARCH, CURSOR],
        answers={200: PeopleSerializer},
        refuses=(NotFound,),
    )
    def get(self, request: Request) -> Response:
        """List the people of the organisation, by user name."""
        query = read_fields(PeopleQuerySerializer, {"search": request.GET.get("search", "")})
        pages = PeopleByName()
        rows = access.people_for(person_of(request), **query)
        page = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response(PersonSerializer(page, many=True).data)


class PersonView(APIView):
    """One person of the organisation."""

    required_scopes = {"GET": Scope.PEOPLE_READ}

    @operation("get_person", answers={200: PersonSerializer})
    def get(self, request: Request, person_id: UUID) -> Response:
        """Show one person of the organisation."""
        found = access.person_for(person_of(request), person_id)
        return Response(PersonSerializer(found).data)
