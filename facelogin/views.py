"""The face over HTTP: the session says which login or enrolment is meant."""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import OpenApiRequest
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import SessionAuthentication, person_of
from accounts.api.operations import operation
from accounts.api.parsers import parse_json
from accounts.api.permissions import ComesFromOurPage, IsLoggedIn
from accounts.api.serializers import read_fields
from accounts.api.views import APIView
from accounts.errors import ReauthenticationRequired, SecondFactorRequired
from accounts.serializers import SessionSerializer
from accounts.views import session_response
from facelogin import consent
from facelogin.challenge import WORDS
from facelogin.errors import (
    BadCapture,
    CaptureExpired,
    CaptureNotPassed,
    CaptureUsed,
    ConsentOutdated,
    FaceBusy,
    FaceDisabled,
    FaceLocked,
    FaceNotEnrolled,
    NoAlternative,
    TooManyPreviews,
    WrongPassword,
)
from facelogin.models import Capture, Template
from facelogin.serializers import (
    CaptureAnswer,
    EmptyRequest,
    EnrolmentRequest,
    FaceAnswer,
    FramesRequest,
    PreviewAnswer,
    PreviewRequest,
)
from facelogin.services import events, passages, templates
from facelogin.services.captures import Submission
from securechat_sdk.wire.errors import InvalidInput, TooLarge


class IsInALogin(ComesFromOurPage):
    """A browser during a login or after it; the services say who may do what."""

    who = "a browser during its login, or after it"
    needs_session = True


class FaceAPIView(APIView):
    """Browsers only: a face has no business with scripts."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = (IsInALogin,)


def _http(request: Request) -> HttpRequest:
    return request._request  # noqa: SLF001  # allauth and the middleware know Django's kind


def _capture(capture: Capture, status_code: int = status.HTTP_200_OK) -> Response:
    return Response(CaptureAnswer(capture).data, status=status_code)


class FaceView(FaceAPIView):
    """What the page needs to know about the face, and the way to have it forgotten."""

    def get_permissions(self) -> list[Any]:
        return [ComesFromOurPage() if self.request.method == "GET" else IsInALogin()]

    @operation("get_face", answers={200: FaceAnswer})
    def get(self, request: Request) -> Response:
        """Say whether faces are used here, and whether the caller's is enrolled.

        Also what one consents to.
        """
        template = Template.objects.filter(person=request.user.pk).first()
        body = {
            "enabled": settings.CONFIG.face_enabled,
            "enrolled": template is not None,
            "enrolled_at": template.created_at if template else None,
            "expires_at": templates.expires_at(template) if template else None,
            "consent": {"version": consent.VERSION, "text": consent.TEXT},
            "challenge_words": WORDS,
            "alerts": passages.alerts(_http(request)),
        }
        return Response(FaceAnswer(body).data)

    @operation(
        "erase_face",
        answers={200: SessionSerializer},
        refuses=(SecondFactorRequired, ReauthenticationRequired),
    )
    def delete(self, request: Request) -> Response:
        """Withdraw the consent and erase the template at once."""
        passages.withdraw(_http(request))
        return session_response(request)


class AlertsView(APIView):
    permission_classes = (IsLoggedIn,)

    @operation("dismiss_face_alerts", answers={204: None})
    def delete(self, request: Request) -> Response:
        """The person has seen the alerts that `get_face` showed."""
        events.dismiss_alerts(person_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class EnrolmentsView(FaceAPIView):
    @operation(
        "start_face_enrolment",
        body=EnrolmentRequest,
        answers={201: CaptureAnswer},
        refuses=(
            ConsentOutdated,
            FaceBusy,
            FaceDisabled,
            FaceLocked,
            ReauthenticationRequired,
            SecondFactorRequired,
            WrongPassword,
        ),
    )
    def post(self, request: Request) -> Response:
        """Consent, prove the password, and start a capture that enrols."""
        fields = read_fields(EnrolmentRequest, request.data)
        capture = passages.start_enrolment(_http(request), **fields)
        return _capture(capture, status.HTTP_201_CREATED)


class VerificationsView(FaceAPIView):
    @operation(
        "start_face_verification",
        body=EmptyRequest,
        answers={201: CaptureAnswer},
        refuses=(FaceBusy, FaceDisabled, FaceLocked, FaceNotEnrolled),
    )
    def post(self, request: Request) -> Response:
        """Start a capture that passes the stage `face` of this login."""
        read_fields(EmptyRequest, request.data)
        capture = passages.start_verification(_http(request))
        return _capture(capture, status.HTTP_201_CREATED)


class FramesView(FaceAPIView):
    parser_classes = (MultiPartParser,)

    @operation(
        "submit_face_frames",
        body=OpenApiRequest(FramesRequest, encoding={"steps": {"contentType": "application/json"}}),
        answers={202: CaptureAnswer},
        refuses=(BadCapture, CaptureExpired, CaptureUsed, FaceLocked),
    )
    def put(self, request: Request, capture_id: UUID) -> Response:
        """Hand in the frames of an open capture, once.

        The form holds `nonce` and `steps` (a JSON list of step indexes, one for each frame) once,
        and a part `frames` for each JPEG, in order.
        """
        _check_length(request)
        fields = read_fields(FramesRequest, _form(request, "nonce", "steps"))
        submission = Submission(
            nonce=fields["nonce"],
            steps=fields["steps"],
            frames=[upload.read() for upload in fields["frames"]],
        )
        capture = passages.submit(_http(request), capture_id, submission)
        return _capture(capture, status.HTTP_202_ACCEPTED)


class PreviewView(FaceAPIView):
    parser_classes = (MultiPartParser,)

    @operation(
        "preview_face_frame",
        body=OpenApiRequest(PreviewRequest),
        answers={200: PreviewAnswer},
        refuses=(BadCapture, CaptureExpired, CaptureUsed, TooManyPreviews),
    )
    def post(self, request: Request, capture_id: UUID) -> Response:
        """Say within about a second what the worker sees in one frame of an open capture.

        The form holds `nonce` and one JPEG, `frame`. Nothing is decided by it.
        """
        _check_length(request)
        fields = read_fields(PreviewRequest, _form(request, "nonce", "frame"))
        frame = fields["frame"].read()
        look = passages.preview(_http(request), capture_id, nonce=fields["nonce"], frame=frame)
        body = {
            "looked": look is not None,
            "hint": look.hint if look else None,
            "turn": look.turn if look else None,
        }
        return Response(PreviewAnswer(body).data)


class CaptureView(FaceAPIView):
    @operation("get_face_capture", answers={200: CaptureAnswer})
    def get(self, request: Request, capture_id: UUID) -> Response:
        """Say where the capture stands: passed or refused and why, never how nearly."""
        return _capture(passages.read(_http(request), capture_id))


class CompletionView(FaceAPIView):
    @operation(
        "complete_face_capture",
        body=EmptyRequest,
        answers={200: SessionSerializer},
        refuses=(BadCapture, CaptureExpired, CaptureNotPassed),
    )
    def post(self, request: Request, capture_id: UUID) -> Response:
        """Use a passed capture: install the template, or let the login go on."""
        read_fields(EmptyRequest, request.data)
        passages.complete(_http(request), capture_id)
        return session_response(request)


class DeclineView(FaceAPIView):
    @operation(
        "decline_face",
        body=EmptyRequest,
        answers={200: SessionSerializer},
        refuses=(FaceNotEnrolled, NoAlternative),
    )
    def post(self, request: Request) -> Response:
        """Go on with another second factor."""
        read_fields(EmptyRequest, request.data)
        passages.decline(_http(request))
        return session_response(request)


def _check_length(request: Request) -> None:
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        raise TooLarge


def _form(request: Request, *single: str) -> dict[str, Any]:
    """The form as a plain object: single fields once, the others as lists."""
    form = cast("QueryDict", request.data)  # what MultiPartParser makes
    values: dict[str, Any] = {name: form.getlist(name) for name in form}
    for name in single:
        if len(values.get(name, [])) > 1:
            raise InvalidInput(f"There is one {name}.")
        if name in values:
            values[name] = values[name][0]
    if isinstance(values.get("steps"), str):
        values["steps"] = parse_json(values["steps"].encode())
    return values
