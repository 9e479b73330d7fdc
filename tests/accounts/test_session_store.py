"""A copy of the session table logs nobody in."""

from base64 import b64decode

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session

from accounts.session_store import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> SessionStore:
    made = SessionStore()
    made["word"] = "heron"
    made.save()
    return made


def key_of(session: SessionStore) -> str:
    assert session.session_key is not None
    return session.session_key


def test_the_cookie_opens_the_session(session: SessionStore) -> None:
    assert SessionStore(key_of(session))["word"] == "heron"


def test_what_stands_in_the_database_does_not(session: SessionStore) -> None:
    stored = Session.objects.get().session_key

    assert stored != key_of(session)
    assert SessionStore(stored).load() == {}


def test_what_a_session_holds_is_sealed_for_it_alone(session: SessionStore) -> None:
    row = Session.objects.get()
    other = SessionStore()
    other.save()

    Session.objects.exclude(pk=row.pk).update(session_data=row.session_data)

    assert "heron" not in row.session_data
    assert b"heron" not in b64decode(row.session_data)
    assert SessionStore(key_of(other)).load() == {}
    assert SessionStore(key_of(session)).load() == {"word": "heron"}


@pytest.mark.parametrize("damage", ["", "ä", "AAAA", "AQ=="])
def test_a_row_this_server_did_not_seal_is_an_empty_session(
    session: SessionStore, damage: str
) -> None:
    Session.objects.update(session_data=damage)

    assert SessionStore(key_of(session)).load() == {}


def test_a_deleted_session_is_gone(session: SessionStore) -> None:
    key = key_of(session)

    session.delete()

    assert SessionStore(key).load() == {}
    assert not Session.objects.exists()


def test_a_new_key_keeps_the_content_and_ends_the_old_one(session: SessionStore) -> None:
    old = key_of(session)

    session.cycle_key()

    assert SessionStore(key_of(session))["word"] == "heron"
    assert SessionStore(old).load() == {}


@pytest.mark.django_db(transaction=True)
def test_the_asynchronous_way_does_not_store_the_key_either(session: SessionStore) -> None:
    session["word"] = "crane"
    async_to_sync(session.asave)()

    assert Session.objects.get().session_key != key_of(session)
    assert async_to_sync(SessionStore(key_of(session)).aload)() == {"word": "crane"}
