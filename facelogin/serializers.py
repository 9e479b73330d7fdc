"""Shapes of the face's requests and answers."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import Base64Field, StrictSerializer, TextField, WholeNumberField
from facelogin.challenge import Step
from facelogin.lifecycle import MAX_FRAMES, Purpose, Reason, State
from facelogin.services.captures import NONCE_BYTES
from facelogin.services.events import ALERTING


class EmptyRequest(StrictSerializer):
    pass


class EnrolmentRequest(StrictSerializer):
    consent_version = TextField(max_length=16, help_text="Of the text that was shown.")
    password = TextField(max_length=4096, trim_whitespace=False)


class FramesRequest(StrictSerializer):
    nonce = Base64Field(min_bytes=NONCE_BYTES, max_bytes=NONCE_BYTES)
    steps = serializers.ListField(
        child=WholeNumberField(min_value=0),
        min_length=1,
        max_length=MAX_FRAMES,
        help_text="For each frame, the index of the challenge's step that it shows.",
    )
    frames = serializers.ListField(
        child=serializers.FileField(use_url=False, allow_empty_file=True),  # no JPEG, as any other
        min_length=1,
        max_length=MAX_FRAMES,
        help_text="JPEG pictures, in the order in which they were taken.",
    )


class PreviewRequest(StrictSerializer):
    nonce = Base64Field(min_bytes=NONCE_BYTES, max_bytes=NONCE_BYTES)
    frame = serializers.FileField(use_url=False)


class PreviewAnswer(serializers.Serializer[Any]):
    """What the worker saw: why the frame is of no use, or how far the head is turned."""

    looked = serializers.BooleanField()
    hint = serializers.ChoiceField(choices=list(Reason), allow_null=True)
    turn = serializers.FloatField(allow_null=True)


class ConsentAnswer(serializers.Serializer[Any]):
    version = serializers.CharField()
    text = serializers.CharField()


class AlertAnswer(serializers.Serializer[Any]):
    """Something that happened to the face and that its owner has not seen."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in ALERTING])
    count = serializers.IntegerField()
    latest_at = serializers.DateTimeField()


class FaceAnswer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()
    enrolled = serializers.BooleanField()
    enrolled_at = serializers.DateTimeField(allow_null=True)
    consent = ConsentAnswer()
    challenge_words = serializers.DictField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    alerts = AlertAnswer(many=True)


class CaptureAnswer(serializers.Serializer[Any]):
    """Where a capture stands: passed or refused and why, never how nearly."""

    id = serializers.UUIDField()
    purpose = serializers.ChoiceField(
        choices=[(purpose.value, purpose.name) for purpose in Purpose], source="attempt.purpose"
    )
    nonce = Base64Field(min_bytes=NONCE_BYTES, max_bytes=NONCE_BYTES)
    challenge = serializers.ListField(
        child=serializers.ChoiceField(choices=[(step.value, step.name) for step in Step])
    )
    min_frames = serializers.IntegerField()
    max_frames = serializers.IntegerField()
    max_bytes = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=[(state.value, state.name) for state in State])
    progress = serializers.IntegerField(help_text="Per cent of the work that is done.")
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=[(reason.value, reason.name) for reason in Reason])
    )
