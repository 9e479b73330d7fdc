"""How the API's schema describes refusals: one problem object, under every status."""

from typing import Any

from rest_framework import serializers

PROBLEM = "application/problem+json"
ALWAYS = (401, 403, 406)
WITH_A_BODY = (400, 413, 415)


class PointerSerializer(serializers.Serializer[Any]):
    """Where in the request something is wrong."""

    pointer = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457; facts such as `epoch`, `retry_after`, `conversation_id` stand beside the code."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(required=False)
    code = serializers.CharField()
    errors = PointerSerializer(many=True, required=False)  # type: ignore[assignment]  # a field


# What a response is, is drf-spectacular's to say: hence Any.
def answers(answer: dict[int, Any], *refusals: int) -> dict[Any, Any]:
    """Describe the good answers, and the refusals that this call has besides those of all calls."""
    statuses = sorted({*ALWAYS, *refusals})
    return {**answer, **{(status, PROBLEM): ProblemSerializer for status in statuses}}


def answers_to_body(answer: dict[int, Any], *refusals: int) -> dict[Any, Any]:
    """Describe the same for a call that sends a body."""
    return answers(answer, *WITH_A_BODY, *refusals)
