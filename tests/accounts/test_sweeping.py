"""What has expired goes; what may still be used stays."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db.models import Model
from django.utils import timezone

from accounts.models import (
    Device,
    DeviceToken,
    Person,
    SocketTicket,
    Spending,
    SpentCode,
)
from accounts.services import guesses, tickets, tokens
from tests.accounts.people import Browser

pytestmark = pytest.mark.django_db

ALL: tuple[type[Model], ...] = (
    Session,
    SocketTicket,
    SpentCode,
    Spending,
    DeviceToken,
)


@pytest.fixture
def one_of_each(browser: Browser, alice: Person) -> None:
    browser.at_home(alice)
    device = Device.objects.get()
    token, _ = tokens.issue_token(device=device, name="bot", scopes=[], expires_in_days=1)
    tickets.issue_ticket(token=token)
    guesses.spend_guess(person=alice)


def counts() -> set[int]:
    return {model._default_manager.count() for model in ALL}


def test_what_may_still_be_used_stays(one_of_each: None) -> None:
    call_command("sweep", stdout=StringIO())

    assert counts() == {1}


def test_what_has_expired_goes(one_of_each: None) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    Session.objects.update(expire_date=long_ago)
    SocketTicket.objects.update(expires_at=long_ago)
    SpentCode.objects.update(expires_at=long_ago)
    Spending.objects.update(renews_at=long_ago)
    DeviceToken.objects.update(created_at=long_ago - timedelta(days=1), expires_at=long_ago)

    call_command("sweep", stdout=StringIO())

    assert counts() == {0}


def test_a_token_is_listed_for_a_while_after_its_end(browser: Browser, one_of_each: None) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    DeviceToken.objects.update(created_at=yesterday - timedelta(days=1), expires_at=yesterday)

    call_command("sweep", stdout=StringIO())

    assert DeviceToken.objects.count() == 1
