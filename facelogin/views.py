"""The face over HTTP."""

from django.conf import settings
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from facelogin import consent
from facelogin.challenge import WORDS
from facelogin.models import Template


class FaceView(APIView):
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        template = Template.objects.filter(person=request.user.pk).first()
        return Response(
            {
                "enabled": settings.CONFIG.face_enabled,
                "enrolled": template is not None,
                "enrolled_at": template.created_at if template else None,
                "consent": {"version": consent.VERSION, "text": consent.TEXT},
                "challenge_words": WORDS,
            }
        )
