import re
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.base import SessionBase as SessionStore
from django.template.response import TemplateResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Person, Role
from facelogin.admin import ConsentAdmin, JudgementAdmin, TemplateAdmin
from facelogin.models import Consent, Event, Judgement, Template
from facelogin.services import keys

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(alice: Person) -> Template:
    Consent.objects.create(person=alice, version="1", given_at=timezone.now())
    return Template.objects.create(
        person=alice,
        model="a-model",
        version=1,
        key_salt=bytes(16),
        server_key=keys.current_key(),
        wrapped_key=b"wrapped",
        sealed=b"sealed",
        created_at=timezone.now(),
    )


def test_administrators_see_who_and_when_and_never_what() -> None:
    shown = {*TemplateAdmin.list_display, *TemplateAdmin.fields}

    assert shown == {"person", "created_at", "model", "version"}
    assert not {"sealed", "wrapped_key", "key_salt"} & {*ConsentAdmin.fields, *shown}


@pytest.mark.parametrize(
    ("role", "erases"),
    [(Role.ADMINISTRATOR, True), (Role.AUDITOR, False), (Role.MEMBER, False)],
)
def test_only_an_administrator_erases(alice: Person, role: str, *, erases: bool) -> None:
    request = RequestFactory().get("/admin/")
    alice.role = role
    request.user = alice
    pages = TemplateAdmin(Template, site)

    assert pages.has_erase_permission(request) is erases
    assert not pages.has_add_permission(request)
    assert not pages.has_change_permission(request)
    assert not pages.has_delete_permission(request)


def test_erasing_takes_the_template_ends_the_consent_and_is_written_down(
    template: Template, bob: Person
) -> None:
    request = RequestFactory().post("/admin/")
    request.user = bob
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]  # as the middleware

    TemplateAdmin(Template, site).erase(request, Template.objects.all())

    assert not Template.objects.exists()
    assert Consent.objects.get(person=template.person).withdrawn_at is not None
    entry = LogEntry.objects.get(user=bob)
    assert entry.is_deletion()
    assert entry.content_type == ContentType.objects.get_for_model(Template)
    assert Event.objects.get(person=template.person).kind == Event.Kind.ERASED


def test_the_page_of_the_queue_says_how_long_one_waits(alice: Person) -> None:
    now = timezone.now()
    for seconds in (1, 2, 9):
        Judgement.objects.create(queued_at=now - timedelta(seconds=seconds), decided_at=now)
    request = RequestFactory().get("/admin/")
    alice.role = Role.AUDITOR
    request.user = alice
    request.session = SessionStore()

    page = JudgementAdmin(Judgement, site).changelist_view(request)

    assert isinstance(page, TemplateResponse)
    text = page.render().content.decode()
    assert re.search(r"Waiting now</th><td>0<", text)
    assert re.search(r"Judged in the last hour</th><td>3<", text)
    assert re.search(r"Half of them within</th><td>2.0 s<", text)
