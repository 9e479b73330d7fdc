"""Tokens of a device: what a script shows instead of a session."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.errors import TooManyTokens
from accounts.events import publish_access_ended
from accounts.models import Device, DeviceToken, Scope
from accounts.services.devices import hold_devices
from accounts.services.secrets import digest_of, make_secret
from securechat_sdk.wire.errors import NotAuthenticated

PREFIX = "sct_"
MAX_TOKENS_PER_DEVICE = 50
MAX_DAYS = 366


@transaction.atomic
def issue_token(
    *, device: Device, name: str, scopes: Collection[Scope], expires_in_days: int
) -> tuple[DeviceToken, str]:
    """Make a token; the text beside it is shown to its owner now and never again."""
    Device.objects.select_for_update().get(pk=device.pk)
    now = timezone.now()
    valid = device.tokens.filter(revoked_at=None, expires_at__gt=now)
    if valid.count() >= MAX_TOKENS_PER_DEVICE:
        raise TooManyTokens
    secret = make_secret(PREFIX)
    token = DeviceToken.objects.create(
        device=device,
        name=name,
        digest=digest_of(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=now + timedelta(days=expires_in_days),
    )
    return token, secret


def find_token(secret: str) -> DeviceToken:
    """Return the token while it may be used: not revoked, not expired, its device active."""
    token = (
        DeviceToken.objects.select_related("device__person")
        .filter(
            digest=digest_of(secret),
            revoked_at=None,
            expires_at__gt=timezone.now(),
            device__revoked_at=None,
            device__person__is_active=True,
        )
        .first()
    )
    if token is None:
        raise NotAuthenticated("The token is not valid, or no longer.")
    return token


@transaction.atomic
def revoke_token(*, token: DeviceToken) -> None:
    """End the token: whatever it was used for is stored before this returns, or refused."""
    hold_devices(Device.objects.filter(pk=token.device_id))
    DeviceToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    publish_access_ended()
