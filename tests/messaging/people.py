"""A person with one device and its keys, who makes genuine key packages and framed messages."""

import itertools
import secrets
import time
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from accounts.models import Device, Person
from accounts.services.tickets import SocketCaller
from messaging.models import Conversation
from messaging.services.commits import submit_commit
from messaging.services.conversations import NewConversation, create_conversation
from messaging.services.key_packages import upload_key_packages
from messaging.services.log import Placed
from messaging.services.messages import send_message
from securechat_sdk.identity import issue
from securechat_sdk.mls.crypto.hpke import HPKECiphertext
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.messages.commits import Commit, InlineProposal, UpdatePath
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.framing import (
    ContentType,
    FramedContent,
    FramedContentAuthData,
    PrivateMessage,
    PublicMessage,
)
from securechat_sdk.mls.messages.framing import (
    Member as MemberSender,
)
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.key_packages import KeyPackageContent, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import (
    MLS10,
    Capabilities,
    CommitSource,
    KeyPackageSource,
    LeafNodeContent,
    Lifetime,
    Place,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import Add, Proposal
from securechat_sdk.mls.messages.welcome import EncryptedGroupSecrets, Welcome

SUITE = 0x0001
DAY = 24 * 3600
_numbers = itertools.count()


@dataclass(frozen=True)
class Member:
    """A person's device, with the private keys that only it has."""

    device: Device
    signature_private_key: SignaturePrivateKey = field(repr=False)
    identity_private_key: SignaturePrivateKey = field(repr=False)

    @property
    def person(self) -> Person:
        return self.device.person

    @property
    def caller(self) -> SocketCaller:
        return SocketCaller(device=self.device, token=None)

    def leaf(self, **changes: object) -> LeafNodeContent:
        now = int(time.time())
        fields = {
            "encryption_key": public_key(),
            "signature_key": bytes(self.device.signature_key),
            "credential": BasicCredential(identity=bytes(self.device.credential)),
            "capabilities": Capabilities(
                versions=(MLS10,),
                cipher_suites=(SUITE,),
                extensions=(0x000A,),
                proposals=(),
                credentials=(1,),
            ),
            "source": KeyPackageSource(Lifetime(now - 3600, now + 30 * DAY)),
            "extensions": (),
        }
        return LeafNodeContent(**{**fields, **changes})  # type: ignore[arg-type]  # a table

    def key_package(
        self, *, extensions: tuple[Extension, ...] = (), **leaf: object
    ) -> UncheckedKeyPackage:
        content = KeyPackageContent(
            version=MLS10,
            cipher_suite=SUITE,
            init_key=public_key(),
            leaf_node=self.leaf(**leaf).sign(cipher_suite(SUITE), self.signature_private_key),
            extensions=extensions,
        )
        return content.sign(cipher_suite(SUITE), self.signature_private_key)

    def key_packages(self, count: int) -> list[bytes]:
        return [encoded(self.key_package()) for _ in range(count)]

    def leaves_key_packages(self, count: int, *, last_resort: bool = False) -> None:
        upload_key_packages(
            device=self.device,
            key_packages=self.key_packages(count),
            last_resort=encoded(self.key_package()) if last_resort else None,
        )

    def begins(self, *, direct_with: "Member | None" = None) -> Conversation:
        kind = Conversation.Kind.DIRECT if direct_with else Conversation.Kind.GROUP
        wanted = NewConversation(
            id=uuid4(),
            kind=kind,
            cipher_suite=SUITE,
            person_id=direct_with.person.pk if direct_with else None,
        )
        return create_conversation(device=self.device, wanted=wanted).conversation

    def adds(self, conversation: Conversation, *members: "Member", epoch: int = 0) -> Placed:
        packages = [member.key_package() for member in members]
        return submit_commit(
            device=self.device,
            conversation_id=conversation.pk,
            message_id=uuid4(),
            commit=commit(conversation.pk, epoch, *map(Add, packages)),
            welcome=welcome(*packages),
        )

    def says(
        self,
        conversation: Conversation,
        ciphertext: bytes | None = None,
        *,
        epoch: int = 1,
        message_id: UUID | None = None,
    ) -> Placed:
        return send_message(
            device=self.device,
            conversation_id=conversation.pk,
            message_id=message_id or uuid4(),
            ciphertext=ciphertext or message(conversation.pk, epoch),
        )

    def new_path(self, conversation_id: UUID, leaf_index: int = 0) -> UpdatePath:
        leaf = self.leaf(source=CommitSource(b"parent hash"))
        place = Place(conversation_id.bytes, LeafIndex(leaf_index))
        signed = leaf.sign(cipher_suite(SUITE), self.signature_private_key, place=place)
        return UpdatePath(leaf_node=signed, nodes=())


def enrol(name: str) -> Member:
    """Register a person with one device, as accounts would."""
    signature_key, identity_key = ED25519.generate(), ED25519.generate()
    person = Person.objects.create(
        username=f"{name}-{next(_numbers)}",
        display_name=name.title(),
        identity_key=ED25519.public_key_of(identity_key),
    )
    device_id = uuid4()
    public = ED25519.public_key_of(signature_key)
    credential = issue(identity_key, person.pk.bytes, device_id.bytes, public)
    device = Device.objects.create(
        id=device_id,
        person=person,
        name=f"{name}'s browser",
        signature_key=public,
        credential=credential.encode(),
        authentication_key=ED25519.public_key_of(ED25519.generate()),
        sealed_unlock_share=secrets.token_bytes(64),
    )
    return Member(device, signature_key, identity_key)


def public_key() -> bytes:
    suite = cipher_suite(SUITE)
    return suite.derive_key_pair(suite.random_secret()).public


def encoded(key_package: UncheckedKeyPackage) -> bytes:
    return MLSMessage.of(key_package).encode()


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


def commit(
    conversation_id: UUID, epoch: int, *proposals: Proposal, path: UpdatePath | None = None
) -> bytes:
    """Make a commit as the server sees it; its signature and tags are random bytes."""
    return MLSMessage.of(
        PublicMessage(
            content=FramedContent(
                group_id=conversation_id.bytes,
                epoch=epoch,
                sender=MemberSender(LeafIndex(0)),
                authenticated_data=b"",
                content=Commit(proposals=tuple(map(InlineProposal, proposals)), path=path),
            ),
            auth=FramedContentAuthData(
                signature=secrets.token_bytes(64), confirmation_tag=secrets.token_bytes(32)
            ),
            membership_tag=secrets.token_bytes(32),
        )
    ).encode()


def welcome(*packages: UncheckedKeyPackage) -> bytes:
    """Make a Welcome for these key packages; what it seals is random."""
    secrets_of = tuple(
        EncryptedGroupSecrets(
            new_member=package.reference,
            encrypted_group_secrets=HPKECiphertext(
                kem_output=secrets.token_bytes(32), ciphertext=secrets.token_bytes(48)
            ),
        )
        for package in packages
    )
    return MLSMessage.of(
        Welcome(
            cipher_suite=SUITE, secrets=secrets_of, encrypted_group_info=secrets.token_bytes(200)
        )
    ).encode()
