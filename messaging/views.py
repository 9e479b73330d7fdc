"""HTTP in, one service, HTTP out."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import caller_of, device_of
from accounts.api.operations import again, operation
from accounts.api.pagination import CURSOR, CursorPagination
from accounts.api.serializers import StrictSerializer, read_fields
from accounts.api.views import APIView
from accounts.errors import DeviceRevoked
from accounts.models import Scope
from messaging import access
from messaging.errors import (
    CipherSuiteNotAllowed,
    ClaimsExhausted,
    CommitInvalid,
    ConversationIdTaken,
    DirectConversationExists,
    DirectIsFull,
    GroupInfoInvalid,
    KeyPackageDuplicate,
    KeyPackageInvalid,
    KeyPackageNotClaimed,
    MessageIdReused,
    MessageInvalid,
    NoCommitThere,
    NoKeyPackage,
    PersonNotFound,
    PersonNotSuitable,
    PositionAhead,
    ProposalInvalid,
    ProposalNotSupported,
    ProposalsPending,
    RemovalNotAllowed,
    StaleEpoch,
    TooManyKeyPackages,
    TooManyRejoins,
    TooManyReports,
    TooManyWelcomes,
    TreeNotKept,
    WelcomeMissing,
)
from messaging.groups import external_sender
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
    FailureReportSerializer,
    GroupSerializer,
    KeyPackagesSerializer,
    MessageSerializer,
    NewConversationSerializer,
    PositionSerializer,
    ProposalSerializer,
    RetentionSerializer,
    SettingsSerializer,
    StockSerializer,
    TreeQuerySerializer,
    TreeSerializer,
    WelcomeSerializer,
    WelcomesSerializer,
)
from messaging.services.commits import Submission, submit_commit
from messaging.services.conversations import NewConversation, create_conversation
from messaging.services.deliveries import mark_delivered
from messaging.services.failures import report_failure
from messaging.services.groups import snapshot_of
from messaging.services.key_packages import claim_key_packages, stock_of, upload_key_packages
from messaging.services.log import Placed
from messaging.services.messages import send_message
from messaging.services.proposals import submit_proposal
from messaging.services.retention import limit_retention
from messaging.services.welcomes import forget_welcome
from securechat_sdk.wire.errors import NotFound

READ = Scope.MESSAGES_READ
WRITE = Scope.MESSAGES_WRITE


class SettingsView(APIView):
    """What every conversation here has to have."""

    required_scopes = {"GET": READ}

    @operation("get_messaging_settings", answers={200: SettingsSerializer})
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the same for everybody
        """Say how conversations begin, whom they list as the server, and how long they last."""
        return Response(
            SettingsSerializer(
                {
                    "cipher_suite": settings.CONFIG.cipher_suite,
                    "external_sender": external_sender().encode(),
                    "retention_days": settings.CONFIG.retention_days,
                }
            ).data
        )


class KeyPackagesView(APIView):
    """The key packages that this device has left here."""

    required_scopes = {"GET": Scope.KEYS_WRITE, "POST": Scope.KEYS_WRITE}

    @operation("get_key_package_stock", answers={200: StockSerializer})
    def get(self, request: Request) -> Response:
        """Count the key packages that this device has left here."""
        return Response(StockSerializer(stock_of(device_of(request))).data)

    @operation(
        "upload_key_packages",
        body=KeyPackagesSerializer,
        answers={201: StockSerializer},
        refuses=(DeviceRevoked, KeyPackageDuplicate, KeyPackageInvalid, TooManyKeyPackages),
    )
    def post(self, request: Request) -> Response:
        """Leave key packages of this device for others to claim.

        All are kept, or none. A last resort replaces the one before.
        """
        packages = read_fields(KeyPackagesSerializer, request.data)
        stock = upload_key_packages(device=device_of(request), **packages)
        return Response(StockSerializer(stock).data, status=201)


class ClaimsView(APIView):
    """Key packages of another person, each handed out once."""

    required_scopes = {"POST": WRITE}

    @operation(
        "claim_key_packages",
        body=ClaimSerializer,
        answers={201: ClaimsSerializer},
        refuses=(DeviceRevoked, PersonNotFound, NoKeyPackage, ClaimsExhausted),
    )
    def post(self, request: Request) -> Response:
        """Take one key package of each device of a person; nobody else gets the same."""
        wanted = read_fields(ClaimSerializer, request.data)
        claimed = claim_key_packages(device=device_of(request), **wanted)
        return Response(ClaimsSerializer({**wanted, "key_packages": claimed}).data, status=201)


class ConversationsPagination(CursorPagination):
    ordering = ("-active_at", "pk")


class ConversationsView(APIView):
    """The conversations in which this device is a member, newest activity first."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @operation(
        "list_conversations",
        parameters=[CURSOR],
        answers={200: ConversationsSerializer},
        refuses=(NotFound,),
    )
    def get(self, request: Request) -> Response:
        """List the conversations of this device, newest activity first."""
        device = device_of(request)
        pages = ConversationsPagination()
        page = pages.paginate_queryset(access.conversations_of(device), request, self)
        shown = ConversationSerializer(page, many=True, context={"device": device})
        return pages.get_paginated_response(shown.data)

    @operation(
        "create_conversation",
        body=NewConversationSerializer,
        answers={201: ConversationSerializer, 200: again(ConversationSerializer)},
        refuses=(
            CipherSuiteNotAllowed,
            ConversationIdTaken,
            DeviceRevoked,
            DirectConversationExists,
            GroupInfoInvalid,
            PersonNotFound,
            PersonNotSuitable,
        ),
    )
    def post(self, request: Request) -> Response:
        """Begin a conversation with this device alone; its first commit adds the others.

        A direct conversation names the other person; a group names nobody. The GroupInfo is that
        of epoch 0, with the tree of one leaf, and lists this server as the external sender.
        """
        device = device_of(request)
        wanted = NewConversation(**read_fields(NewConversationSerializer, request.data))
        created = create_conversation(device=device, wanted=wanted)
        body = _conversation(access.conversation_in_full(device, wanted.id), request)
        return Response(body, status=201 if created.is_new else 200)


class ConversationView(APIView):
    """One conversation of this device."""

    required_scopes = {"GET": READ, "PATCH": WRITE}

    @operation("get_conversation", answers={200: ConversationSerializer})
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Show one conversation of this device."""
        conversation = access.conversation_in_full(device_of(request), conversation_id)
        return Response(_conversation(conversation, request))

    @operation(
        "limit_retention",
        body=RetentionSerializer,
        answers={200: ConversationSerializer},
        refuses=(DeviceRevoked,),
    )
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Say how long this server keeps the conversation's messages; any member may.

        The shorter of this and the organisation's own limit counts. It erases ciphertext here,
        not what devices have fetched.
        """
        limit = read_fields(RetentionSerializer, request.data)
        device = device_of(request)
        limit_retention(device=device, conversation_id=conversation_id, **limit)
        conversation = access.conversation_in_full(device, conversation_id)
        return Response(_conversation(conversation, request))


class EntriesView(APIView):
    """The log after a position; an answer may hold fewer entries than asked for."""

    required_scopes = {"GET": READ}

    @operation(
        "list_entries", parameters=[EntriesQuerySerializer], answers={200: EntriesSerializer}
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Read the log after a position, in order.

        An answer may hold fewer entries than asked for: go on until `last_position` is reached.
        A device that was removed reads up to its removal.
        """
        query = read_fields(EntriesQuerySerializer, request.query_params.dict())
        log = access.log_for(device_of(request), conversation_id)
        following = log.entries.filter(position__gt=query["after"])
        body = {
            "entries": bounded(following, query["limit"]),
            "last_position": log.last_position,
        }
        return Response(EntriesSerializer(body).data)


class MessagesView(APIView):
    """Application messages; the same id and bytes again have the same answer."""

    required_scopes = {"POST": WRITE}

    @operation(
        "send_message",
        body=MessageSerializer,
        answers={201: PositionSerializer, 200: again(PositionSerializer)},
        refuses=(DeviceRevoked, MessageIdReused, MessageInvalid, ProposalsPending, StaleEpoch),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Send an encrypted message: it gets the next position of the log."""
        return _submit(send_message, MessageSerializer, request, conversation_id)


class CommitsView(APIView):
    """Commits: of all that name an epoch, one is accepted."""

    required_scopes = {"POST": WRITE}

    @operation(
        "submit_commit",
        body=CommitSerializer,
        answers={201: PositionSerializer, 200: again(PositionSerializer)},
        refuses=(
            CommitInvalid,
            DeviceRevoked,
            DirectIsFull,
            KeyPackageNotClaimed,
            MessageIdReused,
            ProposalNotSupported,
            ProposalsPending,
            RemovalNotAllowed,
            StaleEpoch,
            TooManyRejoins,
            TooManyWelcomes,
            WelcomeMissing,
        ),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Move the conversation to its next epoch: of all commits that name one, one is accepted.

        The Welcome is for exactly the devices that the commit adds; the GroupInfo describes the
        new epoch, without its tree. What does not verify is `commit_invalid`, with the engine's
        word for it in `reason`.
        """
        submission = Submission(conversation_id, **read_fields(CommitSerializer, request.data))
        return _placed(submit_commit(caller=caller_of(request), submission=submission))


class ProposalsView(APIView):
    """Proposals: a device leaves a group by proposing its own removal."""

    required_scopes = {"POST": WRITE}

    @operation(
        "submit_proposal",
        body=ProposalSerializer,
        answers={201: PositionSerializer, 200: again(PositionSerializer)},
        refuses=(
            DeviceRevoked,
            MessageIdReused,
            ProposalInvalid,
            ProposalNotSupported,
            ProposalsPending,
            StaleEpoch,
        ),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Leave a group: the next commit of another member removes this device.

        Until then nobody else's messages are accepted.
        """
        return _submit(submit_proposal, ProposalSerializer, request, conversation_id)


class TreeView(APIView):
    """The public tree of a conversation, which joiners need beside their Welcome."""

    required_scopes = {"GET": READ}

    @operation(
        "get_tree",
        parameters=[TreeQuerySerializer],
        answers={200: TreeSerializer},
        refuses=(TreeNotKept,),
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Read the tree of an epoch: the present one, the one before, or that of a Welcome."""
        epoch = read_fields(TreeQuerySerializer, request.query_params.dict())["epoch"]
        conversation = access.conversation_for(device_of(request), conversation_id)
        return Response(TreeSerializer(snapshot_of(conversation, epoch)).data)


class GroupView(APIView):
    """The group as it is now, for a member device that cannot follow it any more."""

    required_scopes = {"GET": READ}

    @operation("get_group", answers={200: GroupSerializer}, refuses=(TreeNotKept,))
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Read GroupInfo and tree of the present epoch, with which a member device rejoins.

        It hands in a commit from outside that replaces its own leaf and does nothing else.
        """
        conversation = access.conversation_for(device_of(request), conversation_id)
        return Response(GroupSerializer(snapshot_of(conversation, conversation.epoch)).data)


class FailureReportsView(APIView):
    """What this device could not apply."""

    required_scopes = {"POST": READ}

    @operation(
        "report_failure",
        body=FailureReportSerializer,
        answers={204: None},
        refuses=(NoCommitThere, DeviceRevoked, TooManyReports),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Say that this device could not apply a commit: members and administrators see it."""
        report = read_fields(FailureReportSerializer, request.data)
        report_failure(caller=caller_of(request), conversation_id=conversation_id, **report)
        return Response(status=204)


class DeliveryView(APIView):
    """How far this device has come; the mark never goes back."""

    required_scopes = {"POST": READ}

    @operation(
        "mark_delivered",
        body=DeliverySerializer,
        answers={200: PositionSerializer},
        refuses=(DeviceRevoked, PositionAhead),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Say how far this device has stored the log; the mark never goes back."""
        mark = read_fields(DeliverySerializer, request.data)
        position = mark_delivered(
            caller=caller_of(request), conversation_id=conversation_id, **mark
        )
        return Response(PositionSerializer({"position": position}).data)


class WelcomesPagination(CursorPagination):
    ordering = ("created_at", "pk")


class WelcomesView(APIView):
    """Conversations that wait for this device to join."""

    required_scopes = {"GET": READ}

    @operation(
        "list_welcomes",
        parameters=[CURSOR],
        answers={200: WelcomesSerializer},
        refuses=(NotFound,),
    )
    def get(self, request: Request) -> Response:
        """List the conversations that wait for this device to join, the oldest first."""
        pages = WelcomesPagination()
        page = pages.paginate_queryset(access.welcomes_of(device_of(request)), request, self)
        return pages.get_paginated_response(WelcomeSerializer(page, many=True).data)


class WelcomeView(APIView):
    """One Welcome of this device."""

    required_scopes = {"DELETE": WRITE}

    @operation("forget_welcome", answers={204: None})
    def delete(self, request: Request, welcome_id: UUID) -> Response:
        """Forget a Welcome of this device, once it has joined."""
        forget_welcome(device=device_of(request), welcome_id=welcome_id)
        return Response(status=204)


def _conversation(conversation: Conversation, request: Request) -> Any:
    return ConversationSerializer(conversation, context={"device": device_of(request)}).data


def _submit(
    service: Callable[..., Placed],  # of what the serializer reads
    serializer: type[StrictSerializer],
    request: Request,
    conversation_id: UUID,
) -> Response:
    fields = read_fields(serializer, request.data)
    return _placed(service(caller=caller_of(request), conversation_id=conversation_id, **fields))


def _placed(placed: Placed) -> Response:
    return Response(
        PositionSerializer({"position": placed.position}).data, status=201 if placed.is_new else 200
    )
