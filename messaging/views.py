"""HTTP in, one service, HTTP out."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api.authentication import device_of
from accounts.api.pagination import CursorPagination
from accounts.models import Scope
from messaging import access
from messaging.documentation import answers, answers_to_body
from messaging.models import Conversation
from messaging.news import bounded
from messaging.serializers import (
    ClaimSerializer,
    ClaimsSerializer,
    CommitSerializer,
    ConversationSerializer,
    ConversationsSerializer,
    DeliverySerializer,
    EntriesQuerySerializer,
    EntriesSerializer,
    KeyPackagesSerializer,
    MessageSerializer,
    NewConversationSerializer,
    PositionSerializer,
    StockSerializer,
    WelcomesSerializer,
)
from messaging.services.commits import submit_commit
from messaging.services.conversations import NewConversation, create_conversation
from messaging.services.deliveries import mark_delivered
from messaging.services.key_packages import claim_key_packages, stock_of, upload_key_packages
from messaging.services.log import Placed
from messaging.services.messages import send_message
from messaging.services.welcomes import forget_welcome

READ = Scope.MESSAGES_READ
WRITE = Scope.MESSAGES_WRITE
CURSOR = OpenApiParameter("cursor", str, description="From `next` or `previous` of another page.")


class KeyPackagesView(APIView):
    """The key packages that this device has left here."""

    required_scopes = {"GET": Scope.KEYS_WRITE, "POST": Scope.KEYS_WRITE}

    @extend_schema(responses=answers({200: StockSerializer}))
    def get(self, request: Request) -> Response:
        return Response(StockSerializer(stock_of(device_of(request))).data)

    @extend_schema(
        request=KeyPackagesSerializer, responses=answers_to_body({201: StockSerializer}, 409, 422)
    )
    def post(self, request: Request) -> Response:
        packages = _read(KeyPackagesSerializer, request.data)
        stock = upload_key_packages(device=device_of(request), **packages)
        return Response(StockSerializer(stock).data, status=201)


class ClaimsView(APIView):
    """Key packages of another person, each handed out once."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        request=ClaimSerializer, responses=answers_to_body({201: ClaimsSerializer}, 404, 409, 429)
    )
    def post(self, request: Request) -> Response:
        wanted = _read(ClaimSerializer, request.data)
        claimed = claim_key_packages(device=device_of(request), **wanted)
        return Response(ClaimsSerializer({**wanted, "key_packages": claimed}).data, status=201)


class ConversationsPagination(CursorPagination):
    ordering = ("-active_at", "pk")


class ConversationsView(APIView):
    """The conversations in which this device is a member, newest activity first."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="conversations_list",
        parameters=[CURSOR],
        responses=answers({200: ConversationsSerializer}, 400),
    )
    def get(self, request: Request) -> Response:
        device = device_of(request)
        pages = ConversationsPagination()
        page = pages.paginate_queryset(access.conversations_of(device), request, self)
        shown = ConversationSerializer(page, many=True, context={"device": device})
        return pages.get_paginated_response(shown.data)

    @extend_schema(
        request=NewConversationSerializer,
        responses=answers_to_body(
            {200: ConversationSerializer, 201: ConversationSerializer}, 404, 409, 422
        ),
    )
    def post(self, request: Request) -> Response:
        device = device_of(request)
        wanted = NewConversation(**_read(NewConversationSerializer, request.data))
        created = create_conversation(device=device, wanted=wanted)
        body = _conversation(access.conversation_in_full(device, wanted.id), request)
        return Response(body, status=201 if created.is_new else 200)


class ConversationView(APIView):
    """One conversation of this device."""

    required_scopes = {"GET": READ}

    @extend_schema(responses=answers({200: ConversationSerializer}, 404))
    def get(self, request: Request, conversation_id: UUID) -> Response:
        conversation = access.conversation_in_full(device_of(request), conversation_id)
        return Response(_conversation(conversation, request))


class EntriesView(APIView):
    """The log after a position; an answer may hold fewer entries than asked for."""

    required_scopes = {"GET": READ}

    @extend_schema(
        parameters=[EntriesQuerySerializer], responses=answers({200: EntriesSerializer}, 400, 404)
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        query = _read(EntriesQuerySerializer, request.query_params.dict())
        membership = access.membership_for(device_of(request), conversation_id)
        following = access.entries_for(membership).filter(position__gt=query["after"])
        body = {
            "entries": bounded(following[: query["limit"]].iterator()),
            "last_position": membership.conversation.last_position,
        }
        return Response(EntriesSerializer(body).data)


class MessagesView(APIView):
    """Application messages; the same id and bytes again have the same answer."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        request=MessageSerializer,
        responses=answers_to_body(
            {200: PositionSerializer, 201: PositionSerializer}, 404, 409, 422
        ),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        message = _read(MessageSerializer, request.data)
        return _placed(
            send_message(device=device_of(request), conversation_id=conversation_id, **message)
        )


class CommitsView(APIView):
    """Commits: of all that name an epoch, one is accepted."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        request=CommitSerializer,
        responses=answers_to_body(
            {200: PositionSerializer, 201: PositionSerializer}, 404, 409, 422
        ),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        commit = _read(CommitSerializer, request.data)
        return _placed(
            submit_commit(device=device_of(request), conversation_id=conversation_id, **commit)
        )


class DeliveryView(APIView):
    """How far this device has come; the mark never goes back."""

    required_scopes = {"POST": READ}

    @extend_schema(
        request=DeliverySerializer, responses=answers_to_body({200: PositionSerializer}, 404, 409)
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        mark = _read(DeliverySerializer, request.data)
        position = mark_delivered(
            device=device_of(request), conversation_id=conversation_id, **mark
        )
        return Response(PositionSerializer({"position": position}).data)


class WelcomesView(APIView):
    """Conversations that wait for this device to join."""

    required_scopes = {"GET": READ}

    @extend_schema(responses=answers({200: WelcomesSerializer}))
    def get(self, request: Request) -> Response:
        waiting = access.welcomes_of(device_of(request))
        return Response(WelcomesSerializer({"results": waiting}).data)


class WelcomeView(APIView):
    """One Welcome of this device."""

    required_scopes = {"DELETE": READ}

    @extend_schema(responses=answers({204: None}, 404))
    def delete(self, request: Request, welcome_id: UUID) -> Response:
        forget_welcome(device=device_of(request), welcome_id=welcome_id)
        return Response(status=204)


# A serializer's data has a type only after validation: hence Any.
def _read(serializer: type[BaseSerializer[Any]], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    fields: dict[str, Any] = checked.validated_data
    return fields


def _conversation(conversation: Conversation, request: Request) -> Any:
    return ConversationSerializer(conversation, context={"device": device_of(request)}).data


def _placed(placed: Placed) -> Response:
    return Response(
        PositionSerializer({"position": placed.position}).data, status=201 if placed.is_new else 200
    )
