"""Key packages: checked when they come, handed out once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.errors import DeviceRevoked
from accounts.models import Spending
from messaging.errors import (
    ClaimsExhausted,
    KeyPackageDuplicate,
    KeyPackageInvalid,
    NoKeyPackage,
    PersonNotFound,
    TooManyKeyPackages,
)
from messaging.models import KeyPackage
from messaging.services import key_packages
from messaging.services.key_packages import (
    Stock,
    claim_key_packages,
    stock_of,
    upload_key_packages,
)
from securechat_sdk.mls.messages.leaf_nodes import KeyPackageSource, Lifetime
from tests.messaging.people import DAY, Member, encoded, enrol, key_package_in, message


def test_what_a_device_uploads_is_what_a_claimer_gets(alice: Member, bob: Member) -> None:
    package = encoded(bob.key_package())
    upload_key_packages(device=bob.device, key_packages=[package], last_resort=None)

    claimed = claim_key_packages(device=alice.device, person_id=bob.person.pk)

    assert [(one.device_id, one.key_package) for one in claimed] == [(bob.device.pk, package)]
    assert stock_of(bob.device) == Stock(available=0, has_last_resort=False)


def test_the_last_resort_serves_only_when_nothing_else_is_left_and_stays(
    alice: Member, bob: Member
) -> None:
    single, resort = encoded(bob.key_package()), encoded(bob.key_package())
    upload_key_packages(device=bob.device, key_packages=[single], last_resort=resort)

    claims = [
        claim_key_packages(device=alice.device, person_id=bob.person.pk)[0].key_package
        for _ in range(3)
    ]

    assert claims == [single, resort, resort]


def test_a_last_resort_that_was_handed_out_is_to_be_replaced(alice: Member, bob: Member) -> None:
    bob.leaves_key_packages(0, last_resort=True)
    before = stock_of(bob.device)
    claim_key_packages(device=alice.device, person_id=bob.person.pk)
    used = stock_of(bob.device)
    bob.leaves_key_packages(0, last_resort=True)

    assert [stock.has_last_resort for stock in (before, used, stock_of(bob.device))] == [
        True,
        False,
        True,
    ]


def test_key_packages_are_kept_and_claimed_by_their_suite(alice: Member, bob: Member) -> None:
    classical = replace(bob, suite=1)
    bob.leaves_key_packages(1)
    classical.leaves_key_packages(2)

    def claimed_suite(suite: int | None) -> int:
        (one,) = claim_key_packages(
            device=alice.device, person_id=bob.person.pk, cipher_suite=suite
        )
        return key_package_in(one.key_package).cipher_suite

    assert stock_of(bob.device).available == 1
    assert [claimed_suite(suite) for suite in (None, 1, 1)] == [0xF04E, 1, 1]
    for suite in (None, 0xF04E, 1, 2):
        with pytest.raises(NoKeyPackage):
            claimed_suite(suite)


def test_a_new_last_resort_replaces_the_one_before(bob: Member) -> None:
    for _ in range(2):
        upload_key_packages(
            device=bob.device, key_packages=[], last_resort=encoded(bob.key_package())
        )

    assert KeyPackage.objects.filter(device=bob.device, is_last_resort=True).count() == 1


def test_nobody_claims_from_a_person_who_left_nothing(alice: Member, bob: Member) -> None:
    with pytest.raises(NoKeyPackage):
        claim_key_packages(device=alice.device, person_id=bob.person.pk)


def test_an_expired_key_package_is_not_handed_out(alice: Member, bob: Member) -> None:
    bob.leaves_key_packages(1)
    KeyPackage.objects.update(not_after=timezone.now() - timedelta(seconds=1))

    with pytest.raises(NoKeyPackage):
        claim_key_packages(device=alice.device, person_id=bob.person.pk)


def test_deactivated_people_and_unknown_people_look_the_same(alice: Member, bob: Member) -> None:
    bob.leaves_key_packages(1)
    bob.person.is_active = False
    bob.person.save()

    refusals = []
    for person_id in (bob.person.pk, uuid4()):
        with pytest.raises(PersonNotFound) as refused:
            claim_key_packages(device=alice.device, person_id=person_id)
        refusals.append((refused.value.code, refused.value.detail, refused.value.facts))

    assert refusals[0] == refusals[1]


def test_a_revoked_device_neither_leaves_nor_claims_nor_is_claimed(
    alice: Member, bob: Member
) -> None:
    bob.leaves_key_packages(1)
    bob.device.revoked_at = timezone.now()
    bob.device.save()

    with pytest.raises(DeviceRevoked):
        bob.leaves_key_packages(1)
    with pytest.raises(DeviceRevoked):
        claim_key_packages(device=bob.device, person_id=alice.person.pk)
    with pytest.raises(NoKeyPackage):
        claim_key_packages(device=alice.device, person_id=bob.person.pk)


def test_the_same_key_package_twice_is_refused_and_nothing_is_kept(bob: Member) -> None:
    fresh, twice = encoded(bob.key_package()), encoded(bob.key_package())

    with pytest.raises(KeyPackageDuplicate):
        upload_key_packages(device=bob.device, key_packages=[fresh, twice, twice], last_resort=None)

    assert not KeyPackage.objects.exists()


def test_a_device_cannot_fill_the_database(bob: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_packages, "MOST_KEPT", 3)
    bob.leaves_key_packages(3)

    with pytest.raises(TooManyKeyPackages):
        bob.leaves_key_packages(1)


def lifetime(not_before: int, not_after: int) -> KeyPackageSource:
    now = int(time.time())
    return KeyPackageSource(Lifetime(now + not_before, now + not_after))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lifetime(-10 * DAY, -DAY), id="expired"),
        pytest.param(lifetime(DAY, 10 * DAY), id="not valid yet"),
        pytest.param(lifetime(-DAY, 100 * DAY), id="longer than 90 days"),
    ],
)
def test_a_lifetime_outside_the_rules_is_refused(bob: Member, source: KeyPackageSource) -> None:
    package = encoded(bob.key_package(source=source))

    with pytest.raises(KeyPackageInvalid):
        upload_key_packages(device=bob.device, key_packages=[package], last_resort=None)


def test_a_key_package_of_somebody_else_is_refused(alice: Member, bob: Member) -> None:
    package = encoded(alice.key_package())

    with pytest.raises(KeyPackageInvalid):
        upload_key_packages(device=bob.device, key_packages=[package], last_resort=None)


def test_a_key_package_of_the_same_person_for_another_key_is_refused(bob: Member) -> None:
    other = enrol("other")
    imitation = Member(bob.device, other.signature_private_key, bob.identity_private_key)

    with pytest.raises(KeyPackageInvalid):
        imitation.leaves_key_packages(1)


def test_bytes_that_are_no_key_package_are_refused(bob: Member) -> None:
    package = encoded(bob.key_package())
    forged = encoded(replace(bob.key_package(), signature=b"\0" * 64))

    for data in (b"", b"\0", package + b"\0", package[:-1], message(uuid4(), 1), forged):
        with pytest.raises(KeyPackageInvalid):
            upload_key_packages(device=bob.device, key_packages=[data], last_resort=None)


def test_claims_are_counted_and_renewed_after_an_hour(
    alice: Member, bob: Member, settings: Settings
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"key_package_claims_per_hour": 2})
    bob.leaves_key_packages(4)
    for _ in range(2):
        claim_key_packages(device=alice.device, person_id=bob.person.pk)

    with pytest.raises(ClaimsExhausted) as refused:
        claim_key_packages(device=alice.device, person_id=bob.person.pk)
    left_after_refusal = stock_of(bob.device).available
    Spending.objects.update(renews_at=timezone.now())
    claim_key_packages(device=alice.device, person_id=bob.person.pk)

    assert refused.value.facts["retry_after"] in range(3590, 3602)
    assert left_after_refusal == 2
    assert stock_of(bob.device).available == 1


@pytest.mark.django_db(transaction=True)
def test_no_key_package_is_ever_claimed_twice() -> None:
    bob = enrol("bob")
    claimers = [enrol("claimer") for _ in range(8)]
    bob.leaves_key_packages(60)

    def claim_until_empty(claimer: Member) -> list[bytes]:
        claimed = []
        try:
            while True:
                claimed += claim_key_packages(device=claimer.device, person_id=bob.person.pk)
        except NoKeyPackage:
            return [one.key_package for one in claimed]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(claimers)) as pool:
        claims = [package for some in pool.map(claim_until_empty, claimers) for package in some]

    assert len(claims) == 60
    assert len(set(claims)) == 60
    assert stock_of(bob.device).available == 0
