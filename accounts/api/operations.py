"""How a view says what it does, once: for the schema, and for whoever reads the code.

The first line of a method's docstring is the operation's summary, the rest its description. Who may
call it, the scopes, and the refusals that follow from these are read off the view by `AutoSchema`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from securechat_sdk.wire.errors import ChatError

Method = TypeVar("Method", bound=Callable[..., Any])

AGAIN = "It was there already: the same request again has the same answer."


# What a body or an answer is, is drf-spectacular's to say: hence Any.
def operation(
    name: str,
    *,
    answers: Mapping[Any, Any],  # by status, or by status and type of content
    body: Any = None,
    parameters: Sequence[Any] = (),
    refuses: Sequence[type[ChatError]] = (),
) -> Callable[[Method], Method]:
    """Describe a method of a view; ``refuses`` is what its services refuse."""

    def describe(method: Method) -> Method:
        method.refusals = tuple(refuses)  # type: ignore[attr-defined]  # read with refusals_of()
        described: Method = extend_schema(
            operation_id=name, request=body, responses=dict(answers), parameters=[*parameters]
        )(method)
        return described

    return describe


def refusals_of(method: Callable[..., Any]) -> tuple[type[ChatError], ...]:
    refusals: tuple[type[ChatError], ...] = getattr(method, "refusals", ())
    return refusals


def again(serializer: Any) -> OpenApiResponse:
    """Describe the answer to a request that was made before."""
    return OpenApiResponse(serializer, description=AGAIN)


def text_parameter(name: str, description: str, **rules: Any) -> OpenApiParameter:
    return OpenApiParameter(name, type={"type": "string", **rules}, description=description)
