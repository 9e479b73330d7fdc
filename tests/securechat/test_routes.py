"""Every route of the API for everybody, on their own things and on others'.

A route that has no line here fails. What is asked about belongs to Bob; whoever else may ask for
such things gets the answer of what is not there.
"""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, cast
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import Device, Role, Scope
from accounts.services.devices import revoke_device
from facelogin import consent
from messaging.models import Attachment, Conversation, Welcome
from securechat.urls import urlpatterns
from tests.accounts.people import PASSWORD, Browser, Script, make_person, read, text
from tests.messaging.people import Member, member_at, message, submission_of
from tests.securechat.routes import API, Route, api_routes

pytestmark = pytest.mark.django_db

Refusal = tuple[int, str]
NOT_AUTHENTICATED: Refusal = (401, "not_authenticated")
SECOND_FACTOR: Refusal = (403, "second_factor_required")
DEVICE: Refusal = (403, "device_required")
FORBIDDEN: Refusal = (403, "forbidden")
SCOPE: Refusal = (403, "scope_missing")
CSRF: Refusal = (403, "csrf_failed")
NOT_FOUND: Refusal = (404, "not_found")
NO_FACE_AWAITED: Refusal = (409, "face_not_enrolled")


class Need(Enum):
    """What a session has to have come to."""

    NOTHING = auto()
    A_LOOK = auto()  # not even a token that is right, if there is one: the face knows none
    A_PAGE = auto()  # of ours: the CSRF header
    A_PERSON = auto()  # whose password was accepted; the face's services ask for it
    THE_ATTEMPT = auto()  # the enrolment or login that a capture belongs to
    A_FACE_STAGE = auto()  # nobody here has one
    SECOND_FACTOR = auto()
    A_DEVICE = auto()
    A_TOKEN = auto()  # and no session
    ADMINISTRATOR = auto()


@dataclass(frozen=True)
class Line:
    need: Need
    scope: Scope | None = None  # with which a token may as well
    is_owned: bool = False


READ, WRITE = Scope.MESSAGES_READ, Scope.MESSAGES_WRITE
DOCUMENTATION = {("schema", "GET"), ("api-docs", "GET")}  # for whoever asks

ROUTES = {
    ("session", "GET"): Line(Need.NOTHING),
    ("session-device", "GET"): Line(Need.A_DEVICE),
    ("session-device", "POST"): Line(Need.SECOND_FACTOR),
    ("devices", "GET"): Line(Need.A_DEVICE),
    ("devices", "POST"): Line(Need.SECOND_FACTOR),
    ("device", "PATCH"): Line(Need.A_DEVICE, is_owned=True),
    ("device", "DELETE"): Line(Need.A_DEVICE, is_owned=True),
    ("device-tokens", "GET"): Line(Need.A_DEVICE, is_owned=True),
    ("device-tokens", "POST"): Line(Need.A_DEVICE, is_owned=True),
    ("token", "DELETE"): Line(Need.A_DEVICE, is_owned=True),
    ("socket-tickets", "POST"): Line(Need.A_TOKEN, READ),
    ("invitations", "GET"): Line(Need.ADMINISTRATOR),
    ("invitations", "POST"): Line(Need.ADMINISTRATOR),
    ("invitation", "DELETE"): Line(Need.ADMINISTRATOR),
    ("invitation-lookup", "POST"): Line(Need.A_PAGE),
    ("invitation-acceptance", "POST"): Line(Need.A_PAGE),
    ("people", "GET"): Line(Need.A_DEVICE, Scope.PEOPLE_READ),
    ("person", "GET"): Line(Need.A_DEVICE, Scope.PEOPLE_READ),
    ("face", "GET"): Line(Need.A_LOOK),
    ("face", "DELETE"): Line(Need.A_PERSON),
    ("face-alerts", "DELETE"): Line(Need.SECOND_FACTOR),
    ("face-enrolments", "POST"): Line(Need.A_PERSON),
    ("face-verifications", "POST"): Line(Need.A_FACE_STAGE),
    ("face-capture", "GET"): Line(Need.THE_ATTEMPT, is_owned=True),
    ("face-frames", "PUT"): Line(Need.THE_ATTEMPT, is_owned=True),
    ("face-preview", "POST"): Line(Need.THE_ATTEMPT, is_owned=True),
    ("face-completion", "POST"): Line(Need.THE_ATTEMPT, is_owned=True),
    ("face-decline", "POST"): Line(Need.A_FACE_STAGE),
    ("messaging-settings", "GET"): Line(Need.A_DEVICE, READ),
    ("key-packages", "GET"): Line(Need.A_DEVICE, Scope.KEYS_WRITE),
    ("key-packages", "POST"): Line(Need.A_DEVICE, Scope.KEYS_WRITE),
    ("key-package-claims", "POST"): Line(Need.A_DEVICE, WRITE),
    ("conversations", "GET"): Line(Need.A_DEVICE, READ),
    ("conversations", "POST"): Line(Need.A_DEVICE, WRITE),
    ("conversation", "GET"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("conversation", "PATCH"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("entries", "GET"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("messages", "POST"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("commits", "POST"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("proposals", "POST"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("tree", "GET"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("group", "GET"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("failure-reports", "POST"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("delivery", "POST"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("conversation-attachments", "POST"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("attachments", "GET"): Line(Need.A_DEVICE, WRITE),
    ("attachment", "GET"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("attachment", "PATCH"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("attachment", "DELETE"): Line(Need.A_DEVICE, WRITE, is_owned=True),
    ("attachment-content", "GET"): Line(Need.A_DEVICE, READ, is_owned=True),
    ("welcomes", "GET"): Line(Need.A_DEVICE, READ),
    ("welcome", "DELETE"): Line(Need.A_DEVICE, WRITE, is_owned=True),
}
FREE = frozenset({Need.NOTHING, Need.A_LOOK, Need.A_PAGE})
KNOWN = FREE | {Need.A_PERSON}
SATISFIED = KNOWN | {Need.SECOND_FACTOR}
AT_HOME = SATISFIED | {Need.A_DEVICE}
# A capture is found by the browser of its attempt alone; a face is its owner's business.
NO_ATTEMPT = {
    Need.THE_ATTEMPT: NOT_FOUND,
    Need.A_FACE_STAGE: NO_FACE_AWAITED,
    Need.A_TOKEN: NOT_AUTHENTICATED,
}
NOBODY = {**NO_ATTEMPT, Need.A_PERSON: SECOND_FACTOR}
WITHOUT_DEVICE = {**NO_ATTEMPT, Need.ADMINISTRATOR: FORBIDDEN}
# The face does not look at tokens: to it, a script is a stranger without our page.
FACELESS = dict.fromkeys((Need.A_PERSON, Need.THE_ATTEMPT, Need.A_FACE_STAGE), CSRF)
A_SCRIPT = {**FACELESS, Need.A_PAGE: CSRF}


@dataclass
class Place:
    """Bob at his browser, with one of everything."""

    owner: Browser
    member: Member
    conversation: Conversation
    ids: dict[str, str]


@dataclass(frozen=True)
class Caller:
    """How far somebody has come, and how they are refused what needs more."""

    arrives: Callable[[Place], Browser | Script]
    has: frozenset[Need]
    refused: Refusal
    refusals: dict[Need, Refusal] = field(default_factory=dict)
    scopes: frozenset[Scope] = frozenset()
    is_owner: bool = False

    def is_refused(self, line: Line, method: str) -> Refusal | None:
        """Return how; nothing for whoever gets an answer to the matter itself."""
        if line.need not in self.has and line.scope not in self.scopes:
            refused = self.refusals.get(line.need, self.refused)
            is_read = method == "GET" and refused == CSRF
            return NOT_FOUND if is_read else refused  # only the capture can be read by the face
        return NOT_FOUND if line.is_owned and not self.is_owner else None


def somebody(role: Role = Role.MEMBER, *, has_codes: bool = True) -> Any:
    return make_person("somebody", role=role, has_codes=has_codes)


def at_a_code(_place: Place) -> Browser:
    browser = Browser()
    browser.give_password(somebody().username)
    return browser


def without_a_factor(_place: Place) -> Browser:
    browser = Browser()
    browser.give_password(somebody(has_codes=False).username)
    return browser


def at_home(role: Role) -> Callable[[Place], Browser]:
    return lambda _place: Browser().at_home(somebody(role))


def elsewhere(role: Role) -> Callable[[Place], Browser]:
    return lambda _place: Browser().log_in(somebody(role))


def with_a_token(*scopes: Scope) -> Callable[[Place], Script]:
    return lambda _place: Browser().at_home(somebody(Role.ADMINISTRATOR)).make_token(*scopes)


def on_a_revoked_device(place: Place) -> Browser:
    revoke_device(device=Device.objects.get(pk=place.owner.keys.device_id))
    return place.owner


def with_a_token_of_a_revoked_device(place: Place) -> Script:
    script = place.owner.make_token(*Scope)
    on_a_revoked_device(place)
    return script


CALLERS = {
    "nobody": Caller(lambda _place: Browser(), FREE, NOT_AUTHENTICATED, NOBODY),
    "somebody at the second factor": Caller(at_a_code, FREE, NOT_AUTHENTICATED, NOBODY),
    "somebody without a factor": Caller(without_a_factor, KNOWN, SECOND_FACTOR, NO_ATTEMPT),
    "a member elsewhere": Caller(elsewhere(Role.MEMBER), SATISFIED, DEVICE, WITHOUT_DEVICE),
    "an administrator elsewhere": Caller(
        elsewhere(Role.ADMINISTRATOR), SATISFIED | {Need.ADMINISTRATOR}, DEVICE, NO_ATTEMPT
    ),
    "the owner": Caller(
        lambda place: place.owner,
        AT_HOME | {Need.THE_ATTEMPT},
        FORBIDDEN,
        NO_ATTEMPT,
        is_owner=True,
    ),
    "another member": Caller(at_home(Role.MEMBER), AT_HOME, FORBIDDEN, NO_ATTEMPT),
    "an auditor": Caller(at_home(Role.AUDITOR), AT_HOME, FORBIDDEN, NO_ATTEMPT),
    "an administrator": Caller(
        at_home(Role.ADMINISTRATOR), AT_HOME | {Need.ADMINISTRATOR}, FORBIDDEN, NO_ATTEMPT
    ),
    "the owner's script": Caller(
        lambda place: place.owner.make_token(*Scope),
        frozenset({Need.NOTHING, Need.A_LOOK}),
        SCOPE,
        A_SCRIPT,
        scopes=frozenset(Scope),
        is_owner=True,
    ),
    **{
        f"a script with {scope}": Caller(
            with_a_token(scope),
            frozenset({Need.NOTHING, Need.A_LOOK}),
            SCOPE,
            A_SCRIPT,
            scopes=frozenset({scope}),
        )
        for scope in Scope
    },
    "the owner on a revoked device": Caller(on_a_revoked_device, FREE, NOT_AUTHENTICATED, NOBODY),
    "a script of a revoked device": Caller(
        with_a_token_of_a_revoked_device, frozenset({Need.A_LOOK}), NOT_AUTHENTICATED, FACELESS
    ),
}


@pytest.fixture
def place(db: None) -> Place:
    cache.clear()
    administrator = make_person("ada", role=Role.ADMINISTRATOR)
    inviting = Browser().log_in(administrator)
    invitation = read(inviting.api("POST", "invitations", {"username": "carol"}))
    owner = Browser().at_home(make_person("bob"))
    member = member_at(owner)
    conversation = member.begins()
    welcome = Welcome.objects.create(
        device_id=owner.keys.device_id, conversation=conversation, position=1, epoch=0, data=b"w"
    )
    capture = read(owner.api("POST", "face/enrolments", CONSENT))
    return Place(
        owner,
        member,
        conversation,
        {
            "device_id": str(owner.keys.device_id),
            "token_id": owner.make_token(Scope.PEOPLE_READ).token_id,
            "invitation_id": invitation["id"],
            "person_id": str(administrator.pk),
            "capture_id": capture["id"],
            "conversation_id": str(conversation.pk),
            "welcome_id": str(welcome.pk),
            "attachment_id": str(an_attachment(conversation).pk),
        },
    )


def an_attachment(conversation: Conversation) -> Attachment:
    """It is there as a whole, so it can be read; nothing looks into the store for that here."""
    return Attachment.objects.create(
        id=uuid4(),
        conversation=conversation,
        uploader=conversation.created_by,
        message_id=uuid4(),
        size=1,
        received=1,
        part_size=1,
    )


CONSENT = {"consent_version": consent.VERSION, "password": PASSWORD}
QUERIES = {"tree": "?epoch=0"}
FORMS = {
    "face-frames": encode_multipart(
        BOUNDARY,
        {
            "nonce": text(bytes(16)),
            "steps": "[0]",
            "frames": [SimpleUploadedFile("frame.jpg", b"no picture")],
        },
    ),
    "face-preview": encode_multipart(
        BOUNDARY,
        {"nonce": text(bytes(16)), "frame": SimpleUploadedFile("frame.jpg", b"no picture")},
    ),
}


def new_commit(member: Member, conversation: Conversation) -> dict[str, Any]:
    made = submission_of(conversation.pk, member.prepares(conversation))
    return {
        "message_id": str(made.message_id),
        "commit": text(made.commit),
        "group_info": text(made.group_info),
        "welcome": None,
    }


BODIES: dict[str, Callable[[Member, Conversation], dict[str, Any]]] = {
    "face-enrolments": lambda _member, _conversation: CONSENT,
    "messages": lambda _member, conversation: {
        "message_id": str(uuid4()),
        "ciphertext": text(message(conversation.pk, 0)),
    },
    "commits": new_commit,
    "proposals": lambda member, conversation: {
        "message_id": str(uuid4()),
        "proposal": text(member.proposes_to_leave(conversation)),
    },
    "conversation-attachments": lambda _member, _conversation: {
        "id": str(uuid4()),
        "message_id": str(uuid4()),
        "size": 1,
    },
    "conversation": lambda _member, _conversation: {"retention_seconds": None},
    "failure-reports": lambda _member, _conversation: {"position": 1, "code": "not_allowed"},
    "delivery": lambda _member, _conversation: {"position": 0},
}


def body_for(name: str, place: Place) -> Any:
    """Return what is well formed, so that what is refused is the caller."""
    if name not in BODIES:
        return {}
    return BODIES[name](place.member, place.conversation)


def ask(caller: Browser | Script, route: Route, method: str, place: Place) -> HttpResponse:
    path = route.template.removeprefix(API).format(**place.ids) + QUERIES.get(route.name, "")
    if route.name in FORMS and isinstance(caller, Browser):
        return submit(caller, path, method, FORMS[route.name])
    if (route.name, method) == ("attachment", "PATCH"):
        return append(caller, path)
    body = None if method == "GET" else body_for(route.name, place)
    return caller.api(method, path, body)


def submit(browser: Browser, path: str, method: str, form: bytes) -> HttpResponse:
    """Send the frames as a page does: as a form."""
    browser.api("GET", "session")
    answer = browser.client.generic(
        method,
        f"/{API}{path}",
        form,
        content_type=MULTIPART_CONTENT,
        headers={"X-CSRFToken": browser.client.cookies["csrftoken"].value},
    )
    return cast("HttpResponse", answer)


def append(caller: Browser | Script, path: str) -> HttpResponse:
    """Send a part of a file: bytes, and where they begin."""
    client = caller.client if isinstance(caller, Browser) else Client(enforce_csrf_checks=True)
    if isinstance(caller, Browser):
        caller.api("GET", "session")
        headers = {"X-CSRFToken": caller.client.cookies["csrftoken"].value}
    else:
        headers = {"Authorization": f"Bearer {caller.token}"}
    answer = client.generic(
        "PATCH",
        f"/{API}{path}",
        b"part",
        content_type="application/partial-upload",
        headers={**headers, "Upload-Offset": "1"},
    )
    return cast("HttpResponse", answer)


@contextmanager
def undone(caller: Browser | Script) -> Iterator[None]:
    """Whatever is done inside has not happened afterwards, so each route meets the same world."""
    cookies = copy.deepcopy(caller.client.cookies) if isinstance(caller, Browser) else None
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    if isinstance(caller, Browser) and cookies is not None:
        caller.client.cookies = cookies


ANSWERED = [(route, method) for route in api_routes(urlpatterns) for method in route.methods]


def test_every_route_has_its_line() -> None:
    assert {(route.name, method) for route, method in ANSWERED} == set(ROUTES) | DOCUMENTATION


@pytest.mark.parametrize("name", CALLERS)
def test_everybody_gets_what_is_theirs(place: Place, name: str) -> None:
    caller = CALLERS[name]
    somebody = caller.arrives(place)

    for route, method in ANSWERED:
        if (route.name, method) in DOCUMENTATION:
            continue
        with undone(somebody):
            answer = ask(somebody, route, method, place)
        shown = "a stream" if answer.streaming else answer.content[:200]
        what = f"{name}: {method} {route.name}: {answer.status_code} {shown!r}"
        refused = caller.is_refused(ROUTES[route.name, method], method)
        if refused is None:
            assert answer.status_code not in {401, 403, 404, 405}, what
        else:
            assert (answer.status_code, json.loads(answer.content)["code"]) == refused, what


@pytest.mark.parametrize("method", ["QUERY", "TRACE", "PROPFIND", "LINK"])
def test_other_methods_are_refused_to_everybody_alike(place: Place, method: str) -> None:
    for caller in (Browser(), place.owner, Script("sct_nothing")):
        for route, answered in ANSWERED:
            if (route.name, answered) in DOCUMENTATION:
                continue
            answer = ask(caller, route, method, place)
            assert answer.status_code == 405, (route.name, answer.content)
            assert set(route.methods) <= set(answer["Allow"].split(", ")), route.name


@pytest.mark.parametrize(
    "header", ["", " ", "Bearer", "Bearer ", "Basic YTpi", "sct_x", "Bearer  x"]
)
def test_a_session_does_not_make_good_a_wrong_token(place: Place, header: str) -> None:
    answer = place.owner.client.get("/api/v1/devices", headers={"Authorization": header})
    alone = place.owner.client.get("/api/v1/devices")

    assert (answer.status_code, alone.status_code) == (401, 200)
