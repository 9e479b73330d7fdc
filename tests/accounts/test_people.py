"""Finding people, and what they are."""

import uuid

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Device, Person, Role
from accounts.names import normalise_username
from tests.accounts.people import Browser, make_person, read, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_home(browser: Browser, alice: Person) -> Browser:
    return browser.at_home(alice)


def names(browser: Browser, query: str) -> list[str]:
    return [person["username"] for person in read(browser.api("GET", query))["results"]]


def test_people_are_found_by_either_name(at_home: Browser, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(display_name="Robert Paulson")

    assert names(at_home, "people") == ["alice", "bob"]
    assert names(at_home, "people?search=BOB") == ["bob"]
    assert names(at_home, "people?search=paul+rob") == ["bob"]
    assert names(at_home, "people?search=rob+alice") == []
    assert names(at_home, "people?search=%25") == []


def test_a_person_is_shown_with_the_identity_key(at_home: Browser, alice: Person) -> None:
    shown = read(at_home.api("GET", f"people/{alice.pk}"))

    assert set(shown) == {"id", "username", "display_name", "role", "identity_key"}
    assert len(shown["identity_key"]) == 44


def test_deactivated_and_missing_people_look_the_same(at_home: Browser, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(is_active=False)

    inactive = at_home.api("GET", f"people/{bob.pk}")
    missing = at_home.api("GET", f"people/{uuid.uuid4()}")

    assert names(at_home, "people") == ["alice"]
    assert refusal(inactive) == (404, "not_found")
    assert inactive.content == missing.content


def test_pages_hold_while_people_come(at_home: Browser) -> None:
    for number in range(60):
        make_person(f"p{number:02}", has_codes=False)
    first = read(at_home.api("GET", "people"))
    make_person("aaron", has_codes=False)

    second = read(at_home.call("GET", first["next"].removeprefix("http://testserver")))

    found = [person["username"] for person in first["results"] + second["results"]]
    assert found == ["alice", *(f"p{number:02}" for number in range(60))]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["search=%00", "search=" + "x" * 101])
def test_a_strange_query_is_refused(at_home: Browser, query: str) -> None:
    answer = at_home.api("GET", f"people?{query}")

    assert refusal(answer) == (400, "invalid_input")


@pytest.mark.parametrize("cursor", ["!!", "cD1hJTAwYg==", "eD0x", "%ff", "QQ"])
def test_a_page_that_was_never_given_is_not_found(at_home: Browser, cursor: str) -> None:
    answer = at_home.api("GET", f"people?cursor={cursor}")

    assert refusal(answer) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        "cursor=",
        "cursor=cD0yMDI0",
        "cursor=bz05OTk5OTk5OTk5OTk5",
        "search=%ff%fe",
        "search=%F0%9F%98%80",
    ],
)
def test_a_strange_query_that_means_something_finds_what_it_finds(
    at_home: Browser, query: str
) -> None:
    assert at_home.api("GET", f"people?{query}").status_code == 200


def test_a_session_off_the_device_finds_nobody(browser: Browser, alice: Person) -> None:
    browser.log_in(alice)

    assert refusal(browser.api("GET", "people")) == (403, "device_required")
    assert refusal(browser.api("GET", f"people/{alice.pk}")) == (403, "device_required")


# The model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["Alice", " alice ", "\uff21lice", "ALICE"])
def test_a_user_name_has_one_spelling(typed: str) -> None:
    assert normalise_username(typed) == "alice"


def test_a_user_name_is_taken_in_every_spelling(alice: Person) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create_user(username="ALICE", display_name="Another")


def test_the_database_refuses_a_name_that_is_not_normalised(alice: Person) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=alice.pk).update(username="Alice")


def test_the_database_refuses_a_role_that_is_none(alice: Person) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=alice.pk).update(role="superuser")


def test_the_database_refuses_keys_of_the_wrong_length(at_home: Browser, alice: Person) -> None:
    for change in ({"signature_key": b"short"}, {"authentication_key": bytes(33)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Device.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=alice.pk).update(identity_key=b"short")


@pytest.mark.parametrize(
    ("role", "may_view", "may_change"),
    [
        (Role.MEMBER, False, False),
        (Role.AUDITOR, True, False),
        (Role.ADMINISTRATOR, True, True),
    ],
)
def test_nobody_may_everything(role: Role, *, may_view: bool, may_change: bool) -> None:
    person = Person(username="p", role=role)

    assert person.has_perm("accounts.view_person") is may_view
    assert person.has_perm("accounts.change_person") is may_change
    assert person.has_perm("accounts.add_person") is may_change
    assert person.has_module_perms("accounts") is may_view
    assert person.is_staff is may_view
    assert not hasattr(person, "is_superuser")
    person.is_active = False
    assert not person.has_perm("accounts.view_person")
    assert not person.is_staff
