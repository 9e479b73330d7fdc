"""A lost secret key is given up on a server where people talk."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Device
from accounts.services import secret_key
from messaging.services.conversations import create_conversation
from tests.accounts.people import Browser, make_person
from tests.messaging.people import member_at

pytestmark = pytest.mark.django_db


def test_conversations_are_not_in_the_way_of_giving_up_a_lost_key(settings: Settings) -> None:
    secret_key.mark_database()
    member = member_at(Browser().at_home(make_person("alice")))
    create_conversation(device=member.device, wanted=member.wants(conversation_id=uuid4()))
    settings.SERVER_SECRET = b"another secret key of 32 bytes.."

    call_command("give_up_lost_key", "--yes")

    assert not Device.objects.filter(revoked_at=None).exists()
    assert secret_key.opens_database()
