"""Every route, for everybody: a route that is missing here fails."""

from collections.abc import Callable

import pytest
from django.urls import URLPattern

from accounts.models import Invitation, Person, Role
from accounts.urls import api_urlpatterns
from tests.accounts.people import Browser, Script, make_person, read

pytestmark = pytest.mark.django_db

ANYBODY = "anybody"
SATISFIED = "satisfied"
ON_DEVICE = "on device"
READER = "on device, or a token for people"
SOCKET = "on device, or a token for messages"
ADMINISTRATOR = "administrator"

# Who may call what. Whoever may gets anything but 401 and 403.
ROUTES = {
    ("session", "GET"): ANYBODY,
    ("session-device", "GET"): ON_DEVICE,
    ("session-device", "POST"): SATISFIED,
    ("devices", "GET"): ON_DEVICE,
    ("devices", "POST"): SATISFIED,
    ("device", "PATCH"): ON_DEVICE,
    ("device", "DELETE"): ON_DEVICE,
    ("device-tokens", "GET"): ON_DEVICE,
    ("device-tokens", "POST"): ON_DEVICE,
    ("token", "DELETE"): ON_DEVICE,
    ("socket-tickets", "POST"): SOCKET,
    ("invitations", "GET"): ADMINISTRATOR,
    ("invitations", "POST"): ADMINISTRATOR,
    ("invitation", "DELETE"): ADMINISTRATOR,
    ("invitation-lookup", "POST"): ANYBODY,
    ("invitation-acceptance", "POST"): ANYBODY,
    ("people", "GET"): READER,
    ("person", "GET"): READER,
}


def anonymous() -> Browser:
    return Browser()


def at_the_second_factor() -> Browser:
    browser = Browser()
    browser.give_password(make_person("someone").username)
    return browser


def without_a_factor() -> Browser:
    browser = Browser()
    browser.give_password(make_person("someone", has_codes=False).username)
    return browser


def member_elsewhere() -> Browser:
    return Browser().log_in(make_person("someone"))


def member_at_home() -> Browser:
    return Browser().at_home(make_person("someone"))


def auditor_at_home() -> Browser:
    return Browser().at_home(make_person("someone", role=Role.AUDITOR))


def administrator_elsewhere() -> Browser:
    return Browser().log_in(make_person("someone", role=Role.ADMINISTRATOR))


def administrator_at_home() -> Browser:
    return Browser().at_home(make_person("someone", role=Role.ADMINISTRATOR))


def script_for_people() -> Script:
    return administrator_at_home().make_token("people:read")


def script_for_messages() -> Script:
    return administrator_at_home().make_token("messages:read", "messages:write", "keys:write")


# What each may, and the refusal for all else.
CALLERS: dict[Callable[[], Browser | Script], tuple[set[str], int]] = {
    anonymous: ({ANYBODY}, 401),
    at_the_second_factor: ({ANYBODY}, 401),
    without_a_factor: ({ANYBODY}, 403),
    member_elsewhere: ({ANYBODY, SATISFIED}, 403),
    member_at_home: ({ANYBODY, SATISFIED, ON_DEVICE, READER, SOCKET}, 403),
    auditor_at_home: ({ANYBODY, SATISFIED, ON_DEVICE, READER, SOCKET}, 403),
    administrator_elsewhere: ({ANYBODY, SATISFIED, ADMINISTRATOR}, 403),
    administrator_at_home: (
        {ANYBODY, SATISFIED, ON_DEVICE, READER, SOCKET, ADMINISTRATOR},
        403,
    ),
    script_for_people: ({READER}, 403),
    script_for_messages: ({SOCKET}, 403),
}


@pytest.fixture
def places(administrator: Person) -> dict[str, str]:
    """An address for every route, with rows that belong to Bob or to all."""
    home = Browser().at_home(make_person("bob"))
    script = home.make_token("people:read")
    inviting = Browser().log_in(administrator)
    invitation = read(inviting.api("POST", "invitations", {"username": "carol"}))["id"]
    device = str(home.keys.device_id)
    return {
        "device": f"devices/{device}",
        "device-tokens": f"devices/{device}/tokens",
        "token": f"tokens/{script.token_id}",
        "invitation": f"invitations/{invitation}",
        "invitation-lookup": "invitations/lookup",
        "invitation-acceptance": "invitations/acceptance",
        "person": f"people/{administrator.pk}",
        "session-device": "session/device",
    }


def test_every_route_has_its_line() -> None:
    implemented = {
        (route.name, method.upper())
        for route in api_urlpatterns
        if isinstance(route, URLPattern)
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(route.callback.view_class, method)  # type: ignore[attr-defined]
    }

    assert implemented == set(ROUTES)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.__name__)
def test_everybody_gets_what_is_theirs(
    places: dict[str, str], caller: Callable[[], Browser | Script]
) -> None:
    may, refused = CALLERS[caller]
    somebody = caller()

    for (name, method), need in ROUTES.items():
        if isinstance(somebody, Script) and need == ANYBODY:
            continue  # a page's calls; a script has no use for them
        answer = somebody.api(method, places.get(name, name), None if method == "GET" else {})
        allowed = need in may
        assert (answer.status_code not in {401, 403}) is allowed, (name, method, answer.content)
        if not allowed:
            assert answer.status_code == refused, (name, method)


def test_nothing_of_others_was_touched(places: dict[str, str]) -> None:
    mallory = Browser().at_home(make_person("mallory"))

    for name, method in ROUTES:
        if name in {"device", "device-tokens", "token"}:
            body = {"name": "m", "scopes": ["people:read"], "expires_in_days": 1}
            assert mallory.api(method, places[name], body).status_code == 404, (name, method)

    assert Invitation.objects.get().revoked_at is None
