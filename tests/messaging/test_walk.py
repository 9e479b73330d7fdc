"""Clients of the REST API walk at random, and the server's public group walks with them."""

import random
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from accounts.services.devices import revoke_device
from messaging.models import Conversation, Membership
from messaging.services.groups import group_of
from securechat_sdk.mls.group.commit import PendingCommit
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove
from tests.messaging.api import Api, api_of, base64, commit_body
from tests.messaging.people import (
    Member,
    enrol,
    key_package_in,
    leaf_of,
    message,
    rejoining,
    submission_of,
)

STEPS = 30


@dataclass
class Walker:
    """A device whose every word goes through the REST API."""

    member: Member
    api: Api

    def takes_key_package_of(self, other: "Walker") -> UncheckedKeyPackage:
        left = [base64(data) for data in other.member.key_packages(1)]
        other.api.post("key-packages", {"key_packages": left, "last_resort": None})
        asked = {"person_id": str(other.member.person.pk)}
        (claimed,) = self.api.post("key-packages/claims", asked)["key_packages"]
        return key_package_in(b64decode(claimed["key_package"]))

    def begins(self) -> Conversation:
        wanted = self.member.wants()
        body = {
            "id": str(wanted.id),
            "kind": "group",
            "cipher_suite": wanted.cipher_suite,
            "person_id": None,
            "group_info": base64(wanted.group_info),
        }
        self.api.post("conversations", body)
        return Conversation.objects.get(pk=wanted.id)

    def catches_up(self, room: Conversation) -> None:
        if room.pk not in self.member.groups:
            self.joins(room)
        after = self.member.read[room.pk]
        for entry in self.api.get(f"conversations/{room.pk}/entries?after={after}")["entries"]:
            data = b64decode(entry["data"])
            self.member.takes_in(room.pk, entry["kind"], entry["position"], data)

    def joins(self, room: Conversation) -> None:
        welcomes = self.api.get("welcomes")["results"]
        (mine,) = [one for one in welcomes if one["conversation_id"] == str(room.pk)]
        tree = self.api.get(f"conversations/{room.pk}/tree?epoch={mine['epoch']}")
        welcome, nodes = b64decode(mine["welcome"]), b64decode(tree["ratchet_tree"])
        self.member.enters(room.pk, welcome, nodes, mine["position"])
        self.api.delete(f"welcomes/{mine['welcome_id']}")

    def submits(self, room: Conversation, pending: PendingCommit) -> None:
        body = commit_body(submission_of(room.pk, pending))
        placed = self.api.post(f"conversations/{room.pk}/commits", body)
        self.member.groups[room.pk] = pending.group
        self.member.read[room.pk] = placed["position"]

    def rejoins(self, room: Conversation) -> None:
        made = self.member.prepares_to_rejoin(room)
        body = commit_body(rejoining(room.pk, made))
        placed = self.api.post(f"conversations/{room.pk}/commits", body)
        self.member.groups[room.pk] = made.group
        self.member.read[room.pk] = placed["position"]

    def says(self, room: Conversation, status: int) -> Any:
        epoch = self.member.groups[room.pk].epoch
        body = {"message_id": str(uuid4()), "ciphertext": base64(message(room.pk, epoch))}
        return self.api.post(f"conversations/{room.pk}/messages", body, status)


@dataclass
class Walk:
    """A group, who is in it, who is about to leave, and who is outside."""

    order: random.Random
    room: Conversation
    inside: list[Walker]
    leaving: list[Walker] = field(default_factory=list)
    outside: list[Walker] = field(default_factory=list)

    def step(self) -> None:
        steps = [self.commit_waiting, self.commit_waiting, self.speak, self.rejoin]
        if len(self.inside) > 2:
            steps += [self.remove, self.leave, self.revoke]
        if self.outside:
            steps += [self.add, self.add]
        self.order.choice(steps)()

    def commit(self, author: Walker, *proposals: Proposal) -> None:
        """Commit these proposals, and with them whatever waits."""
        author.submits(self.room, author.member.prepares(self.room, *proposals))
        self.leaving = []

    def somebody(self) -> Walker:
        author = self.order.choice(self.inside)
        author.catches_up(self.room)
        return author

    def commit_waiting(self) -> None:
        self.commit(self.somebody())

    def add(self) -> None:
        new, author = self.outside.pop(), self.somebody()
        self.commit(author, Add(author.takes_key_package_of(new)))
        self.inside.append(new)

    def remove(self) -> None:
        gone = self.inside.pop(self.order.randrange(len(self.inside)))
        author = self.somebody()
        self.commit(author, Remove(leaf_of(author.member.groups[self.room.pk], gone.member)))
        self.forget(gone)
        self.outside.append(gone)

    def leave(self) -> None:
        gone = self.inside.pop(self.order.randrange(len(self.inside)))
        gone.catches_up(self.room)
        proposal = base64(gone.member.proposes_to_leave(self.room))
        body = {"message_id": str(uuid4()), "proposal": proposal}
        gone.api.post(f"conversations/{self.room.pk}/proposals", body)
        self.leaving.append(gone)
        self.forget(gone)

    def revoke(self) -> None:
        gone = self.inside.pop(self.order.randrange(len(self.inside)))
        revoke_device(device=gone.member.device)
        self.leaving.append(gone)
        gone.api.get("conversations", status=401)

    def rejoin(self) -> None:
        """Whoever was to be removed still is."""
        self.order.choice(self.inside).rejoins(self.room)

    def speak(self) -> None:
        problem = self.somebody().says(self.room, 409 if self.leaving else 201)
        assert problem.get("code") == ("proposals_pending" if self.leaving else None)

    def forget(self, gone: Walker) -> None:
        """Whoever comes back begins anew."""
        gone.member.groups.pop(self.room.pk, None)

    def check(self) -> None:
        """The server's group is each member's: context, tree, waiting proposals, members."""
        self.room.refresh_from_db()
        kept = group_of(self.room)
        for walker in self.inside:
            walker.catches_up(self.room)
        groups = [walker.member.groups[self.room.pk] for walker in self.inside]
        assert {group.context.encode() for group in groups} == {kept.context.encode()}
        assert all(group.tree == kept.tree for group in groups)
        assert all(set(group.public.proposals) == set(kept.proposals) for group in groups)
        assert len({bytes(group.epoch_authenticator) for group in groups}) == 1
        present = Membership.objects.filter(conversation=self.room, left_position=None)
        expected = {walker.member.device.pk for walker in self.inside + self.leaving}
        assert set(present.values_list("device", flat=True)) == expected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.django_db
def test_the_public_group_goes_with_every_step_of_the_members(seed: int) -> None:
    members = [enrol(f"walker {number}") for number in range(9)]
    walkers = [Walker(member, api_of(member)) for member in members]
    walk = Walk(random.Random(seed), walkers[0].begins(), walkers[:1], outside=walkers[1:])

    for _ in range(STEPS):
        walk.step()
        walk.check()

    assert walk.room.epoch > STEPS / 3
