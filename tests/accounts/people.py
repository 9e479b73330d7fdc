"""People at browsers and scripts, as the tests of accounts see them."""

import json
import uuid
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from uuid import UUID

from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth.hashers import make_password
from django.core.cache import cache as django_cache
from django.http import HttpResponse
from django.test import Client

from accounts.models import Person, Role, SpentCode
from securechat_sdk.identity import issue, session_binding
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import ED25519

PASSWORD = "a long walk by the river"
CODE_SECRET = generate_totp_secret()


@cache
def hash_of(password: str) -> str:
    """Argon2 is slow on purpose; once is enough here."""
    return make_password(password)


def make_person(username: str, *, role: str = Role.MEMBER, has_codes: bool = True) -> Person:
    person = Person.objects.create(
        username=username,
        password=hash_of(PASSWORD),
        display_name=username.title(),
        email=f"{username}@example.org",
        role=role,
    )
    if has_codes:
        TOTP.activate(person, CODE_SECRET)
    return person


def current_code(secret: str = CODE_SECRET) -> str:
    """The code of this moment; codes used before are forgotten, so tests need not wait."""
    django_cache.clear()
    SpentCode.objects.all().delete()
    counter = list(yield_hotp_counters_from_time())[1]
    return str(format_hotp_value(hotp_value(secret, counter)))


@dataclass
class Keys:
    """What a browser makes for a new device."""

    device_id: UUID = field(default_factory=uuid.uuid4)
    identity: SignaturePrivateKey = field(default_factory=ED25519.generate)
    signature: SignaturePrivateKey = field(default_factory=ED25519.generate)
    authentication: SignaturePrivateKey = field(default_factory=ED25519.generate)

    def credential(self, person_id: UUID, device_id: UUID | None = None) -> bytes:
        device = device_id or self.device_id
        signature_key = ED25519.public_key_of(self.signature)
        return issue(self.identity, person_id.bytes, device.bytes, signature_key).encode()

    def proof(self, challenge: str, device_id: UUID | None = None) -> bytes:
        device = device_id or self.device_id
        return ED25519.sign(
            self.authentication, session_binding(b64decode(challenge), device.bytes)
        )

    def registration(self, person_id: UUID, challenge: str) -> dict[str, str]:
        return {
            "id": str(self.device_id),
            "name": "Firefox on a laptop",
            "signature_key": text(ED25519.public_key_of(self.signature)),
            "credential": text(self.credential(person_id)),
            "authentication_key": text(ED25519.public_key_of(self.authentication)),
            "proof": text(self.proof(challenge)),
        }


def text(value: bytes) -> str:
    return b64encode(value).decode()


class Browser:
    """One browser: cookies, CSRF header, JSON."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.keys = Keys()
        self.csrf_header: str | None = None  # what the page would send; tests may send another

    def call(self, method: str, path: str, body: Any = None) -> HttpResponse:
        if "csrftoken" not in self.client.cookies:
            self.client.get("/api/v1/session")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        answer = self.client.generic(
            method,
            path,
            data,
            content_type="application/json",
            headers={"X-CSRFToken": self.csrf_header or self.client.cookies["csrftoken"].value},
        )
        return cast("HttpResponse", answer)

    def api(self, method: str, path: str, body: Any = None) -> HttpResponse:
        return self.call(method, f"/api/v1/{path}", body)

    def allauth(self, method: str, path: str, body: Any = None) -> HttpResponse:
        return self.call(method, f"/_allauth/browser/v1/{path}", body)

    @property
    def session(self) -> dict[str, Any]:
        return read(self.api("GET", "session"))

    @property
    def state(self) -> str:
        return str(self.session["state"])

    def give_password(self, username: str, password: str = PASSWORD) -> HttpResponse:
        return self.allauth("POST", "auth/login", {"username": username, "password": password})

    def give_code(self, code: str | None = None) -> HttpResponse:
        return self.allauth("POST", "auth/2fa/authenticate", {"code": code or current_code()})

    def log_in(self, person: Person) -> "Browser":
        """Password and one-time code."""
        self.give_password(person.username)
        assert self.give_code().status_code == 200
        return self

    def log_out(self) -> None:
        assert self.allauth("DELETE", "auth/session").status_code == 401

    def register(self, **changes: Any) -> HttpResponse:
        session = self.session
        body = self.keys.registration(UUID(session["person"]["id"]), session["challenge"])
        return self.api("POST", "devices", body | changes)

    def prove(self) -> HttpResponse:
        proof = self.keys.proof(self.session["challenge"])
        body = {"device_id": str(self.keys.device_id), "proof": text(proof)}
        return self.api("POST", "session/device", body)

    def at_home(self, person: Person) -> "Browser":
        """Logged in, and on a registered device."""
        self.log_in(person)
        assert self.register().status_code == 201
        return self

    def make_token(self, *scopes: str) -> "Script":
        body = {"name": "bot", "scopes": scopes, "expires_in_days": 1}
        answer = self.api("POST", f"devices/{self.keys.device_id}/tokens", body)
        assert answer.status_code == 201
        return Script(token=read(answer)["token"], token_id=read(answer)["id"])


@dataclass
class Script:
    """A program with a token of its owner's device."""

    token: str
    token_id: str = ""

    def api(self, method: str, path: str, body: Any = None) -> HttpResponse:
        client = Client(enforce_csrf_checks=True)
        answer = client.generic(
            method,
            f"/api/v1/{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        return cast("HttpResponse", answer)


def read(answer: HttpResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.content)
    return body


def refusal(answer: HttpResponse) -> tuple[int, str]:
    """Status and code of a problem; anything else is not a refusal of ours."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    body = read(answer)
    assert body["status"] == answer.status_code
    assert body["type"] == f"/docs/errors#{body['code']}"
    return answer.status_code, body["code"]
