"""A browser that logs in with a face, as the routes see it."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import Person
from facelogin import consent

# Django's own name for an answer to a test client, which has json().
Answer = Any

PASSWORD = "correct horse battery staple"


class Browser:
    """Cookies, CSRF header, JSON and forms."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        return self.send(method, path, json.dumps(body or {}).encode(), "application/json")

    def send(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        if "csrftoken" not in self.client.cookies:
            self.client.get("/api/v1/session")
        token = self.client.cookies["csrftoken"].value
        return self.client.generic(method, path, body, content_type, headers={"X-CSRFToken": token})

    def face(self, method: str, path: str = "", body: Any = None) -> Answer:
        return self.call(method, f"/api/v1/face{path}", body)

    @property
    def session(self) -> dict[str, Any]:
        return dict(self.client.get("/api/v1/session").json())

    @property
    def state(self) -> str:
        return str(self.session["state"])

    def give_password(self, person: Person, password: str = PASSWORD) -> Answer:
        body = {"username": person.username, "password": password}
        return self.call("POST", "/_allauth/browser/v1/auth/login", body)

    def start_enrolment(self, **changes: str) -> Answer:
        body = {"consent_version": consent.VERSION, "password": PASSWORD} | changes
        return self.face("POST", "/enrolments", body)

    @property
    def face_secret(self) -> bytes:
        return urlsafe_b64decode(self.client.cookies["face_secret"].value)

    def make_recovery_codes(self) -> list[str]:
        answer = self.call("POST", "/_allauth/browser/v1/account/authenticators/recovery-codes")
        assert answer.status_code == HTTPStatus.OK, answer.content
        codes: list[str] = answer.json()["data"]["unused_codes"]
        return codes

    def start_verification(self) -> Answer:
        return self.face("POST", "/verifications")

    def submit(self, capture: dict[str, Any], frames: Sequence[bytes], /, **changes: Any) -> Answer:
        length = len(capture["challenge"])
        steps = [number * length // max(1, len(frames)) for number in range(len(frames))]
        form = {
            "nonce": capture["nonce"],
            "steps": json.dumps(steps),
            "frames": [SimpleUploadedFile("frame.jpg", frame) for frame in frames],
        } | changes
        body = encode_multipart(BOUNDARY, form)
        path = f"/api/v1/face/captures/{capture['id']}/frames"
        with TestCase.captureOnCommitCallbacks(execute=True):  # the job is queued
            return self.send("PUT", path, body, MULTIPART_CONTENT)

    def preview(self, capture: dict[str, Any], frame: bytes, /, **changes: Any) -> Answer:
        form = {
            "nonce": capture["nonce"],
            "frame": SimpleUploadedFile("frame.jpg", frame),
        } | changes
        body = encode_multipart(BOUNDARY, form)
        path = f"/api/v1/face/captures/{capture['id']}/preview"
        return self.send("POST", path, body, MULTIPART_CONTENT)

    def look_at(self, capture: dict[str, Any]) -> dict[str, Any]:
        return dict(self.face("GET", f"/captures/{capture['id']}").json())

    def complete(self, capture: dict[str, Any]) -> Answer:
        return self.face("POST", f"/captures/{capture['id']}/completion")


def id_of(capture: dict[str, Any]) -> UUID:
    return UUID(capture["id"])
