"""Devices: their registration, the sessions on them, and their end."""

import secrets
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import (
    CredentialInvalid,
    DeviceIdTaken,
    DeviceLimit,
    DeviceRevoked,
    IdentityInUse,
    IdentityKeyDiffers,
    ProofInvalid,
)
from accounts.events import devices_revoking, publish_device_revoked
from accounts.models import Device, DeviceToken, IdentityChange, Person, SocketTicket
from accounts.sealing import seal, unseal
from securechat_sdk.identity import DeviceCredential, session_binding
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.errors import CredentialRefused, InvalidKey, InvalidSignature
from securechat_sdk.wire.errors import NotAuthenticated, NotFound

UNLOCK_SHARE_BYTES = 32


def register_device(
    *,
    person: Person,
    device_id: UUID,
    name: str,
    signature_key: bytes,
    credential: bytes,
    authentication_key: bytes,
    challenge: bytes,
    proof: bytes,
    begins_anew: bool = False,
) -> Device:
    """Add a device whose keys prove themselves; the same call again returns the same device.

    ``begins_anew`` gives an account that has no active device left the identity key of this one.
    """
    identity_key = check_credential(
        credential, person=person, device_id=device_id, signature_key=signature_key
    )
    check_proof(proof, key=authentication_key, challenge=challenge, device_id=device_id)
    device = Device(
        id=device_id,
        person=person,
        name=name,
        signature_key=signature_key,
        credential=credential,
        authentication_key=authentication_key,
        sealed_unlock_share=_new_unlock_share(device_id),
    )
    return _save_device(device, identity_key, begins_anew=begins_anew)


@transaction.atomic
def _save_device(device: Device, identity_key: bytes, *, begins_anew: bool) -> Device:
    person = Person.objects.select_for_update(no_key=True).get(pk=device.person_id)
    if not person.is_active:
        raise NotAuthenticated
    if person.identity_key not in {None, identity_key}:
        _check_new_identity(person, begins_anew=begins_anew)
    existing = Device.objects.filter(pk=device.pk).first()
    if existing is not None:
        return _repeated(device, existing)
    if person.devices.filter(revoked_at=None).count() >= settings.CONFIG.devices_per_person:
        raise DeviceLimit
    try:
        with transaction.atomic():
            device.save(force_insert=True)
    except IntegrityError as error:
        raise DeviceIdTaken from error
    if person.identity_key != identity_key:
        _set_identity_key(person, identity_key)
    device.person = person
    return device


def _check_new_identity(person: Person, *, begins_anew: bool) -> None:
    """Those who know the old key are told of a new one: it never changes in passing."""
    if not begins_anew:
        raise IdentityKeyDiffers
    if person.devices.filter(revoked_at=None).exists():
        raise IdentityInUse


def _set_identity_key(person: Person, identity_key: bytes) -> None:
    if person.identity_key is not None:
        IdentityChange.objects.create(person=person, previous_key=person.identity_key)
    person.identity_key = identity_key
    person.save(update_fields=["identity_key"])


def _repeated(device: Device, existing: Device) -> Device:
    """An answer may get lost: the same registration again is not a second device."""
    keys = ("person_id", "signature_key", "credential", "authentication_key")
    if any(getattr(device, key) != getattr(existing, key) for key in keys):
        raise DeviceIdTaken
    if existing.revoked_at is not None:
        raise DeviceRevoked
    return existing


def prove_device(*, person: Person, device_id: UUID, challenge: bytes, proof: bytes) -> Device:
    """Return the device if ``proof`` shows that the session with this challenge sits on it."""
    device = Device.objects.filter(person=person, pk=device_id).first()
    if device is None:
        raise NotFound
    if device.revoked_at is not None:
        raise DeviceRevoked
    check_proof(
        proof, key=bytes(device.authentication_key), challenge=challenge, device_id=device_id
    )
    return device


def check_credential(
    credential: bytes, *, person: Person, device_id: UUID, signature_key: bytes
) -> bytes:
    """Return the identity key under which the credential holds for this account and device."""
    try:
        parsed = DeviceCredential.parse(credential)
        parsed.check(signature_key)
    except CredentialRefused as error:
        raise CredentialInvalid from error
    if parsed.account_id != person.pk.bytes or parsed.device_id != device_id.bytes:
        raise CredentialInvalid
    return bytes(parsed.identity_key)


def check_proof(proof: bytes, *, key: bytes, challenge: bytes, device_id: UUID) -> None:
    try:
        ED25519.verify(key, proof, session_binding(challenge, device_id.bytes))
    except (InvalidSignature, InvalidKey) as error:
        raise ProofInvalid from error


def rename_device(*, device: Device, name: str) -> Device:
    device.name = name
    device.save(update_fields=["name"])
    return device


def hold_devices(devices: QuerySet[Device]) -> None:
    """Wait for what they are storing; until this transaction ends they store nothing more.

    Whoever ends a session or a token does this first, and devices come before their person.
    """
    list(devices.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def revoke_device(*, device: Device) -> None:
    """End the device and all that acts for it; sessions on it end with their next request."""
    revoke_devices(Device.objects.filter(pk=device.pk))


@transaction.atomic
def revoke_devices(devices: QuerySet[Device]) -> None:
    """End all of them at once: every device is locked before anything else is."""
    now = timezone.now()
    active = devices.filter(revoked_at=None).select_for_update(no_key=True).order_by("pk")
    people = dict(active.values_list("pk", "person_id"))
    if not people:
        return
    Device.objects.filter(pk__in=people).update(revoked_at=now)
    DeviceToken.objects.filter(device__in=people, revoked_at=None).update(revoked_at=now)
    SocketTicket.objects.filter(token__device__in=people).delete()
    devices_revoking.send(sender=None, device_ids=list(people))
    for device_id, person_id in people.items():
        publish_device_revoked(device_id=device_id, person_id=person_id)


def unlock_share_of(device: Device) -> bytes:
    """The server's half of what opens a browser's store; only for a session on that device."""
    return unseal(bytes(device.sealed_unlock_share), **_place_of(device.pk))


def _new_unlock_share(device_id: UUID) -> bytes:
    return seal(secrets.token_bytes(UNLOCK_SHARE_BYTES), **_place_of(device_id))


def _place_of(device_id: UUID) -> dict[str, str]:
    return {"table": "accounts_device", "row": str(device_id), "column": "unlock_share"}
