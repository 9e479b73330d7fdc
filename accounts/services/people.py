"""What an administrator may do to an account; never to its keys, content or password."""

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F

from accounts.events import publish_access_ended
from accounts.models import Device, Person
from accounts.services.devices import hold_devices, revoke_devices


@transaction.atomic
def deactivate_person(*, person: Person) -> None:
    """End every session, device and token of the account at once."""
    owned = Device.objects.filter(person=person)
    # One that is registered meanwhile holds the person, and is there when they are revoked.
    hold_devices(owned)
    Person.objects.filter(pk=person.pk).update(
        is_active=False, session_epoch=F("session_epoch") + 1
    )
    revoke_devices(owned)


def reactivate_person(*, person: Person) -> None:
    """Let the person log in again; what was revoked stays revoked."""
    Person.objects.filter(pk=person.pk).update(is_active=True)


@transaction.atomic
def reset_codes(*, person: Person) -> None:
    """Forget one-time and recovery codes, for somebody who lost them; ends all sessions.

    Another factor that was beside them stays, and with it the next login makes new codes before it
    may do anything else (``logins.is_satisfied``).
    """
    hold_devices(Device.objects.filter(person=person))
    Authenticator.objects.filter(user_id=person.pk).delete()
    Person.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    publish_access_ended()
