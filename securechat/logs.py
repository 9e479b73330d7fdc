"""Logs for machines: one JSON object a line, and nothing in it that somebody wrote or is called.

Our own messages are written with care and appear as they are. Other people's are known only by
their template: values, addresses and the texts of errors stay out, an error is its kind and place.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.metrics import refused_with

OURS = ("accounts", "facelogin", "messaging", "securechat")
MOST_FRAMES = 20
REQUEST_ID = re.compile(r"[0-9a-f]{16,32}")
HEADER = "X-Request-ID"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
logger = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """Formats a record as DESIGN section 7 rule 7 allows."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {  # Any: what JSON holds
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": _event(record),
            "request": request_id.get(),
        }
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _where(record.exc_info[2])
        return json.dumps({key: value for key, value in line.items() if value is not None})


def _event(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    is_template = bool(record.args) and isinstance(record.msg, str)
    return record.msg if is_template else f"{record.module}:{record.lineno}"


def _where(trace: TracebackType | None) -> list[str]:
    """Name the lines that were under way, innermost last; never what was in them."""
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-MOST_FRAMES:]


class RequestLogMiddleware:
    """One line for each request: what was asked for in general, and what came of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        number = _id_of(request)
        request_id.set(number)
        refused_with.set(None)
        response = self.get_response(request)
        response[HEADER] = number
        facts = {
            "method": request.method,
            "route": request.resolver_match.view_name if request.resolver_match else None,
            "status": response.status_code,
            "code": refused_with.get(),
            "milliseconds": round((time.perf_counter() - began) * 1000, 1),
        }
        logger.info("request", extra={"facts": facts})
        return response


def _id_of(request: HttpRequest) -> str:
    """Take the proxy's number for the request, so that both logs name it alike."""
    given = request.headers.get(HEADER, "") if settings.TRUSTED_PROXIES else ""
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
