"""Welcomes wait until the device says that it has joined."""

from uuid import UUID

from accounts.models import Device
from messaging.access import welcome_for


def forget_welcome(*, device: Device, welcome_id: UUID) -> None:
    welcome_for(device, welcome_id).delete()
