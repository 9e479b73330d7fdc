"""Whether the server's secret key is the one with which this database was sealed."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.errors import SealBroken
from accounts.models import Device, SealMarker
from accounts.sealing import seal, unseal
from accounts.services.devices import revoke_devices

ONLY_ROW = 1
PLACE = {"table": "accounts_sealmarker", "row": str(ONLY_ROW), "column": "sealed"}
TEXT = b"SecureChat"


def mark_database() -> None:
    """Seal the marker with the present key, unless there is one already."""
    SealMarker.objects.get_or_create(pk=ONLY_ROW, defaults={"sealed": seal(TEXT, **PLACE)})


def opens_database() -> bool:
    """Is this the key of the marker? A database without one was never used."""
    marker = SealMarker.objects.filter(pk=ONLY_ROW).first()
    if marker is None:
        return True
    try:
        return unseal(bytes(marker.sealed), **PLACE) == TEXT
    except SealBroken:
        return False


@transaction.atomic
def give_up_what_is_sealed() -> None:
    """The old key is lost for ever: what only it opens goes, and the present key is the one.

    Everybody enrols a second factor again and begins anew on a new device.
    """
    revoke_devices(Device.objects.all())
    Authenticator.objects.all().delete()
    SealMarker.objects.update_or_create(pk=ONLY_ROW, defaults={"sealed": seal(TEXT, **PLACE)})
