"""Vectors of the key schedule, the transcript, the secret tree and message protection."""

from typing import Any

from securechat_sdk.mls.codec import Struct
from securechat_sdk.mls.crypto.secrets import Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    AuthenticatedContent,
    ContentType,
    FramedContent,
    FramedContentAuthData,
    Member,
    PrivateMessage,
    ProposalContent,
    PublicMessage,
    WireFormat,
    sign_content,
)
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import MLS10
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.psks import ExternalPsk
from securechat_sdk.mls.public_group.transcript import (
    confirmed_transcript_hash,
    interim_transcript_hash,
)
from securechat_sdk.mls.schedule.key_schedule import EpochSecrets, Joiner
from securechat_sdk.mls.schedule.private_messages import (
    decrypt,
    encrypt,
    open_sender_data,
    sender_data_key,
)
from securechat_sdk.mls.schedule.psks import NamedPsk, psk_secret
from securechat_sdk.mls.schedule.secret_tree import RatchetKind, SecretTree
from securechat_sdk.mls.vectors.expect import Case, expect, unhex

_SENDER = LeafIndex(1)
_LEAVES = 2


def check_psk_secret(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    psks = [_external_psk(entry) for entry in case["psks"]]
    expect("psk_secret", psk_secret(suite, psks).hex(), case["psk_secret"])


def _external_psk(entry: Case) -> NamedPsk:
    name = ExternalPsk(psk_id=unhex(entry["psk_id"]), psk_nonce=unhex(entry["psk_nonce"]))
    return NamedPsk(name, Secret(unhex(entry["psk"])))


def check_key_schedule(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    init_secret = Secret(unhex(case["initial_init_secret"]))
    for number, epoch in enumerate(case["epochs"]):
        init_secret = _check_epoch(suite, case, number, epoch, init_secret)


def _check_epoch(
    suite: CipherSuite, case: Case, number: int, epoch: Case, init_secret: Secret
) -> Secret:
    context = GroupContext(
        version=MLS10,
        cipher_suite=suite.number,
        group_id=unhex(case["group_id"]),
        epoch=number,
        tree_hash=unhex(epoch["tree_hash"]),
        confirmed_transcript_hash=unhex(epoch["confirmed_transcript_hash"]),
        extensions=(),
    ).encode()
    expect("group_context", context.hex(), epoch["group_context"])
    commit, psk = Secret(unhex(epoch["commit_secret"])), Secret(unhex(epoch["psk_secret"]))
    joiner = Joiner.advance(suite, init_secret, commit, psk, context)
    expect("joiner_secret", joiner.joiner_secret.hex(), epoch["joiner_secret"])
    expect("welcome_secret", joiner.welcome_secret.hex(), epoch["welcome_secret"])
    start = joiner.epoch_secrets(context)
    expect("encryption_secret", start.encryption_secret.hex(), epoch["encryption_secret"])
    for name in EpochSecrets.names():
        expect(name, getattr(start.secrets, name).hex(), epoch[name])
    _check_derived(suite, start.secrets, epoch)
    return start.secrets.init_secret


def _check_derived(suite: CipherSuite, secrets: EpochSecrets, epoch: Case) -> None:
    expect("external_pub", secrets.external_key_pair(suite).public.hex(), epoch["external_pub"])
    part = epoch["exporter"]
    exported = secrets.export(suite, part["label"].encode(), unhex(part["context"]), part["length"])
    expect("exporter", exported.hex(), part["secret"])


def check_transcript_hashes(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    commit = AuthenticatedContent.decode(unhex(case["authenticated_content"]))
    before = unhex(case["interim_transcript_hash_before"])
    confirmed = confirmed_transcript_hash(suite, before, commit)
    expect("confirmed", confirmed.hex(), case["confirmed_transcript_hash_after"])
    tag = commit.auth.confirmation_tag or b""
    expect("tag", suite.hash.mac(unhex(case["confirmation_key"]), confirmed).hex(), tag.hex())
    interim = interim_transcript_hash(suite, confirmed, tag)
    expect("interim", interim.hex(), case["interim_transcript_hash_after"])


def check_secret_tree(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    part = case["sender_data"]
    outer = sender_data_key(
        suite, Secret(unhex(part["sender_data_secret"])), unhex(part["ciphertext"])
    )
    expect("sender data", [outer.key.hex(), outer.nonce.hex()], [part["key"], part["nonce"]])
    slots = 1
    while slots < len(case["leaves"]):
        slots *= 2
    tree = SecretTree.of(suite, Secret(unhex(case["encryption_secret"])), slots)
    for index, generations in enumerate(case["leaves"]):
        for entry in generations:
            tree = _check_generation(tree, LeafIndex(index), entry)


def _check_generation(tree: SecretTree, leaf: LeafIndex, entry: Case) -> SecretTree:
    for kind in RatchetKind:
        key, tree = tree.key_at(leaf, kind, entry["generation"])
        name = kind.name.lower()
        published = [entry[f"{name}_key"], entry[f"{name}_nonce"]]
        expect(f"{name} of leaf {leaf}", [key.key.hex(), key.nonce.hex()], published)
    return tree


def check_message_protection(case: Case) -> None:
    protection = _Protection(case)
    protection.check("proposal", ContentType.PROPOSAL)
    protection.check("commit", ContentType.COMMIT)
    protection.check("application", ContentType.APPLICATION)


class _Protection:
    """One case: a group of two in which the second speaks."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.suite = cipher_suite(case["cipher_suite"])
        self.context = GroupContext(
            version=MLS10,
            cipher_suite=self.suite.number,
            group_id=unhex(case["group_id"]),
            epoch=case["epoch"],
            tree_hash=unhex(case["tree_hash"]),
            confirmed_transcript_hash=unhex(case["confirmed_transcript_hash"]),
            extensions=(),
        )
        self.keys = SecretTree.of(self.suite, Secret(unhex(case["encryption_secret"])), _LEAVES)
        self.sender_data_secret = Secret(unhex(case["sender_data_secret"]))

    def check(self, name: str, content_type: ContentType) -> None:
        content = self._content(name, content_type)
        self._check_private(MLSMessage.decode(unhex(self.case[f"{name}_priv"])), content)
        ours = self._sign(content, WireFormat.PRIVATE_MESSAGE)
        sent = encrypt(self.keys, self.sender_data_secret, ours, padding=7)
        self._check_private(MLSMessage.of(sent.message), content)
        if content_type is not ContentType.APPLICATION:
            self._check_public(MLSMessage.decode(unhex(self.case[f"{name}_pub"])), content)
            self._check_public(self._public(content), content)

    def _content(self, name: str, content_type: ContentType) -> Struct:
        data = unhex(self.case[name])
        match content_type:
            case ContentType.APPLICATION:
                return ApplicationData(data=data)
            case ContentType.PROPOSAL:
                return ProposalContent.decode(data)
            case ContentType.COMMIT:
                return Commit.decode(data)

    def _sign(self, content: Any, wire_format: WireFormat) -> AuthenticatedContent:
        framed = FramedContent(
            group_id=self.context.group_id,
            epoch=self.context.epoch,
            sender=Member(leaf_index=_SENDER),
            authenticated_data=b"bound",
            content=content,
        )
        key = SignaturePrivateKey(unhex(self.case["signature_priv"]))
        signature = sign_content(self.suite, key, wire_format, framed, self.context)
        tag = bytes(32) if framed.content_type is ContentType.COMMIT else None
        auth = FramedContentAuthData(signature=signature, confirmation_tag=tag)
        return AuthenticatedContent(wire_format=wire_format, content=framed, auth=auth)

    def _public(self, content: Struct) -> MLSMessage:
        signed = self._sign(content, WireFormat.PUBLIC_MESSAGE)
        key = unhex(self.case["membership_key"])
        tag = self.suite.hash.mac(key, signed.membership_content(self.context))
        return MLSMessage.of(
            PublicMessage(content=signed.content, auth=signed.auth, membership_tag=tag)
        )

    def _check_public(self, message: MLSMessage, content: Struct) -> None:
        body = message.body
        if not isinstance(body, PublicMessage) or body.membership_tag is None:
            raise TypeError("the vector is not a member's PublicMessage")
        opened = body.authenticated
        key = unhex(self.case["membership_key"])
        tag = self.suite.hash.mac(key, opened.membership_content(self.context))
        expect("membership_tag", tag.hex(), body.membership_tag.hex())
        self._check_content(opened, content)

    def _check_private(self, message: MLSMessage, content: Struct) -> None:
        body = message.body
        if not isinstance(body, PrivateMessage):
            raise TypeError("the vector is not a PrivateMessage")
        sender = open_sender_data(self.suite, self.sender_data_secret, body)
        expect("sender", sender.leaf_index, _SENDER)
        opened = decrypt(self.keys, sender, body)
        self._check_content(opened.content, content)

    def _check_content(self, opened: AuthenticatedContent, content: Struct) -> None:
        opened.check_signature(self.suite, unhex(self.case["signature_pub"]), self.context)
        expect("content", opened.content.content, content)
