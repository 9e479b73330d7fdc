"""A person with one device that speaks real MLS: the Python engine is its client."""

import itertools
import secrets
import time
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from accounts.models import Device, Person
from accounts.services.callers import Caller
from messaging.access import log_for
from messaging.envelopes import read_group_info
from messaging.groups import external_sender
from messaging.models import Conversation, Entry, Welcome
from messaging.services.commits import Submission, submit_commit
from messaging.services.conversations import NewConversation, create_conversation
from messaging.services.groups import snapshot_of
from messaging.services.key_packages import claim_key_packages, upload_key_packages
from messaging.services.log import Placed
from messaging.services.messages import send_message
from messaging.services.proposals import submit_proposal
from securechat_sdk.identity import conversation_policy, group_extensions, issue
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.group import commit as commits
from securechat_sdk.mls.group.commit import CommitPlan, PendingCommit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.group.key_packages import Client, OwnKeyPackage, make_key_package
from securechat_sdk.mls.group.messages import propose
from securechat_sdk.mls.group.outside import ExternalJoin, join_from_outside
from securechat_sdk.mls.group.process import CommitReceived, ProposalReceived, process
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.framing import ContentType, PrivateMessage
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import KeyPackageContent, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import (
    MLS10,
    Capabilities,
    KeyPackageSource,
    LeafNodeContent,
    Lifetime,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import Welcome as MLSWelcome
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from tests.accounts.people import Browser

SUITE = 0xF04E
DAY = 24 * 3600
_numbers = itertools.count()


@dataclass(frozen=True)
class Member:
    """A person's device, with the private keys and the groups that only it has."""

    device: Device
    signature_private_key: SignaturePrivateKey = field(repr=False)
    identity_private_key: SignaturePrivateKey = field(repr=False)
    suite: int = SUITE
    own: dict[bytes, OwnKeyPackage] = field(default_factory=dict, compare=False, repr=False)
    groups: dict[UUID, Group] = field(default_factory=dict, compare=False, repr=False)
    read: dict[UUID, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def person(self) -> Person:
        return self.device.person

    @property
    def caller(self) -> Caller:
        return Caller(device=self.device, token=None)

    @property
    def client(self) -> Client:
        return Client(
            suite=cipher_suite(self.suite),
            signature_key=self.signature_private_key,
            credential=BasicCredential(identity=bytes(self.device.credential)),
            capabilities=capabilities(self.suite),
        )

    # Key packages ----------------------------------------------------------------------------

    def leaf(self, **changes: object) -> LeafNodeContent:
        fields = {
            "encryption_key": public_key(self.suite),
            "signature_key": bytes(self.device.signature_key),
            "credential": BasicCredential(identity=bytes(self.device.credential)),
            "capabilities": capabilities(self.suite),
            "source": KeyPackageSource(lifetime()),
            "extensions": (),
        }
        return LeafNodeContent(**{**fields, **changes})  # type: ignore[arg-type]  # a table

    def key_package(
        self, *, extensions: tuple[Extension, ...] = (), **leaf: object
    ) -> UncheckedKeyPackage:
        """Make one whose private keys nobody keeps, bent as the test wants it."""
        suite = cipher_suite(self.suite)
        content = KeyPackageContent(
            version=MLS10,
            cipher_suite=self.suite,
            init_key=public_key(self.suite),
            leaf_node=self.leaf(**leaf).sign(suite, self.signature_private_key),
            extensions=extensions,
        )
        return content.sign(suite, self.signature_private_key)

    def own_key_package(self) -> OwnKeyPackage:
        made = make_key_package(self.client, lifetime())
        self.own[made.package.reference] = made
        return made

    def key_packages(self, count: int) -> list[bytes]:
        return [encoded(self.own_key_package().package) for _ in range(count)]

    def leaves_key_packages(self, count: int, *, last_resort: bool = False) -> None:
        upload_key_packages(
            device=self.device,
            key_packages=self.key_packages(count),
            last_resort=self.key_packages(1)[0] if last_resort else None,
        )

    def claims(self, *members: "Member") -> list[UncheckedKeyPackage]:
        """Have each leave a key package, and take it."""
        for member in members:
            member.leaves_key_packages(1)
        claimed = [
            one.key_package
            for member in members
            for one in claim_key_packages(device=self.device, person_id=member.person.pk)
        ]
        return [key_package_in(data) for data in claimed]

    # Conversations ---------------------------------------------------------------------------

    def wants(
        self, *, direct_with: "Member | None" = None, conversation_id: UUID | None = None
    ) -> NewConversation:
        """Make a group of one, and what the server is to be asked for it."""
        conversation_id = conversation_id or uuid4()
        group = create_group(
            self.own_key_package(),
            conversation_id.bytes,
            policy(),
            group_extensions(external_sender()),
        )
        self.groups[conversation_id] = group
        self.read[conversation_id] = 0
        return NewConversation(
            id=conversation_id,
            kind=Conversation.Kind.DIRECT if direct_with else Conversation.Kind.GROUP,
            cipher_suite=self.suite,
            person_id=direct_with.person.pk if direct_with else None,
            group_info=MLSMessage.of(group.group_info(with_tree=True)).encode(),
        )

    def begins(self, *, direct_with: "Member | None" = None) -> Conversation:
        wanted = self.wants(direct_with=direct_with)
        return create_conversation(device=self.device, wanted=wanted).conversation

    def joins(self, conversation: Conversation) -> None:
        """Enter by the Welcome that waits, with the tree that the server keeps."""
        waiting = Welcome.objects.get(device=self.device, conversation=conversation)
        tree = snapshot_of(conversation, waiting.epoch).ratchet_tree
        self.enters(conversation.pk, bytes(waiting.data), tree, waiting.position)
        waiting.delete()

    def enters(self, room: UUID, welcome: bytes, tree: bytes, position: int) -> None:
        body = welcome_in(welcome)
        own = self.own.pop(body.key_package_references[0])
        beside = RatchetTreeExtension.decode(tree)
        self.groups[room] = join(body, own, policy(), tree=beside)
        self.read[room] = position

    def catches_up(self, conversation: Conversation) -> Group:
        """Join if need be, and take in every handshake of the others since."""
        if conversation.pk not in self.groups:
            self.joins(conversation)
        log = log_for(self.device, conversation.pk).entries
        for entry in log.filter(position__gt=self.read[conversation.pk]):
            self.takes_in(conversation.pk, entry.kind, entry.position, bytes(entry.data))
        return self.groups[conversation.pk]

    def catches_up_as_removed(self, conversation: Conversation) -> None:
        """Take in the log to its end, which is the commit that removes this device."""
        for entry in log_for(self.device, conversation.pk).entries:
            if entry.position > self.read[conversation.pk]:
                self.takes_in(conversation.pk, entry.kind, entry.position, bytes(entry.data))
        assert conversation.pk not in self.groups

    def takes_in(self, room: UUID, kind: str, position: int, data: bytes) -> None:
        """Move on by one entry of the log; a removed device is left without a group."""
        if kind != Entry.Kind.MESSAGE:
            received = process(self.groups[room], MLSMessage.decode(data), policy())
            if isinstance(received, CommitReceived | ProposalReceived):
                self.groups[room] = received.group
            else:
                del self.groups[room]
        self.read[room] = position

    def prepares(self, conversation: Conversation, *proposals: Proposal) -> PendingCommit:
        """Make a commit of these proposals and of all that wait; nothing is sent yet."""
        group = self.catches_up(conversation)
        plan = CommitPlan(proposals=proposals, tree_in_welcome=False)
        return commits.commit(group, plan, policy())

    def prepares_adding(self, conversation: Conversation, *members: "Member") -> PendingCommit:
        adds = [Add(package) for package in self.claims(*members)]
        return self.prepares(conversation, *adds)

    def submits(
        self, conversation: Conversation, pending: PendingCommit, message_id: UUID | None = None
    ) -> Placed:
        """Hand a commit in, and keep the group it leads to once it is accepted."""
        submission = submission_of(conversation.pk, pending, message_id)
        placed = submit_commit(caller=self.caller, submission=submission)
        self.keeps(conversation, pending, placed)
        return placed

    def keeps(self, conversation: Conversation, pending: PendingCommit, placed: Placed) -> None:
        self.groups[conversation.pk] = pending.group
        self.read[conversation.pk] = placed.position

    def commits(self, conversation: Conversation, *proposals: Proposal) -> Placed:
        return self.submits(conversation, self.prepares(conversation, *proposals))

    def adds(self, conversation: Conversation, *members: "Member") -> Placed:
        return self.submits(conversation, self.prepares_adding(conversation, *members))

    def removes(self, conversation: Conversation, *members: "Member") -> Placed:
        group = self.catches_up(conversation)
        return self.commits(conversation, *(Remove(leaf_of(group, member)) for member in members))

    def prepares_to_rejoin(
        self, conversation: Conversation, *, replacing: "Member | None" = None
    ) -> ExternalJoin:
        """Make the commit from outside that takes this device's leaf, or another's."""
        snapshot = snapshot_of(conversation, conversation.epoch)
        group = snapshot.restore()
        return join_from_outside(
            read_group_info(snapshot.group_info),
            self.own_key_package(),
            policy(),
            tree=group.tree.to_extension(),
            replaces=leaf_in(group.tree, replacing or self),
        )

    def rejoins(self, conversation: Conversation) -> Placed:
        conversation.refresh_from_db()
        made = self.prepares_to_rejoin(conversation)
        submission = rejoining(conversation.pk, made)
        placed = submit_commit(caller=self.caller, submission=submission)
        self.groups[conversation.pk], self.read[conversation.pk] = made.group, placed.position
        return placed

    def proposes_to_leave(self, conversation: Conversation) -> bytes:
        group = self.catches_up(conversation)
        return propose(group, Remove(group.own_leaf), policy()).message.encode()

    def leaves(self, conversation: Conversation) -> Placed:
        return submit_proposal(
            caller=self.caller,
            conversation_id=conversation.pk,
            message_id=uuid4(),
            proposal=self.proposes_to_leave(conversation),
        )

    def says(
        self,
        conversation: Conversation,
        ciphertext: bytes | None = None,
        *,
        epoch: int = 1,
        message_id: UUID | None = None,
        lifetime: int | None = None,
    ) -> Placed:
        return send_message(
            caller=self.caller,
            conversation_id=conversation.pk,
            message_id=message_id or uuid4(),
            ciphertext=ciphertext or message(conversation.pk, epoch),
            lifetime=lifetime,
        )


def policy() -> Policy:
    return conversation_policy(external_sender(), now=int(time.time()))


def capabilities(suite: int) -> Capabilities:
    return Capabilities(
        versions=(MLS10,),
        cipher_suites=(suite,),
        extensions=(0x000A,),
        proposals=(),
        credentials=(1,),
    )


def lifetime() -> Lifetime:
    now = int(time.time())
    return Lifetime(now - 3600, now + 30 * DAY)


def leaf_of(group: Group, member: Member) -> LeafIndex:
    key = bytes(member.device.signature_key)
    return next(leaf for leaf, node in group.members.items() if node.signature_key == key)


def leaf_in(tree: RatchetTree, member: Member) -> LeafIndex:
    key = bytes(member.device.signature_key)
    return next(leaf for leaf, node in tree.members() if node.signature_key == key)


def rejoining(conversation_id: UUID, made: ExternalJoin) -> Submission:
    return Submission(
        conversation_id=conversation_id,
        message_id=uuid4(),
        commit=made.message.encode(),
        group_info=MLSMessage.of(made.group.group_info(with_tree=False)).encode(),
        welcome=None,
    )


def submission_of(
    conversation_id: UUID, pending: PendingCommit, message_id: UUID | None = None
) -> Submission:
    return Submission(
        conversation_id=conversation_id,
        message_id=message_id or uuid4(),
        commit=pending.message.encode(),
        group_info=MLSMessage.of(pending.group_info).encode(),
        welcome=pending.welcome.encode() if pending.welcome else None,
    )


def enrol(name: str, *, suite: int = SUITE) -> Member:
    """Register a person with one device, as accounts would."""
    identity_key = ED25519.generate()
    person = Person.objects.create(
        username=f"{name}-{next(_numbers)}",
        display_name=name.title(),
        identity_key=ED25519.public_key_of(identity_key),
    )
    return with_device(person, identity_key, suite=suite)


def with_device(person: Person, identity_key: SignaturePrivateKey, *, suite: int = SUITE) -> Member:
    """Register a device of the person, one more perhaps."""
    signature_key, device_id = ED25519.generate(), uuid4()
    public = ED25519.public_key_of(signature_key)
    credential = issue(identity_key, person.pk.bytes, device_id.bytes, public)
    device = Device.objects.create(
        id=device_id,
        person=person,
        name="Browser",
        signature_key=public,
        credential=credential.encode(),
        authentication_key=ED25519.public_key_of(ED25519.generate()),
        sealed_unlock_share=secrets.token_bytes(64),
    )
    return Member(device, signature_key, identity_key, suite)


def member_at(browser: Browser) -> Member:
    """Return the device with which a browser is logged in."""
    keys = browser.keys
    return Member(Device.objects.get(pk=keys.device_id), keys.signature, keys.identity)


def public_key(number: int = SUITE) -> bytes:
    suite = cipher_suite(number)
    return suite.derive_key_pair(suite.random_secret()).public


def encoded(key_package: UncheckedKeyPackage) -> bytes:
    return MLSMessage.of(key_package).encode()


def key_package_in(data: bytes) -> UncheckedKeyPackage:
    body = MLSMessage.decode(data).body
    assert isinstance(body, UncheckedKeyPackage)
    return body


def welcome_in(data: bytes) -> MLSWelcome:
    body = MLSMessage.decode(data).body
    assert isinstance(body, MLSWelcome)
    return body


def message(conversation_id: UUID, epoch: int, ciphertext: bytes | None = None) -> bytes:
    """Make an application message as the server sees it: an envelope around random bytes."""
    return MLSMessage.of(
        PrivateMessage(
            group_id=conversation_id.bytes,
            epoch=epoch,
            content_type=ContentType.APPLICATION,
            authenticated_data=b"",
            encrypted_sender_data=secrets.token_bytes(28),
            ciphertext=ciphertext or secrets.token_bytes(272),
        )
    ).encode()
