"""``/metrics`` counts what happens, tells nobody else, and names nobody."""

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django import Settings

from facelogin.lifecycle import Purpose, State
from facelogin.models import Attempt, Capture
from securechat.config import Config
from securechat_sdk.wire.frames import CloseCode, EntryAppended
from tests.accounts.people import Browser, make_person
from tests.messaging.people import Member, enrol
from tests.messaging.sockets import connected, in_thread
from tests.stories.canaries import leaks

TOKEN = "a token of an operator"


def figure(name: str, **labels: str) -> float:
    """Read this one without asking the database for another."""
    samples = [
        sample.value
        for metric in REGISTRY.restricted_registry([name]).collect()
        for sample in metric.samples
        if (sample.name, sample.labels) == (name, labels)
    ]
    return sum(samples)


@pytest.fixture
def alice(db: None) -> Member:
    return enrol("alice")


@pytest.mark.django_db
def test_this_machine_reads_them_by_address_where_no_token_is_set(client: Client) -> None:
    answer = client.get("/metrics", headers={"Host": "10.0.0.5:8001"})

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert b"securechat_entries_accepted_total" in answer.content
    assert b"securechat_face_queue 0.0" in answer.content


@pytest.mark.parametrize(
    "circumstances",
    [
        {"REMOTE_ADDR": "203.0.113.7"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"HTTP_FORWARDED": "for=203.0.113.7"},
    ],
)
def test_for_others_they_do_not_exist(client: Client, circumstances: dict[str, str]) -> None:
    answer = client.get("/metrics", **circumstances)  # type: ignore[arg-type]  # WSGI's variables

    assert answer.status_code == 404
    assert answer.json() == client.get("/nowhere").json()


@pytest.mark.django_db
def test_with_a_token_they_are_for_whoever_has_it(client: Client, settings: Settings) -> None:
    settings.CONFIG = Config(metrics_token=TOKEN)

    def ask(**headers: str) -> int:
        return client.get("/metrics", headers=headers, REMOTE_ADDR="203.0.113.7").status_code

    assert ask(Authorization=f"Bearer {TOKEN}") == 200
    assert ask(Authorization="Bearer another token") == 404
    assert ask() == 404
    assert client.get("/metrics").status_code == 404


def test_in_production_they_are_off_unless_a_token_is_set(
    client: Client, settings: Settings
) -> None:
    settings.PRODUCTION = True

    assert client.get("/metrics").status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_a_message_is_counted_when_accepted_and_when_delivered(alice: Member) -> None:
    conversation = await in_thread(alice.begins)()
    accepted = figure("securechat_entries_accepted_total", kind="message")
    delivered = figure("securechat_entries_delivered_total")
    lags = figure("securechat_delivery_lag_seconds_count")

    async with connected(alice) as first, connected(alice) as second:
        assert figure("securechat_sockets") == 2
        await first.say(conversation.pk, epoch=0)
        await first.wait_for(EntryAppended)
        await second.wait_for(EntryAppended)

    assert figure("securechat_sockets") == 0
    assert figure("securechat_entries_accepted_total", kind="message") == accepted + 1
    assert figure("securechat_entries_delivered_total") == delivered + 2
    assert figure("securechat_delivery_lag_seconds_count") == lags + 1
    assert figure("securechat_writer_queue") == 0


@pytest.mark.django_db(transaction=True)
async def test_a_refusal_and_a_socket_that_was_ended_are_counted_by_code(alice: Member) -> None:
    conversation = await in_thread(alice.begins)()
    refused = figure("securechat_refusals_total", code="stale_epoch")
    invalid = str(CloseCode.INVALID_FRAME.value)
    closed = figure("securechat_sockets_closed_total", code=invalid)

    async with connected(alice) as socket:
        await socket.say(conversation.pk, epoch=7)
        for _ in range(3):
            await socket.communicator.send_to(text_data="nonsense")
        assert await socket.close_code() == CloseCode.INVALID_FRAME

    assert figure("securechat_refusals_total", code="stale_epoch") == refused + 1
    assert figure("securechat_sockets_closed_total", code=invalid) == closed + 1


@pytest.mark.django_db
def test_logins_are_counted_by_what_came_of_them(client: Client) -> None:
    make_person("ada")
    browser = Browser()
    names = ("password_wrong", "password_right", "code_wrong", "code_right", "logged_in")
    before = {name: figure("securechat_logins_total", outcome=name) for name in names}

    browser.give_password("ada", "not the password")
    browser.give_password("ada")
    browser.give_code("000000")
    browser.give_code()

    after = {name: figure("securechat_logins_total", outcome=name) for name in names}
    assert {name: after[name] - before[name] for name in names} == dict.fromkeys(names, 1)


@pytest.mark.django_db
def test_captures_that_wait_are_counted(client: Client, alice: Member) -> None:
    now = timezone.now()
    attempt = Attempt.objects.create(
        person=alice.person, purpose=Purpose.VERIFICATION, wrapped_for_browser=b"", expires_at=now
    )
    for state in (State.OPEN, State.QUEUED, State.QUEUED, State.REFUSED):
        Capture.objects.create(
            attempt=attempt, nonce=b"", challenge=[], state=state, created_at=now, expires_at=now
        )

    assert b"securechat_face_queue 2.0" in client.get("/metrics").content


@pytest.mark.django_db
def test_they_name_nobody(client: Client, alice: Member) -> None:
    conversation = alice.begins()
    alice.says(conversation, epoch=0)

    shown = client.get("/metrics").content

    secrets = {
        "name": alice.person.username.encode(),
        "display name": alice.person.display_name.encode(),
        "device": str(alice.device.pk).encode(),
        "conversation": str(conversation.pk).encode(),
    }
    assert leaks({"metrics": shown}, secrets) == []
