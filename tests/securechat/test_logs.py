"""JSON logs say what happened, and nothing that somebody wrote or is called."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from securechat.logs import JsonFormatter
from tests.accounts.people import PASSWORD, Browser, make_person
from tests.stories.canaries import leaks

pytestmark = pytest.mark.django_db

SECRET = "the heron lands at noon"


class Log(io.StringIO):
    # Any: what JSON holds.
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    """Everything that is logged, of every logger."""
    written = Log()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(), logging.getLogger("securechat.logs")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield written
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def requests(log: Log) -> list[dict[str, Any]]:
    return [line for line in log.lines() if line["event"] == "request"]


def test_a_request_is_one_line_with_its_route_and_what_came_of_it(client: Client, log: Log) -> None:
    answer = client.get(f"/api/v1/conversations/{uuid4()}?after={SECRET}")

    (line,) = requests(log)
    assert line["request"] == answer["X-Request-ID"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "conversation", 401)
    assert line["code"] == "not_authenticated"
    assert line["milliseconds"] > 0
    assert set(line) == {
        *("at", "level", "logger", "event", "request"),
        *("method", "route", "status", "code", "milliseconds"),
    }


def test_the_code_of_one_request_is_not_that_of_the_next(client: Client, log: Log) -> None:
    client.get("/nowhere")
    client.get("/api/v1/session")

    assert [line.get("code") for line in requests(log)] == ["not_found", None]


def test_a_number_is_taken_from_a_trusted_proxy_only(client: Client, settings: Settings) -> None:
    def numbered(given: str) -> str:
        return client.get("/api/v1/session", headers={"X-Request-ID": given})["X-Request-ID"]

    number = "0123456789abcdef0123456789abcdef"

    settings.TRUSTED_PROXIES = 0
    assert numbered(number) != number
    settings.TRUSTED_PROXIES = 1
    assert numbered(number) == number
    assert numbered(f"{SECRET}\r\n") != SECRET


def test_other_peoples_messages_are_known_by_their_template(log: Log) -> None:
    logging.getLogger("django.request").error("Internal Server Error: %s", f"/{SECRET}")
    logging.getLogger("django.security").error(f"Invalid host: {SECRET}")  # noqa: G004 - as Django

    first, second = log.lines()
    assert first["event"] == "Internal Server Error: %s"
    assert second["event"].startswith("test_logs:")
    assert leaks({"log": log.getvalue().encode()}, {"secret": SECRET.encode()}) == []


def test_an_error_is_its_kind_and_its_place(log: Log) -> None:
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("messaging.hub").exception("The hub failed.")

    (line,) = log.lines()
    assert (line["event"], line["error"]) == ("The hub failed.", "ValueError")
    assert line["where"][-1].startswith("test_logs.py:")
    assert leaks({"log": log.getvalue().encode()}, {"secret": SECRET.encode()}) == []


def test_a_whole_login_leaves_no_name_password_cookie_or_query(log: Log) -> None:
    person = make_person("ada.of.the.canal")
    browser = Browser()

    browser.give_password("ada.of.the.canal", SECRET)
    browser.give_password("ada.of.the.canal")
    browser.give_code()
    browser.client.get("/api/v1/people", {"search": SECRET})
    browser.client.get(f"/nowhere/{SECRET}", {"token": SECRET})

    secrets = {
        "user name": b"ada.of.the.canal",
        "display name": person.display_name.encode(),
        "address": person.email.encode(),
        "id": str(person.pk).encode(),
        "password": PASSWORD.encode(),
        "query": SECRET.encode(),
        "cookie": browser.client.cookies["sessionid"].value.encode(),
    }
    assert len(requests(log)) >= 5
    assert leaks({"log": log.getvalue().encode()}, secrets) == []
