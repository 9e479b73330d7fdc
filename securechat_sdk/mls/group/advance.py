"""RFC 9420 section 12.4: the step from one epoch's secrets to the next, for all who take it."""

from collections.abc import Sequence
from dataclasses import dataclass

from securechat_sdk.mls.crypto.secrets import Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.group.group import PAST_EPOCHS, Group, PastEpoch
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.schedule.key_schedule import EpochStart, Joiner
from securechat_sdk.mls.schedule.psks import NamedPsk, psk_secret
from securechat_sdk.mls.schedule.secret_tree import SecretTree
from securechat_sdk.mls.tree.private import PrivateTree


@dataclass(frozen=True)
class Inputs:
    """What the key schedule takes in besides the group context."""

    init_secret: Secret
    commit_secret: Secret
    psks: Sequence[NamedPsk]

    def joiner(self, suite: CipherSuite, context: GroupContext) -> Joiner:
        psk = psk_secret(suite, self.psks)
        return Joiner.advance(suite, self.init_secret, self.commit_secret, psk, context.encode())


def no_path_secret(suite: CipherSuite) -> Secret:
    """Section 12.4.2: the commit secret of a commit without a path."""
    return Secret(bytes(suite.hash.size))


def enter_epoch(
    public: PublicGroup,
    private: PrivateTree,
    signature_key: SignaturePrivateKey,
    start: EpochStart,
    past: tuple[PastEpoch, ...],
) -> Group:
    """The member's state at the beginning of an epoch."""
    return Group(
        public=public,
        private=private,
        signature_key=signature_key,
        secrets=start.secrets,
        keys=SecretTree.of(public.suite, start.encryption_secret, public.tree.slots),
        past=past,
    )


def past_of(group: Group) -> tuple[PastEpoch, ...]:
    """The epoch that ends and those before it, as many as are kept."""
    return (group.as_past(), *group.past)[:PAST_EPOCHS]
