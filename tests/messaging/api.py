"""A script that speaks to the REST API with a token of one device."""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from django.test import Client

from accounts.models import Scope
from accounts.services.tokens import issue_token
from messaging.services.commits import Submission
from tests.messaging.people import Member


@dataclass
class Api:
    """A script that calls the API with a token of one device."""

    client: Client
    token: str

    def get(self, path: str, status: int = 200) -> Any:
        return self._read(self.client.get(self._address(path), headers=self._headers()), status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self._read(self.client.delete(self._address(path), headers=self._headers()), status)

    def post(self, path: str, body: object, status: int = 201) -> Any:
        response = self.client.post(
            self._address(path), json.dumps(body), "application/json", headers=self._headers()
        )
        return self._read(response, status)

    def raw(self, path: str) -> bytes:
        return bytes(self.client.get(self._address(path), headers=self._headers()).content)

    def _address(self, path: str) -> str:
        return f"/api/v1/{path}"

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def _read(self, response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        return json.loads(response.content) if response.content else None


def api_of(member: Member, *scopes: Scope) -> Api:
    _, secret = issue_token(
        device=member.device, name="test", scopes=scopes or tuple(Scope), expires_in_days=1
    )
    return Api(Client(), secret)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def commit_body(submission: Submission) -> dict[str, Any]:
    return {
        "message_id": str(submission.message_id),
        "commit": base64(submission.commit),
        "group_info": base64(submission.group_info),
        "welcome": base64(submission.welcome) if submission.welcome else None,
    }
