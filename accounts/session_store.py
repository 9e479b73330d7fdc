"""Django's database sessions, with only the digest of each session key in the database.

A copy of the database must not log anybody in: the cookie holds the key, the row its digest. What a
session holds is sealed for its row; it may be a secret, as while one-time codes are enrolled.
"""

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.errors import SealBroken
from accounts.events import publish_access_ended
from accounts.models import Device
from accounts.sealing import seal, unseal
from accounts.services.devices import hold_devices
from accounts.services.logins import DEVICE_KEY

DIGEST_CHARACTERS = 40  # as long as Django's column: 160 bits


class SessionStore(DatabaseStore):
    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        if key is not None:
            row = Session.objects.filter(
                session_key=digest_of(key), expire_date__gt=timezone.now()
            ).first()
            if row is not None:
                return row
        self._session_key = None
        return None

    def encode(self, session_dict: dict[str, Any]) -> str:
        place = _place_of(self._digest())
        return b64encode(seal(json.dumps(session_dict).encode(), **place)).decode()

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """Nothing, for a row that this server did not seal for this session."""
        return _open(self._digest(), session_data)

    def _digest(self) -> str:
        key: str = self._get_or_create_session_key()  # type: ignore[attr-defined]  # no stub
        return digest_of(key)

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        return row

    @transaction.atomic
    def delete(self, session_key: str | None = None) -> None:
        """End the session: what it was used for is stored before this returns, or refused."""
        key = session_key or self.session_key
        if key is not None:
            row = Session.objects.filter(session_key=digest_of(key)).first()
            bound_to = _open(row.session_key, row.session_data).get(DEVICE_KEY) if row else None
            if bound_to is not None:
                hold_devices(Device.objects.filter(pk=bound_to))
            super().delete(digest_of(key))
            publish_access_ended()

    # The asynchronous ways of Django's own store would write the key itself; these use the above.
    aload = SessionBase.aload
    aexists = SessionBase.aexists
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    adelete = SessionBase.adelete


def _open(digest: str, session_data: str | bytes) -> dict[str, Any]:
    try:
        data = unseal(b64decode(session_data), **_place_of(digest))
        session: dict[str, Any] = json.loads(data)
    except (SealBroken, ValueError):
        return {}
    return session


def _place_of(digest: str) -> dict[str, str]:
    return {"table": "django_session", "row": digest, "column": "session_data"}


def digest_of(session_key: str) -> str:
    return sha256(session_key.encode()).hexdigest()[:DIGEST_CHARACTERS]
