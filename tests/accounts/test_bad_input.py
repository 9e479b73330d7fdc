"""Whatever is sent, the answer is a clear refusal and never the server's fault."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.api.parsers import parse_json
from accounts.models import Person
from securechat_sdk.wire.errors import InvalidInput
from tests.accounts.people import Browser, read, refusal

pytestmark = pytest.mark.django_db

DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES = [
    b"",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'"text"',
    b"{",
    b"\xff\xfe",
    b'{"username": NaN}',
    b'{"username": 1e999}',
    b'{"username": ' + b"9" * 10_000 + b"}",
    b'{"username": "a\\u0000b", "password": "x", "code": "\\u0000"}',
    b'{"username": "\\ud800", "password": "\\udfff", "code": "\\ud800"}',
    b'{"\\ud800": 1}',
    b'{"a": 1, "a": 2}',
    b'{"username": ["a"], "password": {"b": 1}, "code": 123456}',
    b'{"username": true, "password": null, "code": null}',
    DEEP,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"token": "' + b"x" * 30_000 + b'"}',
]
API = [
    "POST session/device",
    "POST devices",
    "PATCH devices/{device}",
    "POST devices/{device}/tokens",
    "POST invitations",
    "POST invitations/lookup",
    "POST invitations/acceptance",
]
ALLAUTH = [
    "POST auth/login",
    "POST auth/2fa/authenticate",
    "POST auth/reauthenticate",
    "POST account/authenticators/totp",
    "POST account/authenticators/recovery-codes",
    "POST account/password/change",
    "DELETE account/authenticators/totp",
]


@pytest.fixture
def at_home(browser: Browser, administrator: Person) -> Browser:
    return browser.at_home(administrator)


@pytest.mark.parametrize("call", API)
def test_the_api_refuses_every_strange_body(at_home: Browser, call: str) -> None:
    method, path = call.format(device=at_home.keys.device_id).split()

    for body in BODIES:
        status, code = refusal(at_home.api(method, path, body))
        assert (status, code) in {(400, "invalid_input"), (404, "invitation_not_found")}, body


@pytest.mark.parametrize("call", ALLAUTH)
def test_the_login_refuses_every_strange_body(at_home: Browser, call: str) -> None:
    method, path = call.split()

    for body in BODIES:
        answer = at_home.allauth(method, path, body)
        assert answer.status_code in {200, 400, 401, 409, 413, 429}, body
        assert read(answer)["status"] == answer.status_code


@pytest.mark.parametrize("call", ALLAUTH)
def test_the_login_refuses_every_strange_body_of_strangers(
    browser: Browser, alice: Person, call: str
) -> None:
    method, path = call.split()
    browser.give_password("alice")

    for body in BODIES:
        answer = browser.allauth(method, path, body)
        assert answer.status_code in {400, 401, 409, 413, 429}, body


@pytest.mark.parametrize("path", ["/api/v1/devices", "/_allauth/browser/v1/auth/login"])
def test_a_body_that_is_too_large_is_refused(at_home: Browser, path: str) -> None:
    answer = at_home.call("POST", path, b'{"name": "' + b"x" * (2 * 1024 * 1024) + b'"}')

    assert answer.status_code == 413


def test_other_content_types_are_refused(at_home: Browser) -> None:
    token = at_home.client.cookies["csrftoken"].value
    answer = at_home.client.post("/api/v1/devices", {"name": "x"}, headers={"X-CSRFToken": token})

    assert (answer.status_code, json.loads(answer.content)["code"]) == (
        415,
        "unsupported_media_type",
    )


def test_a_method_that_is_not_there_is_named(at_home: Browser) -> None:
    answer = at_home.api("PUT", "devices", {})

    assert refusal(answer) == (405, "method_not_allowed")
    assert "POST" in answer["Allow"]


@pytest.mark.parametrize(
    "path", ["devices/x", "people/1", "invitations/%00", "devices/00000000-0000-0000-0000-0000"]
)
def test_an_id_that_is_none_is_not_found(at_home: Browser, path: str) -> None:
    assert refusal(at_home.api("DELETE", path))[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "auth/signup",
        "auth/password/request",
        "auth/password/reset",
        "account/email",
        "account/phone",
        "account/authenticators",
        "auth/2fa/trust",
        "config",
    ],
)
@pytest.mark.parametrize("client", ["browser", "app"])
def test_what_allauth_offers_besides_is_not_there(browser: Browser, client: str, path: str) -> None:
    answer = browser.call("POST", f"/_allauth/{client}/v1/{path}", {})

    assert answer.status_code == 404


def test_the_login_asks_for_the_csrf_token(browser: Browser, alice: Person) -> None:
    browser.csrf_header = "x" * 32

    assert browser.give_password("alice").status_code == 403
    assert browser.state == "anonymous"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.dictionaries(st.sampled_from(["username", "password", "code"]), json_values))
def test_a_login_of_any_json_is_answered(db: None, body: dict[str, Any]) -> None:
    answer = Browser().allauth("POST", "auth/login", body)

    assert answer.status_code in {400, 413, 429}


@pytest.mark.parametrize("body", [body for body in BODIES if body.startswith(b'{"a')])
def test_json_that_programs_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_json(body)


@settings(max_examples=200)
@given(value=json_values)
def test_other_json_is_read_as_it_is(value: Any) -> None:
    text = json.dumps(value)
    if "\\u0000" in text or "\\ud" in text:
        return

    assert parse_json(text.encode()) == value


@pytest.mark.parametrize(
    "cookie", ['"\\000aaaaaaaaaaaa"', '"\\377\\376aaaaaaaaa"', "a", "' or 1=1 --"]
)
@pytest.mark.parametrize(
    "path", ["/api/v1/session", "/_allauth/browser/v1/auth/session", "/admin/"]
)
def test_a_strange_cookie_is_nobodys(db: None, cookie: str, path: str) -> None:
    answer = Client().get(path, headers={"cookie": f"sessionid={cookie}"})

    assert answer.status_code in {200, 302, 401}


@pytest.mark.parametrize(
    "path",
    [
        "/admin/accounts/person/?role__exact=%00",
        "/admin/accounts/person/?q=%00",
        "/api/v1/people?anything=%00",
        "/admin/login/?next=%00",
    ],
)
def test_a_nul_in_a_query_is_refused(at_home: Browser, path: str) -> None:
    assert refusal(at_home.call("GET", path)) == (400, "invalid_input")
