"""What a malicious member can do with a handshake, one crime each."""

import os
from collections.abc import Callable
from dataclasses import replace

from securechat_sdk.mls import errors
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.messages.credentials import BasicCredential
from securechat_sdk.mls.messages.extensions import Extension, ExtensionType
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    External,
    Member,
    NewMemberCommit,
    NewMemberProposal,
    ProposalContent,
)
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import (
    UpdateSource,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import (
    ExternalInit,
    PreSharedKey,
    ReInit,
    Remove,
)
from securechat_sdk.mls.messages.psks import ResumptionPsk, ResumptionUsage
from tests.mls.attacks.bending import (
    Scene,
    add,
    as_bob,
    bent,
    card_add,
    card_with_bobs_encryption_key,
    card_with_bobs_signature_key,
    ciphertexts,
    content_with,
    context_extensions,
    copied_path_key,
    external_commit,
    first_node,
    leaf_with,
    lifetime,
    longer,
    one_key_everywhere,
    other_secrets,
    own_update,
    path_key_of_old_root,
    pathless_referred_remove,
    pathless_update,
    psk,
    replace_forger,
    said_from_outside,
    same_newcomer_twice,
    shorter,
    spoiled_ciphertexts,
    update_and_remove,
    with_proposals,
)
from tests.mls.attacks.forge import flipped
from tests.mls.people import DAY, NOW, make_card
from tests.mls.scenarios.test_outside import SERVER
from tests.mls.scenarios.test_successors import requires

SAME = "the server sees it too"
UNSEEN = "only members can see it"

_UNKNOWN = Extension(extension_type=0xFF77, extension_data=b"")
_BROKEN = Extension(extension_type=ExtensionType.EXTERNAL_SENDERS, extension_data=b"\x05")
_BROKEN_REQUIRED = Extension(
    extension_type=ExtensionType.REQUIRED_CAPABILITIES, extension_data=b"\x05"
)
_INIT = ExternalInit(kem_output=bytes(32))
_SMALL = Extension(extension_type=1, extension_data=b"")

Attack = tuple[Callable[[Scene], MLSMessage], type[MLSError], object]

ATTACKS: dict[str, Attack] = {
    "a removal without a path": (
        lambda s: replace_forger(s, proposals=[s.removes("zoe")], path=False).commit(),
        errors.PathMissing,
        SAME,
    ),
    "a removal by reference without a path": (
        pathless_referred_remove,
        errors.PathMissing,
        SAME,
    ),
    "an update without a path": (pathless_update, errors.PathMissing, SAME),
    "an empty commit without a path": (bent(path=False), errors.PathMissing, SAME),
    "new extensions without a path": (
        lambda s: replace_forger(s, proposals=[context_extensions()], path=False).commit(),
        errors.PathMissing,
        SAME,
    ),
    "a leaf that keeps its key": (
        lambda s: replace_forger(
            s, leaf_content=leaf_with(encryption_key=s.leaf.encryption_key)
        ).commit(),
        errors.LeafKeyNotFresh,
        SAME,
    ),
    "a leaf with another member's key": (
        lambda s: replace_forger(
            s, leaf_content=leaf_with(encryption_key=s.bobs_leaf.encryption_key)
        ).commit(),
        errors.EncryptionKeyReused,
        SAME,
    ),
    "a path node with another member's key": (
        copied_path_key,
        errors.EncryptionKeyReused,
        SAME,
    ),
    "a path node with the key that it replaces": (
        path_key_of_old_root,
        errors.EncryptionKeyReused,
        SAME,
    ),
    "a leaf with a key that its path replaces": (
        lambda s: replace_forger(
            s, leaf_content=leaf_with(encryption_key=s.root.encryption_key)
        ).commit(),
        errors.EncryptionKeyReused,
        SAME,
    ),
    "one key for the whole path": (
        bent(secrets=one_key_everywhere),
        errors.EncryptionKeyReused,
        SAME,
    ),
    "a path key that is none": (
        bent(update_path=lambda path: first_node(path, encryption_key=b"short")),
        errors.InvalidKey,
        SAME,
    ),
    "a path key of low order": (
        bent(update_path=lambda path: first_node(path, encryption_key=bytes(32))),
        errors.InvalidKey,
        SAME,
    ),
    "a leaf key of low order": (
        bent(leaf_content=leaf_with(encryption_key=bytes(32))),
        errors.InvalidKey,
        SAME,
    ),
    "a leaf key that is none": (
        bent(leaf_content=leaf_with(encryption_key=b"short")),
        errors.InvalidKey,
        SAME,
    ),
    "a path that is too short": (bent(update_path=shorter), errors.PathLengthMismatch, SAME),
    "a path that is too long": (bent(update_path=longer), errors.PathLengthMismatch, SAME),
    "a ciphertext too few": (
        bent(update_path=lambda path: ciphertexts(path, change=-1)),
        errors.PathCiphertextCount,
        SAME,
    ),
    "a ciphertext too many": (
        bent(update_path=lambda path: ciphertexts(path, change=1)),
        errors.PathCiphertextCount,
        SAME,
    ),
    "a path leaf made for an update": (
        bent(leaf_content=leaf_with(source=UpdateSource())),
        errors.LeafSourceMismatch,
        SAME,
    ),
    "a path leaf made for a key package": (
        bent(leaf_content=leaf_with(source=lifetime(0, 2**40))),
        errors.LeafSourceMismatch,
        SAME,
    ),
    "a path leaf with a spoiled signature": (
        bent(leaf=lambda leaf: replace(leaf, signature=flipped(leaf.signature))),
        errors.LeafSignatureInvalid,
        SAME,
    ),
    "a path leaf signed for another place": (
        bent(place=lambda place: replace(place, leaf=LeafIndex(0))),
        errors.LeafSignatureInvalid,
        SAME,
    ),
    "a path leaf signed for another group": (
        bent(place=lambda place: replace(place, group_id=b"elsewhere")),
        errors.LeafSignatureInvalid,
        SAME,
    ),
    "a path leaf with a false parent hash": (
        bent(leaf_content=lambda c: replace(c, source=replace(c.source, parent_hash=bytes(32)))),
        errors.PathParentHashMismatch,
        SAME,
    ),
    "a path leaf with an empty parent hash": (
        bent(leaf_content=lambda c: replace(c, source=replace(c.source, parent_hash=b""))),
        errors.PathParentHashMismatch,
        SAME,
    ),
    "a path leaf with an extension it does not support": (
        bent(leaf_content=leaf_with(extensions=(_UNKNOWN,))),
        errors.LeafExtensionNotSupported,
        SAME,
    ),
    "a path leaf with an extension twice": (
        bent(leaf_content=leaf_with(extensions=(_SMALL, _SMALL))),
        errors.DuplicateExtension,
        SAME,
    ),
    "a path leaf that cannot judge the others": (
        bent(
            leaf_content=lambda c: replace(c, capabilities=replace(c.capabilities, credentials=()))
        ),
        errors.CredentialTypeNotShared,
        SAME,
    ),
    "a path leaf with another's signature key": (
        lambda s: replace_forger(
            s,
            leaf_content=leaf_with(signature_key=s.bobs_leaf.signature_key),
            leaf_key=s.room.groups["bob"].signature_key,
        ).commit(),
        errors.SignatureKeyReused,
        SAME,
    ),
    "a path leaf under another name": (
        bent(leaf_content=leaf_with(credential=BasicCredential(identity=b"alice"))),
        errors.CredentialRefused,
        SAME,
    ),
    "path secrets that do not open": (
        bent(update_path=spoiled_ciphertexts),
        errors.DecryptionFailed,
        UNSEEN,
    ),
    "path secrets that lead elsewhere": (
        bent(sealed_secrets=other_secrets),
        errors.PathKeyMismatch,
        UNSEEN,
    ),
    "a false confirmation tag": (
        bent(confirmation_tag=flipped),
        errors.ConfirmationTagMismatch,
        UNSEEN,
    ),
    "a shortened confirmation tag": (
        bent(confirmation_tag=lambda tag: tag[:-1]),
        errors.ConfirmationTagMismatch,
        UNSEEN,
    ),
    "an empty confirmation tag": (
        bent(confirmation_tag=lambda _tag: b""),
        errors.ConfirmationTagMismatch,
        UNSEEN,
    ),
    "a false membership tag": (
        bent(membership_tag=flipped),
        errors.MembershipTagMismatch,
        UNSEEN,
    ),
    "an empty membership tag": (
        bent(membership_tag=lambda _tag: b""),
        errors.MembershipTagMismatch,
        UNSEEN,
    ),
    "a false signature": (bent(signature=flipped), errors.MessageSignatureInvalid, SAME),
    "an empty signature": (
        bent(signature=lambda _signature: b""),
        errors.MessageSignatureInvalid,
        SAME,
    ),
    "another member's name": (as_bob, errors.MessageSignatureInvalid, SAME),
    "the name of nobody": (
        bent(content=content_with(sender=Member(leaf_index=LeafIndex(7)))),
        errors.BlankLeaf,
        SAME,
    ),
    "a name beyond the tree": (
        bent(content=content_with(sender=Member(leaf_index=LeafIndex(2**32 - 1)))),
        errors.BlankLeaf,
        SAME,
    ),
    "another group": (
        bent(content=content_with(group_id=b"elsewhere")),
        errors.WrongGroup,
        SAME,
    ),
    "an epoch before": (
        lambda s: replace_forger(s, content=content_with(epoch=s.mallory.group.epoch - 1)).commit(),
        errors.WrongEpoch,
        SAME,
    ),
    "an epoch to come": (bent(content=content_with(epoch=2**64 - 1)), errors.WrongEpoch, SAME),
    "a removal of oneself": (
        with_proposals(lambda s: s.removes("mallory")),
        errors.CommitterRemoved,
        SAME,
    ),
    "an update of oneself": (with_proposals(own_update), errors.UpdateByCommitter, SAME),
    "an update and a removal of the same member": (
        update_and_remove,
        errors.LeafChangedTwice,
        SAME,
    ),
    "two removals of the same member": (
        with_proposals(lambda s: s.removes("zoe"), lambda s: s.removes("zoe")),
        errors.LeafChangedTwice,
        SAME,
    ),
    "a removal of nobody": (
        with_proposals(lambda _s: Remove(removed=LeafIndex(6))),
        errors.BlankLeaf,
        SAME,
    ),
    "a removal beyond the tree": (
        with_proposals(lambda _s: Remove(removed=LeafIndex(2**31))),
        errors.BlankLeaf,
        SAME,
    ),
    "the same newcomer twice": (same_newcomer_twice, errors.SignatureKeyReused, SAME),
    "a newcomer with a member's signature key": (
        card_with_bobs_signature_key,
        errors.SignatureKeyReused,
        SAME,
    ),
    "a newcomer with a member's encryption key": (
        card_with_bobs_encryption_key,
        errors.EncryptionKeyReused,
        SAME,
    ),
    "an expired key package": (
        card_add(lambda card: card.with_leaf(source=lifetime(NOW - 2 * DAY, NOW - DAY))),
        errors.LifetimeNotNow,
        SAME,
    ),
    "a key package for ever": (
        card_add(lambda card: card.with_leaf(source=lifetime(0, 2**63))),
        errors.LifetimeTooLong,
        SAME,
    ),
    "a key package of another suite": (
        with_proposals(lambda _s: add(make_card("newcomer", 3).package)),
        errors.KeyPackageSuiteMismatch,
        SAME,
    ),
    "a key package of another version": (
        card_add(lambda card: card.edited(version=2)),
        errors.UnsupportedVersion,
        SAME,
    ),
    "a key package with a false signature": (
        card_add(lambda card: replace(card.package, signature=bytes(64))),
        errors.KeyPackageSignatureInvalid,
        SAME,
    ),
    "a key package whose leaf has a false signature": (
        card_add(
            lambda card: card.edited(leaf_node=replace(card.package.leaf_node, signature=bytes(64)))
        ),
        errors.LeafSignatureInvalid,
        SAME,
    ),
    "a key package with one key for two uses": (
        card_add(lambda card: card.edited(init_key=card.encryption.public)),
        errors.InitKeyReused,
        SAME,
    ),
    "a key package with an unsupported extension": (
        card_add(lambda card: card.with_leaf(extensions=(_UNKNOWN,))),
        errors.LeafExtensionNotSupported,
        SAME,
    ),
    "a short nonce of a shared key": (
        with_proposals(lambda _s: psk(31)),
        errors.PskNonceLength,
        SAME,
    ),
    "a long nonce of a shared key": (
        with_proposals(lambda _s: psk(33)),
        errors.PskNonceLength,
        SAME,
    ),
    "a shared key twice": (
        with_proposals(lambda _s: psk(), lambda _s: psk()),
        errors.PskTwice,
        SAME,
    ),
    "a shared key that nobody has": (
        with_proposals(lambda _s: psk()),
        errors.PskUnknown,
        UNSEEN,
    ),
    "a key meant for a successor": (
        with_proposals(
            lambda s: PreSharedKey(
                psk=ResumptionPsk(
                    usage=ResumptionUsage.REINIT,
                    group_id=s.mallory.group.group_id,
                    epoch=1,
                    psk_nonce=os.urandom(32),
                )
            )
        ),
        errors.PskUsageNotAllowed,
        SAME,
    ),
    "two replacements of the extensions": (
        with_proposals(lambda _s: context_extensions(), lambda _s: context_extensions()),
        errors.ContextExtensionsTwice,
        SAME,
    ),
    "an extension that nobody supports": (
        with_proposals(lambda _s: context_extensions(_UNKNOWN)),
        errors.GroupExtensionNotSupported,
        SAME,
    ),
    "a requirement that nobody meets": (
        with_proposals(lambda _s: context_extensions(requires(0xFF01))),
        errors.RequiredCapabilityMissing,
        SAME,
    ),
    "an extension of the group twice": (
        with_proposals(lambda _s: context_extensions(SERVER, SERVER)),
        errors.DuplicateExtension,
        SAME,
    ),
    "external senders that cannot be read": (
        with_proposals(lambda _s: context_extensions(_BROKEN)),
        errors.DecodeError,
        SAME,
    ),
    "requirements that cannot be read": (
        with_proposals(lambda _s: context_extensions(_BROKEN_REQUIRED)),
        errors.DecodeError,
        SAME,
    ),
    "a ReInit beside something else": (
        with_proposals(
            lambda _s: ReInit(group_id=b"n", version=1, cipher_suite=1, extensions=()),
            lambda s: s.removes("zoe"),
        ),
        errors.ReInitNotAlone,
        SAME,
    ),
    "a ReInit to an older version": (
        with_proposals(lambda _s: ReInit(group_id=b"n", version=0, cipher_suite=1, extensions=())),
        errors.ReInitVersionLower,
        SAME,
    ),
    "an ExternalInit from inside": (
        with_proposals(lambda _s: _INIT),
        errors.ExternalInitNotAllowed,
        SAME,
    ),
    "a proposal that nobody sent": (
        bent(references=[bytes(32)]),
        errors.UnknownProposal,
        SAME,
    ),
    "application data for all to see": (
        lambda s: s.mallory.say(ApplicationData(data=b"hello")),
        errors.ApplicationNotPrivate,
        SAME,
    ),
    "an external commit without a path": (
        external_commit(_INIT, with_path=False),
        errors.SenderNotAllowed,
        SAME,
    ),
    "an external commit without ExternalInit": (
        external_commit(),
        errors.ExternalCommitList,
        SAME,
    ),
    "an external commit with ExternalInit twice": (
        external_commit(_INIT, _INIT),
        errors.ExternalCommitList,
        SAME,
    ),
    "an external commit that removes two": (
        external_commit(_INIT, lambda s: s.removes("zoe"), lambda s: s.removes("bob")),
        errors.ExternalCommitList,
        SAME,
    ),
    "an external commit that adds": (
        external_commit(_INIT, lambda _s: add(make_card("friend").package)),
        errors.ExternalCommitList,
        SAME,
    ),
    "an external commit with a key twice": (
        external_commit(_INIT, psk(), psk()),
        errors.PskTwice,
        SAME,
    ),
    "a commit by an external sender": (
        said_from_outside(External(sender_index=0), ApplicationData(data=b"")),
        errors.ApplicationNotPrivate,
        SAME,
    ),
    "a removal by one who proposes itself": (
        said_from_outside(
            NewMemberProposal(), lambda s: ProposalContent(proposal=s.removes("zoe"))
        ),
        errors.SenderNotAllowed,
        SAME,
    ),
    "a proposal by one who commits itself": (
        said_from_outside(NewMemberCommit(), lambda s: ProposalContent(proposal=s.removes("zoe"))),
        errors.SenderNotAllowed,
        SAME,
    ),
    "an ExternalInit by an external sender": (
        said_from_outside(External(sender_index=0), ProposalContent(proposal=_INIT)),
        errors.SenderNotAllowed,
        SAME,
    ),
}
