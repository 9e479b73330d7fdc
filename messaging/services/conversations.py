"""Conversations begin here; who is in them follows from their commits."""

import time
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Device, Person
from messaging import events
from messaging.access import acting_device, person_for
from messaging.errors import (
    CipherSuiteNotAllowed,
    ConversationIdTaken,
    DirectConversationExists,
    PersonNotSuitable,
)
from messaging.groups import FIRST_LEAF, begin_group
from messaging.models import Conversation, Membership
from messaging.services.durability import durable_transaction
from messaging.services.groups import keep, owner_of

# A direct conversation that nobody was added to in this time gives way to a new one.
ABANDONED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class NewConversation:
    """What a device asks for."""

    id: UUID
    kind: Conversation.Kind
    cipher_suite: int
    person_id: UUID | None
    group_info: bytes

    @property
    def digest(self) -> bytes:
        return sha256(self.group_info).digest()


@dataclass(frozen=True)
class Created:
    """The conversation, and whether it was there already."""

    conversation: Conversation
    is_new: bool


def create_conversation(*, device: Device, wanted: NewConversation) -> Created:
    """Begin a conversation at epoch 0 with the creator's device alone. Idempotent by its id."""
    if wanted.cipher_suite != settings.CONFIG.cipher_suite:
        raise CipherSuiteNotAllowed
    if (wanted.person_id is None) != (wanted.kind == Conversation.Kind.GROUP):
        raise PersonNotSuitable
    snapshot = begin_group(
        wanted.group_info,
        group_id=wanted.id.bytes,
        suite=wanted.cipher_suite,
        owner=owner_of(device),
        now=int(time.time()),
    )
    with durable_transaction():
        creator = acting_device(device.pk)
        pair = _pair(creator, wanted.person_id)
        earlier = Conversation.objects.filter(pk=wanted.id).first()
        if earlier:
            return Created(_check_same(earlier, creator, wanted, pair), is_new=False)
        _make_room(creator, pair)
        conversation = _begin(creator, wanted, pair)
        keep(conversation, snapshot)
        return Created(conversation, is_new=True)


Pair = tuple[Person, Person]


def _pair(creator: Device, person_id: UUID | None) -> Pair | None:
    """Return the two people in the order of their ids."""
    if person_id is None:
        return None
    if person_id == creator.person_id:
        raise PersonNotSuitable
    first, second = sorted((creator.person, person_for(person_id)), key=lambda person: person.pk)
    return first, second


def _check_same(
    earlier: Conversation, creator: Device, wanted: NewConversation, pair: Pair | None
) -> Conversation:
    people = tuple(person.pk for person in pair) if pair else (None, None)
    asked = (creator.pk, wanted.kind, wanted.digest, people)
    there = (
        earlier.created_by_id,
        earlier.kind,
        bytes(earlier.founding_digest),
        (earlier.first_person_id, earlier.second_person_id),
    )
    if asked != there:
        raise ConversationIdTaken
    return earlier


def _make_room(creator: Device, pair: Pair | None) -> None:
    """Refuse a second conversation of the pair, unless the first one gives way."""
    if pair is None:
        return
    # Two devices that begin with the same pair wait for each other here.
    Person.objects.select_for_update(no_key=True).get(pk=pair[0].pk)
    pairs = Conversation.objects.select_for_update(no_key=True, of=("self",))
    earlier = pairs.filter(first_person=pair[0], second_person=pair[1], is_over=False).first()
    if earlier is None:
        return
    if _never_began(earlier, creator):
        earlier.delete()
    elif _has_lost(earlier, creator.person_id):
        earlier.is_over = True
        earlier.save(update_fields=["is_over"])
    else:
        raise DirectConversationExists(conversation_id=str(earlier.pk))


def _never_began(conversation: Conversation, creator: Device) -> bool:
    if conversation.last_position > 0:
        return False
    is_own = conversation.created_by_id == creator.pk
    return is_own or conversation.created_at < timezone.now() - ABANDONED_AFTER


def _has_lost(conversation: Conversation, person_id: UUID) -> bool:
    """Whether the person was in it, and every device with which they were is revoked."""
    own = conversation.memberships.filter(device__person=person_id)
    return own.exists() and not own.filter(left_position=None, is_leaving=False).exists()


def _begin(creator: Device, wanted: NewConversation, pair: Pair | None) -> Conversation:
    first, second = pair or (None, None)
    try:
        with transaction.atomic():
            conversation = Conversation.objects.create(
                id=wanted.id,
                kind=wanted.kind,
                cipher_suite=wanted.cipher_suite,
                founding_digest=wanted.digest,
                first_person=first,
                second_person=second,
                created_by=creator,
            )
    except IntegrityError:  # another device took the same id a moment ago
        raise ConversationIdTaken from None
    Membership.objects.create(
        conversation=conversation,
        device=creator,
        joined_position=0,
        delivered_position=0,
        leaf_index=FIRST_LEAF,
    )
    events.device_has_news(creator.pk)
    return conversation
