"""Commits: one winner per epoch, and the Welcome of the winner in the same transaction."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from accounts.models import Device
from accounts.services.budgets import Budget, BudgetSpentError
from accounts.services.callers import Caller
from messaging import events
from messaging.access import acting_devices, check_access, conversation_for
from messaging.envelopes import ReadHandshake, read_commit, split_welcome
from messaging.errors import (
    CommitInvalid,
    DirectIsFull,
    KeyPackageNotClaimed,
    ProposalsPending,
    RemovalNotAllowed,
    TooManyRejoins,
    TooManyWelcomes,
    WelcomeMissing,
)
from messaging.groups import Step, check_commit
from messaging.models import ClaimedKeyPackage, Conversation, Entry, Membership, Welcome
from messaging.services.durability import durable_transaction
from messaging.services.groups import group_of, keep, owner_of
from messaging.services.log import (
    Handshake,
    Placed,
    append_entry,
    check_epoch,
    find_repeated,
    repeated_durably,
)
from messaging.services.proposals import propose_again

MOST_WELCOMES = 1_000
# Of a device in a conversation: each rejoining puts off the removals that wait there.
REJOINS = Budget(purpose="rejoins", limit=5, window=timedelta(hours=1))


@dataclass(frozen=True)
class Submission:
    """A commit as a device hands it in."""

    conversation_id: UUID
    message_id: UUID
    commit: bytes
    group_info: bytes
    welcome: bytes | None

    @property
    def handshake(self) -> Handshake:
        return Handshake(Entry.Kind.COMMIT, self.message_id, self.commit)


@dataclass(frozen=True)
class Addition:
    """A device that a commit adds: where it sits, and what lets it in."""

    claim: ClaimedKeyPackage
    leaf_index: int
    welcome: bytes

    @property
    def device_id(self) -> UUID:
        return self.claim.device_id


def submit_commit(*, caller: Caller, submission: Submission) -> Placed:
    """Move the conversation to its next epoch, let the added devices in and the removed out.

    A device that cannot follow the group any more hands in a commit from outside, by which it
    takes its own place again.
    """
    device = caller.device
    change = read_commit(submission.commit)
    if change.group != submission.conversation_id.bytes:
        raise CommitInvalid("The commit is of another conversation.")
    # What costs most needs no lock, for nothing in it changes within an epoch.
    conversation = conversation_for(device, submission.conversation_id)
    if repeated := repeated_durably(caller, conversation, submission.handshake):
        return repeated
    check_epoch(conversation, change.epoch)
    step = _check(conversation, change, submission, device)
    additions = _additions(device, step, submission.welcome)
    with durable_transaction():
        return _store(caller, submission, step, additions)


def _check(
    conversation: Conversation, change: ReadHandshake, submission: Submission, device: Device
) -> Step:
    return check_commit(
        group_of(conversation),
        change,
        submission.group_info,
        sender=owner_of(device),
        now=int(time.time()),
    )


def _additions(device: Device, step: Step, welcome: bytes | None) -> list[Addition]:
    """Find, for each Add, the claim it rests on and the Welcome it comes with."""
    if not step.added:
        if welcome is not None:
            raise WelcomeMissing("A commit that adds nobody has no Welcome.")
        return []
    if welcome is None:
        raise WelcomeMissing
    packages = {added.key_package.reference: added for added in step.added}
    welcomes = split_welcome(welcome, [added.key_package for added in step.added])
    claims = {
        bytes(claim.reference): claim
        for claim in device.claims.filter(
            reference__in=list(packages), expires_at__gt=timezone.now()
        )
    }
    if len(claims) < len(packages):
        raise KeyPackageNotClaimed
    return [
        Addition(claims[reference], added.leaf, welcomes[reference])
        for reference, added in packages.items()
    ]


def _store(
    caller: Caller, submission: Submission, step: Step, additions: Sequence[Addition]
) -> Placed:
    added_ids = [addition.device_id for addition in additions]
    sender, added = acting_devices(caller.device.pk, added_ids)
    check_access(caller)
    conversation = conversation_for(sender, submission.conversation_id, lock=True)
    if repeated := find_repeated(conversation, sender=sender, handshake=submission.handshake):
        return repeated
    check_epoch(conversation, step.snapshot.epoch - 1)
    if step.is_rejoin:
        return _rejoin(conversation, sender, step, submission.handshake)
    removed = _check_removals(conversation, sender, step)
    if len(added) < len(additions):
        raise KeyPackageNotClaimed
    _check_added(conversation, added)
    _use_claims(additions)
    entry = append_entry(conversation, sender=sender, handshake=submission.handshake)
    _let_out(entry, removed)
    _let_in(entry, additions)
    keep(conversation, step.snapshot)
    return Placed(position=entry.position, is_new=True)


def _rejoin(conversation: Conversation, sender: Device, step: Step, handshake: Handshake) -> Placed:
    """Let a member begin anew in the present epoch: what came in between it has not read."""
    old = conversation.memberships.get(device=sender, left_position=None)
    if old.is_leaving:
        raise ProposalsPending("This device is to be removed.")
    try:
        REJOINS.spend((conversation.pk, sender.pk))
    except BudgetSpentError as error:
        raise TooManyRejoins(retry_after=error.retry_after) from error
    entry = append_entry(conversation, sender=sender, handshake=handshake)
    _let_out(entry, [old])
    Membership.objects.create(
        conversation=conversation,
        device=sender,
        joined_position=entry.position,
        delivered_position=entry.position,
        leaf_index=step.committer_leaf,
    )
    keep(conversation, step.snapshot)
    propose_again(conversation)
    return Placed(position=entry.position, is_new=True)


# Who leaves -----------------------------------------------------------------------------------


def _check_removals(conversation: Conversation, sender: Device, step: Step) -> list[Membership]:
    """Return whom the commit removes, if it may, and if it removes all whose removal waits."""
    if not (step.removed or conversation.awaits_removal):
        return []
    present = conversation.memberships.filter(left_position=None).select_related("device")
    if conversation.awaits_removal:
        waiting = present.filter(is_leaving=True).exclude(leaf_index__in=step.removed)
        if waiting.exists():
            raise ProposalsPending
    removed = list(present.filter(leaf_index__in=step.removed))
    chosen = [one for one in removed if one.leaf_index in step.removed_by_value]
    others = {one.device.person_id for one in chosen} - {sender.person_id}
    if others and conversation.kind != Conversation.Kind.GROUP:
        raise RemovalNotAllowed("Nobody is removed from a direct conversation.")
    if present.filter(device__person__in=others).exclude(leaf_index__in=step.removed).exists():
        raise RemovalNotAllowed
    return removed


def _let_out(entry: Entry, removed: Sequence[Membership]) -> None:
    if not removed:
        return
    devices = [membership.device_id for membership in removed]
    Membership.objects.filter(pk__in=[membership.pk for membership in removed]).update(
        left_position=entry.position, is_leaving=False
    )
    Welcome.objects.filter(conversation=entry.conversation_id, device__in=devices).delete()


# Who enters -----------------------------------------------------------------------------------


def _check_added(conversation: Conversation, added: Sequence[Device]) -> None:
    """That nobody is in twice, the tree has shown."""
    people = {conversation.first_person_id, conversation.second_person_id}
    is_direct = conversation.kind == Conversation.Kind.DIRECT
    if is_direct and any(device.person_id not in people for device in added):
        raise DirectIsFull
    waiting = Welcome.objects.filter(device__in=added).values("device")
    if waiting.annotate(count=Count("pk")).filter(count__gte=MOST_WELCOMES).exists():
        raise TooManyWelcomes


def _use_claims(additions: Collection[Addition]) -> None:
    """Use single key packages up; of two commits with the same one, the second is refused."""
    single = [one.claim.pk for one in additions if not one.claim.is_last_resort]
    if ClaimedKeyPackage.objects.filter(pk__in=single).delete()[0] < len(single):
        raise KeyPackageNotClaimed


def _let_in(entry: Entry, additions: Sequence[Addition]) -> None:
    Membership.objects.bulk_create(
        Membership(
            conversation=entry.conversation,
            device_id=addition.device_id,
            joined_position=entry.position,
            delivered_position=entry.position,
            leaf_index=addition.leaf_index,
        )
        for addition in additions
    )
    Welcome.objects.bulk_create(
        Welcome(
            device_id=addition.device_id,
            conversation=entry.conversation,
            position=entry.position,
            epoch=entry.conversation.epoch,
            data=addition.welcome,
        )
        for addition in additions
    )
    for addition in additions:
        events.device_has_news(addition.device_id)
