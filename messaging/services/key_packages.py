"""Key packages: left by a device, handed out once each."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Device
from accounts.services.budgets import Budget, BudgetSpentError
from messaging import events
from messaging.access import acting_device, active_devices, person_for
from messaging.envelopes import ReadKeyPackage, read_key_package
from messaging.errors import (
    ClaimsExhausted,
    KeyPackageDuplicate,
    KeyPackageInvalid,
    NoKeyPackage,
    TooManyKeyPackages,
)
from messaging.models import ClaimedKeyPackage, KeyPackage
from messaging.services.groups import owner_of

MOST_KEPT = 200
LOW = 20
CLAIM_LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class Stock:
    """What is left of a device's key packages for new conversations.

    A last resort that was handed out counts no more: the device is to leave another.
    """

    available: int
    has_last_resort: bool


NO_STOCK = Stock(available=0, has_last_resort=False)


@dataclass(frozen=True)
class Claimed:
    """A key package that is now the claimer's alone (unless it was the last resort)."""

    device_id: UUID
    key_package: bytes


def stock_of(device: Device) -> Stock:
    return stocks_of([device.pk])[device.pk]


def stocks_of(device_ids: Collection[UUID]) -> dict[UUID, Stock]:
    counted = (
        KeyPackage.objects.filter(
            device__in=device_ids,
            cipher_suite=settings.CONFIG.cipher_suite,
            not_after__gt=timezone.now(),
        )
        .values_list("device_id")
        .annotate(
            available=Count("pk", filter=Q(is_last_resort=False)),
            last_resorts=Count("pk", filter=Q(is_last_resort=True, was_used=False)),
        )
    )
    stocks = {device: Stock(available, last > 0) for device, available, last in counted}
    return {device: stocks.get(device, NO_STOCK) for device in device_ids}


def upload_key_packages(
    *, device: Device, key_packages: Sequence[bytes], last_resort: bytes | None
) -> Stock:
    """Keep the device's key packages after checking each; a last resort replaces the one before."""
    packages = [_read_own(device, data) for data in key_packages]
    resort = None if last_resort is None else _read_own(device, last_resort)
    with transaction.atomic():
        owner = acting_device(device.pk)
        KeyPackage.objects.filter(device=owner, not_after__lte=timezone.now()).delete()
        single = KeyPackage.objects.filter(device=owner, is_last_resort=False)
        if single.count() + len(packages) > MOST_KEPT:
            raise TooManyKeyPackages(limit=MOST_KEPT)
        if resort:
            KeyPackage.objects.filter(
                device=owner, is_last_resort=True, cipher_suite=resort.cipher_suite
            ).delete()
        _keep(owner, packages, resort)
        return stock_of(owner)


def claim_key_packages(
    *, device: Device, person_id: UUID, cipher_suite: int | None = None
) -> list[Claimed]:
    """Take one key package of each device of a person; none is ever given to two claimers."""
    suite = settings.CONFIG.cipher_suite if cipher_suite is None else cipher_suite
    with transaction.atomic():
        claimer = acting_device(device.pk)
        person = person_for(person_id)
        devices = active_devices(person.pk).exclude(pk=claimer.pk)
        taken = [package for other in devices if (package := _take(other.pk, suite))]
        if not taken:
            raise NoKeyPackage
        _spend(claimer, len(taken))
        _note_claims(claimer, taken)
        return [Claimed(package.device_id, bytes(package.data)) for package in taken]


def _read_own(device: Device, data: bytes) -> ReadKeyPackage:
    package = read_key_package(data, now=int(time.time()))
    if not owner_of(device).owns(package.leaf):
        raise KeyPackageInvalid("The key package is not this device's.")
    return package


def _keep(device: Device, packages: list[ReadKeyPackage], resort: ReadKeyPackage | None) -> None:
    rows = [(package, False) for package in packages] + ([(resort, True)] if resort else [])
    try:
        with transaction.atomic():
            KeyPackage.objects.bulk_create(
                KeyPackage(
                    device=device,
                    reference=package.reference,
                    cipher_suite=package.cipher_suite,
                    data=package.bytes_to_hand_out,
                    is_last_resort=is_last_resort,
                    not_after=package.not_after,
                )
                for package, is_last_resort in rows
            )
    except IntegrityError:
        raise KeyPackageDuplicate from None


def _usable(device_id: UUID, suite: int) -> QuerySet[KeyPackage]:
    return KeyPackage.objects.filter(
        device=device_id, cipher_suite=suite, not_after__gt=timezone.now()
    )


def _take(device_id: UUID, suite: int) -> KeyPackage | None:
    """Delete one key package and return it; the last resort stays, and serves only when alone."""
    usable = _usable(device_id, suite)
    # SKIP LOCKED: a row that another claim holds is as good as gone. Where rows have no locks,
    # in SQLite, the transaction is the only writer from its first statement on.
    single = usable.filter(is_last_resort=False).select_for_update(skip_locked=True)
    package = single.order_by("pk").first()
    if package is not None:
        KeyPackage.objects.filter(pk=package.pk).delete()
        _tell_when_low(device_id, usable.filter(is_last_resort=False).count())
        return package
    resort = usable.filter(is_last_resort=True).first()
    if resort is not None and not resort.was_used:
        KeyPackage.objects.filter(pk=resort.pk).update(was_used=True)
        events.device_has_news(device_id)
    return resort


def _note_claims(claimer: Device, packages: Sequence[KeyPackage]) -> None:
    """With what it was given, and nothing else, a device may add others for some days."""
    now = timezone.now()
    ClaimedKeyPackage.objects.filter(claimer=claimer, expires_at__lte=now).delete()
    ClaimedKeyPackage.objects.bulk_create(
        [
            ClaimedKeyPackage(
                claimer=claimer,
                device_id=package.device_id,
                reference=package.reference,
                is_last_resort=package.is_last_resort,
                expires_at=min(package.not_after, now + CLAIM_LIFETIME),
            )
            for package in packages
        ],
        update_conflicts=True,  # the last resort may be claimed again
        unique_fields=["claimer", "reference"],
        update_fields=["expires_at"],
    )


def _tell_when_low(device_id: UUID, left: int) -> None:
    if left < LOW:
        events.device_has_news(device_id)


def _spend(claimer: Device, amount: int) -> None:
    hourly = settings.CONFIG.key_package_claims_per_hour
    budget = Budget(purpose="key package claims", limit=hourly, window=timedelta(hours=1))
    try:
        budget.spend(claimer.pk, amount)
    except BudgetSpentError as error:
        raise ClaimsExhausted(retry_after=error.retry_after) from error
