"""Key packages: left by a device, handed out once each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
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
from messaging.models import KeyPackage
from messaging.services.commits import owner_of

MOST_KEPT = 200
LOW = 20


@dataclass(frozen=True)
class Stock:
    """What is left of a device's key packages."""

    available: int
    has_last_resort: bool


@dataclass(frozen=True)
class Claimed:
    """A key package that is now the claimer's alone (unless it was the last resort)."""

    device_id: UUID
    key_package: bytes


def stock_of(device: Device) -> Stock:
    usable = KeyPackage.objects.filter(device=device, not_after__gt=timezone.now())
    return Stock(
        available=usable.filter(is_last_resort=False).count(),
        has_last_resort=usable.filter(is_last_resort=True).exists(),
    )


def upload_key_packages(
    *, device: Device, key_packages: Sequence[bytes], last_resort: bytes | None
) -> Stock:
    """Keep the device's key packages after checking each; a last resort replaces the one before."""
    packages = [_read_own(device, data) for data in key_packages]
    resort = None if last_resort is None else _read_own(device, last_resort)
    with transaction.atomic():
        owner = acting_device(device.pk)
        KeyPackage.objects.filter(device=owner, not_after__lte=timezone.now()).delete()
        if stock_of(owner).available + len(packages) > MOST_KEPT:
            raise TooManyKeyPackages(limit=MOST_KEPT)
        if resort:
            KeyPackage.objects.filter(
                device=owner, is_last_resort=True, cipher_suite=resort.cipher_suite
            ).delete()
        _keep(owner, packages, resort)
        return stock_of(owner)


def claim_key_packages(*, device: Device, person_id: UUID) -> list[Claimed]:
    """Take one key package of each device of a person; none is ever given to two claimers."""
    with transaction.atomic():
        claimer = acting_device(device.pk)
        person = person_for(person_id)
        devices = active_devices(person.pk).exclude(pk=claimer.pk)
        claimed = [taken for other in devices if (taken := _take(other.pk))]
        if not claimed:
            raise NoKeyPackage
        _spend(claimer, len(claimed))
        return claimed


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


def _take(device_id: UUID) -> Claimed | None:
    """Delete one key package and return it; the last resort stays, and serves only when alone."""
    usable = KeyPackage.objects.filter(device=device_id, not_after__gt=timezone.now())
    # SKIP LOCKED: a row that another claim holds is as good as gone. Where rows have no locks,
    # in SQLite, the transaction is the only writer from its first statement on.
    single = usable.filter(is_last_resort=False).select_for_update(skip_locked=True)
    package = single.order_by("pk").first()
    if package is not None:
        KeyPackage.objects.filter(pk=package.pk).delete()
        _tell_when_low(device_id, usable.filter(is_last_resort=False).count())
    else:
        package = usable.filter(is_last_resort=True).first()
    return Claimed(device_id=device_id, key_package=bytes(package.data)) if package else None


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
