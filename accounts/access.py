"""The only functions that hand out rows on someone's behalf.

A row that is missing and one that is somebody else's look the same.
"""

from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Device, DeviceToken, Invitation, Person
from securechat_sdk.wire.errors import NotFound


def people_for(_person: Person, *, search: str = "") -> QuerySet[Person]:
    """Everybody active may be found by everybody; each word must be in one of the names."""
    people = Person.objects.filter(is_active=True)
    for word in search.split():
        people = people.filter(Q(display_name__icontains=word) | Q(username__icontains=word))
    return people


def person_for(person: Person, person_id: UUID) -> Person:
    found = people_for(person).filter(pk=person_id).first()
    if found is None:
        raise NotFound
    return found


def devices_for(person: Person) -> QuerySet[Device]:
    return person.devices.filter(revoked_at=None)


def device_for(person: Person, device_id: UUID) -> Device:
    device = devices_for(person).filter(pk=device_id).first()
    if device is None:
        raise NotFound
    return device


def tokens_for(person: Person, device_id: UUID) -> QuerySet[DeviceToken]:
    return device_for(person, device_id).tokens.filter(revoked_at=None)


def token_for(person: Person, token_id: UUID) -> DeviceToken:
    token = DeviceToken.objects.filter(
        pk=token_id, revoked_at=None, device__person=person, device__revoked_at=None
    ).first()
    if token is None:
        raise NotFound
    return token


def invitations_for(administrator: Person) -> QuerySet[Invitation]:
    """Administrators see all invitations; nobody else sees any."""
    if not administrator.is_administrator:
        return Invitation.objects.none()
    return Invitation.objects.all()


def invitation_for(administrator: Person, invitation_id: UUID) -> Invitation:
    invitation = invitations_for(administrator).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    return invitation
