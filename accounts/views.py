"""HTTP in, one service, HTTP out."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts import access
from accounts.api.authentication import device_of, person_of
from accounts.api.pagination import CursorPagination
from accounts.api.permissions import ComesFromOurPage, IsAdministrator, IsDevice, IsLoggedIn
from accounts.models import Device, DeviceToken, Invitation, Person, Scope
from accounts.serializers import (
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
    InvitationTokenSerializer,
    NewInvitationSerializer,
    NewTokenSerializer,
    PeopleQuerySerializer,
    PersonSerializer,
    SessionSerializer,
    TicketSerializer,
    TokenRequestSerializer,
    TokensSerializer,
)
from accounts.services import devices, invitations, logins, sessions, tickets, tokens


def session_response(request: Request | HttpRequest, status_code: int = 200) -> Response:
    """Answer with the session object, after whatever has just changed it."""
    http_request = request._request if isinstance(request, Request) else request  # noqa: SLF001
    standing = sessions.standing_of(http_request)
    return Response(SessionSerializer(standing).data, status=status_code)


def _read(serializer: type[BaseSerializer[Any]], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    fields: dict[str, Any] = checked.validated_data
    return fields


# The session ----------------------------------------------------------------------------------


class SessionView(APIView):
    """Where this browser stands."""

    permission_classes = [ComesFromOurPage]

    # auth: anyone may ask; the stubs want names, but OpenAPI says "nobody" with an empty object
    @extend_schema(responses=SessionSerializer, auth=[{}])  # type: ignore[list-item]
    def get(self, request: Request) -> Response:
        get_token(request._request)  # noqa: SLF001  # sets the cookie that later calls need
        return session_response(request)


class SessionDeviceView(APIView):
    """The device on which this session sits."""

    def get_permissions(self) -> list[Any]:
        return [IsDevice() if self.request.method == "GET" else IsLoggedIn()]

    @extend_schema(responses=BoundDeviceSerializer)
    def get(self, request: Request) -> Response:
        return _bound(device_of(request))

    @extend_schema(request=DeviceProofSerializer, responses=BoundDeviceSerializer)
    def post(self, request: Request) -> Response:
        fields = _read(DeviceProofSerializer, request.data)
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

    @extend_schema(responses=DevicesSerializer)
    def get(self, request: Request) -> Response:
        own = access.devices_for(person_of(request))
        return Response(DevicesSerializer({"results": own}).data)

    @extend_schema(request=DeviceRegistrationSerializer, responses={201: BoundDeviceSerializer})
    def post(self, request: Request) -> Response:
        fields = _read(DeviceRegistrationSerializer, request.data)
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

    @extend_schema(request=DeviceNameSerializer, responses=DeviceSerializer)
    def patch(self, request: Request, device_id: UUID) -> Response:
        device = access.device_for(person_of(request), device_id)
        fields = _read(DeviceNameSerializer, request.data)
        return Response(DeviceSerializer(devices.rename_device(device=device, **fields)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, device_id: UUID) -> Response:
        devices.revoke_device(device=access.device_for(person_of(request), device_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokensView(APIView):
    """Tokens of one device of the caller; a token cannot make another."""

    @extend_schema(responses=TokensSerializer)
    def get(self, request: Request, device_id: UUID) -> Response:
        own = access.tokens_for(person_of(request), device_id)
        return Response(TokensSerializer({"results": own}).data)

    @extend_schema(request=TokenRequestSerializer, responses={201: NewTokenSerializer})
    def post(self, request: Request, device_id: UUID) -> Response:
        device = access.device_for(person_of(request), device_id)
        fields = _read(TokenRequestSerializer, request.data)
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

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        tokens.revoke_token(token=access.token_for(person_of(request), token_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SocketTicketsView(APIView):
    """A ticket opens one socket, within 30 seconds."""

    required_scopes = {"POST": Scope.MESSAGES_READ}

    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        token = request.auth if isinstance(request.auth, DeviceToken) else None
        ticket, expires_at = tickets.issue_ticket(device=device_of(request), token=token)
        body = TicketSerializer({"ticket": ticket, "expires_at": expires_at}).data
        return Response(body, status=status.HTTP_201_CREATED)


# Invitations ----------------------------------------------------------------------------------


class NewestInvitationsFirst(CursorPagination):
    ordering = "-created_at"


class InvitationsView(ListAPIView[Invitation]):
    """Invitations, for administrators."""

    permission_classes = [IsAdministrator]
    pagination_class = NewestInvitationsFirst
    serializer_class = InvitationSerializer

    def get_queryset(self) -> Any:
        return access.invitations_for(person_of(self.request))

    @extend_schema(request=InvitationRequestSerializer, responses={201: NewInvitationSerializer})
    def post(self, request: Request) -> Response:
        fields = _read(InvitationRequestSerializer, request.data)
        invitation, link = invitations.invite_person(created_by=person_of(request), **fields)
        return _shown_once(NewInvitationSerializer, invitation, link=link)


class InvitationView(APIView):
    """One invitation, for administrators."""

    permission_classes = [IsAdministrator]

    @extend_schema(responses={204: None})
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        invitation = access.invitation_for(person_of(request), invitation_id)
        invitations.revoke_invitation(invitation=invitation)
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationLookupView(APIView):
    """What an invitation says, for whoever holds its link."""

    permission_classes = [ComesFromOurPage]

    @extend_schema(request=InvitationTokenSerializer, responses=InvitationPreviewSerializer)
    def post(self, request: Request) -> Response:
        invitation = invitations.find_invitation(
            _read(InvitationTokenSerializer, request.data)["token"]
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

    @extend_schema(request=AcceptanceSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        fields = _read(AcceptanceSerializer, request.data)
        person = invitations.accept_invitation(secret=fields.pop("token"), **fields)
        logins.log_in_after_acceptance(request._request, person)  # noqa: SLF001  # allauth's kind
        return session_response(request, status.HTTP_201_CREATED)


# People ---------------------------------------------------------------------------------------


class PeopleByName(CursorPagination):
    ordering = "username"


class PeopleView(ListAPIView[Person]):
    """People of the organisation whose display or user name holds each word of ``search``."""

    required_scopes = {"GET": Scope.PEOPLE_READ}
    pagination_class = PeopleByName
    serializer_class = PersonSerializer

    def get_queryset(self) -> Any:
        query = _read(PeopleQuerySerializer, {"search": self.request.GET.get("search", "")})
        return access.people_for(person_of(self.request), **query)

    @extend_schema(parameters=[OpenApiParameter("search", str)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class PersonView(APIView):
    """One person of the organisation."""

    required_scopes = {"GET": Scope.PEOPLE_READ}

    @extend_schema(responses=PersonSerializer)
    def get(self, request: Request, person_id: UUID) -> Response:
        found = access.person_for(person_of(request), person_id)
        return Response(PersonSerializer(found).data)
