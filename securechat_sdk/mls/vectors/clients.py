"""Vectors of whole clients: the Welcome, and passive members that follow a group."""

from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.group.group import Group, PskSource
from securechat_sdk.mls.group.join import join, open_group_secrets
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.group.process import CommitReceived, ProposalReceived, process
from securechat_sdk.mls.messages.credentials import Claim
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.psks import ExternalPsk, PreSharedKeyID
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import Welcome
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.schedule.key_schedule import Joiner
from securechat_sdk.mls.schedule.psks import psk_secret
from securechat_sdk.mls.vectors.expect import Case, expect, unhex


def _accept(_claim: Claim) -> None:
    """The vectors' credentials are names without anyone behind them."""


_POLICY = Policy(judge=_accept)


def _read_key_package(text: str) -> UncheckedKeyPackage:
    body = MLSMessage.decode(unhex(text)).body
    if not isinstance(body, UncheckedKeyPackage):
        raise TypeError("the vector is not a key package")
    return body


def _read_welcome(text: str) -> Welcome:
    body = MLSMessage.decode(unhex(text)).body
    if not isinstance(body, Welcome):
        raise TypeError("the vector is not a Welcome")
    return body


def check_welcome(case: Case) -> None:
    suite, welcome = cipher_suite(case["cipher_suite"]), _read_welcome(case["welcome"])
    own = OwnKeyPackage(
        package=_read_key_package(case["key_package"]),
        init_key=HpkePrivateKey(unhex(case["init_priv"])),
        encryption_key=HpkePrivateKey(b""),
        signature_key=SignaturePrivateKey(b""),
    )
    secrets = open_group_secrets(welcome, own)
    expect("psks", secrets.psks, ())
    joiner = Joiner.of(suite, secrets.joiner_secret, psk_secret(suite, []))
    key, sealed = joiner.welcome_key, welcome.encrypted_group_info
    group_info = GroupInfo.decode(suite.aead.open(key.key, key.nonce, b"", sealed))
    group_info.check_signature(suite, unhex(case["signer_pub"]))
    context = group_info.group_context
    start = joiner.epoch_secrets(context.encode())
    confirmed = context.confirmed_transcript_hash
    start.secrets.check_confirmation_tag(suite, confirmed, group_info.confirmation_tag)


def check_passive_client(case: Case) -> None:
    own = OwnKeyPackage(
        package=_read_key_package(case["key_package"]),
        init_key=HpkePrivateKey(unhex(case["init_priv"])),
        encryption_key=HpkePrivateKey(unhex(case["encryption_priv"])),
        signature_key=SignaturePrivateKey(unhex(case["signature_priv"])),
    )
    _check_own_keys(own)
    known = {unhex(psk["psk_id"]): Secret(unhex(psk["psk"])) for psk in case["external_psks"]}

    def psks(name: PreSharedKeyID) -> Secret | None:
        return known.get(name.psk_id) if isinstance(name, ExternalPsk) else None

    tree = case["ratchet_tree"]
    beside = None if tree is None else RatchetTreeExtension.decode(unhex(tree))
    welcome = _read_welcome(case["welcome"])
    group = join(welcome, own, _POLICY, tree=beside, psks=psks)
    computed = group.epoch_authenticator.hex()
    expect("initial authenticator", computed, case["initial_epoch_authenticator"])
    for epoch in case["epochs"]:
        group = _follow(group, epoch, psks)


def _check_own_keys(own: OwnKeyPackage) -> None:
    kem, package = own.suite.hpke.kem, own.package
    leaf = package.leaf_node
    expect("init key", kem.public_key_of(own.init_key), package.init_key)
    expect("encryption key", kem.public_key_of(own.encryption_key), leaf.encryption_key)
    signature_key = own.suite.signature.public_key_of(own.signature_key)
    expect("signature key", signature_key, leaf.signature_key)


def _follow(group: Group, epoch: Case, psks: PskSource) -> Group:
    for proposal in epoch["proposals"]:
        received = process(group, MLSMessage.decode(unhex(proposal)), _POLICY, psks)
        if not isinstance(received, ProposalReceived):
            raise TypeError("the vector is not a proposal")
        group = received.group
    committed = process(group, MLSMessage.decode(unhex(epoch["commit"])), _POLICY, psks)
    if not isinstance(committed, CommitReceived):
        raise TypeError("the vector is not a commit that we stay in for")
    computed = committed.group.epoch_authenticator.hex()
    expect("authenticator", computed, epoch["epoch_authenticator"])
    return committed.group
