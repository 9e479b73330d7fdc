"""The state of one member of one group in one epoch, and what can be read from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from securechat_sdk.mls.codec import Struct
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import PskUnknown
from securechat_sdk.mls.messages.extensions import Extension, ExtensionType, ExternalPub
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.group_info import GroupInfo, GroupInfoContent
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.proposals import Remove
from securechat_sdk.mls.messages.psks import PreSharedKeyID, ResumptionPsk
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.schedule.key_schedule import EpochSecrets
from securechat_sdk.mls.schedule.psks import NamedPsk
from securechat_sdk.mls.schedule.secret_tree import SecretTree
from securechat_sdk.mls.tree.private import PrivateTree
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree

PAST_EPOCHS = 4
"""How many epochs back messages still open and resumption keys are still known."""

PskSource = Callable[[PreSharedKeyID], Secret | None]
"""Finds keys that the group does not know itself: external ones, and those of other groups."""


def no_psks(_psk: PreSharedKeyID) -> Secret | None:
    return None


@dataclass(frozen=True)
class PendingUpdate:
    """The private keys of an Update that was proposed and not yet committed."""

    encryption_key: HpkePrivateKey
    signature_key: SignaturePrivateKey


@dataclass(frozen=True)
class PastEpoch:
    """What it takes to open late messages, with the tree of their time."""

    context: GroupContext
    tree: RatchetTree = field(repr=False)
    sender_data_secret: Secret
    keys: SecretTree
    resumption_psk: Secret


@dataclass(frozen=True)
class Group:
    """A member's whole state. Nothing in it changes; operations return the next one."""

    public: PublicGroup
    private: PrivateTree
    signature_key: SignaturePrivateKey
    secrets: EpochSecrets
    keys: SecretTree
    updates: Mapping[bytes, PendingUpdate] = field(default_factory=dict)
    past: tuple[PastEpoch, ...] = ()

    @property
    def suite(self) -> CipherSuite:
        return self.public.suite

    @property
    def context(self) -> GroupContext:
        return self.public.context

    @property
    def group_id(self) -> bytes:
        return self.context.group_id

    @property
    def epoch(self) -> int:
        return self.context.epoch

    @property
    def tree(self) -> RatchetTree:
        return self.public.tree

    @property
    def own_leaf(self) -> LeafIndex:
        return self.private.leaf

    @property
    def members(self) -> dict[LeafIndex, LeafNode]:
        return dict(self.tree.members())

    @property
    def epoch_authenticator(self) -> Secret:
        """Section 8.7: equal for all who are in the same state."""
        return self.secrets.epoch_authenticator

    @property
    def waiting_removals(self) -> tuple[LeafIndex, ...]:
        """The members whose removal was proposed and not yet committed."""
        waiting = (sent.proposal for sent in self.public.proposals.values())
        return tuple(proposal.removed for proposal in waiting if isinstance(proposal, Remove))

    def export(self, label: bytes, context: bytes, length: int) -> Secret:
        """MLS-Exporter, section 8.5: a secret for use outside, bound to this epoch."""
        return self.secrets.export(self.suite, label, context, length)

    def group_info(self, extensions: tuple[Extension, ...] = (), *, with_tree: bool) -> GroupInfo:
        """Section 12.4.3: this state for those who want in, with the key to join from outside."""
        return GroupInfoContent(
            group_context=self.context,
            extensions=(*extensions, *self._own_extensions(with_tree=with_tree)),
            confirmation_tag=self.public.confirmation_tag,
            signer=self.own_leaf,
        ).sign(self.suite, self.signature_key)

    def _own_extensions(self, *, with_tree: bool) -> tuple[Extension, ...]:
        external_pub = self.secrets.external_key_pair(self.suite).public
        key = _extension(ExtensionType.EXTERNAL_PUB, ExternalPub(external_pub=external_pub))
        if not with_tree:
            return (key,)
        return (_extension(ExtensionType.RATCHET_TREE, self.tree.to_extension()), key)

    def resumption_psk(self, psk: ResumptionPsk) -> Secret | None:
        """Section 8.6: the key of this epoch or of one not long past."""
        if psk.group_id != self.group_id:
            return None
        known = {past.context.epoch: past.resumption_psk for past in self.past}
        known[self.epoch] = self.secrets.resumption_psk
        return known.get(psk.epoch)

    def find_psk(self, psk: PreSharedKeyID, source: PskSource) -> NamedPsk:
        """The key of that name; raises `PskUnknown`."""
        own = self.resumption_psk(psk) if isinstance(psk, ResumptionPsk) else None
        return named_psk(psk, source) if own is None else NamedPsk(psk, own)

    def as_past(self) -> PastEpoch:
        return PastEpoch(
            self.context,
            self.tree,
            self.secrets.sender_data_secret,
            self.keys,
            self.secrets.resumption_psk,
        )

    def with_keys(self, keys: SecretTree) -> "Group":
        return replace(self, keys=keys)


def named_psk(psk: PreSharedKeyID, source: PskSource) -> NamedPsk:
    secret = source(psk)
    if secret is None:
        raise PskUnknown
    return NamedPsk(psk, Secret(secret))


def _extension(extension_type: ExtensionType, content: Struct) -> Extension:
    return Extension(extension_type=extension_type, extension_data=content.encode())
