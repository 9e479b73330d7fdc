"""What is counted of logins and refusals: numbers, never who."""

from contextvars import ContextVar

from prometheus_client import Counter

LOGINS = Counter("securechat_logins", "Steps of logins, by what came of them.", ["outcome"])
REFUSALS = Counter("securechat_refusals", "What was refused, by the code of the refusal.", ["code"])

# With what the present request was refused, for its line in the log.
refused_with: ContextVar[str | None] = ContextVar("refused_with", default=None)


def count_login(outcome: str) -> None:
    LOGINS.labels(outcome).inc()


def count_refusal(code: str) -> None:
    REFUSALS.labels(code).inc()
    refused_with.set(code)
