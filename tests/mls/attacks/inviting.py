"""A Welcome that can be opened, bent in one place, and closed again."""

from dataclasses import dataclass, replace
from typing import Any

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.errors import MLSError
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.join import join, open_group_secrets
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.messages.group_info import GroupInfo, GroupInfoContent
from securechat_sdk.mls.messages.proposals import Add, ReInit
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import (
    EncryptedGroupSecrets,
    GroupSecrets,
    Welcome,
)
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.schedule.key_schedule import Joiner
from securechat_sdk.mls.schedule.psks import NamedPsk, psk_secret
from securechat_sdk.mls.tree.hashes import tree_hash
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from tests.mls.scenarios.stage import POLICY, Room


@dataclass
class Invitation:
    """Everything in a Welcome, open on the table, to be bent and closed again."""

    own: OwnKeyPackage
    inviter: Group
    secrets: GroupSecrets
    info: GroupInfo
    nodes: tuple[Any, ...]

    @classmethod
    def to(cls, room: Room, name: str, *others: Add, path: bool = True) -> "Invitation":
        pending = room.start_commit("alice", [room.invite(name), *others], path=path)
        assert pending.welcome is not None
        assert isinstance(pending.welcome.body, Welcome)
        own = room.packages[name]
        secrets = open_group_secrets(pending.welcome.body, own)
        nodes = pending.group.tree.to_extension().nodes
        return cls(own, pending.group, secrets, pending.group_info, nodes)

    @property
    def suite(self) -> Any:
        return self.own.suite

    def with_tree(self, nodes: tuple[Any, ...]) -> None:
        """Another tree, with a context that names its hash."""
        self.nodes = nodes
        extension = RatchetTreeExtension(nodes=nodes)
        try:
            named = tree_hash(RatchetTree.from_extension(self.suite, extension))
        except MLSError:
            named = bytes(32)
        self.with_context(tree_hash=named)

    def with_node(self, index: int, node: object) -> None:
        self.with_tree((*self.nodes[:index], node, *self.nodes[index + 1 :]))

    def with_context(self, **changes: Any) -> None:
        self.with_info(group_context=replace(self.info.group_context, **changes))

    def with_info(self, **changes: Any) -> None:
        """Another GroupInfo, with a true confirmation tag and a true signature."""
        content = {**self.info.fields_of(GroupInfoContent), **changes}
        context = content["group_context"]
        joiner = self._joiner()
        secrets = joiner.epoch_secrets(context.encode()).secrets
        if "confirmation_tag" not in changes:
            confirmed = context.confirmed_transcript_hash
            content["confirmation_tag"] = secrets.confirmation_tag(self.suite, confirmed)
        self.info = GroupInfoContent(**content).sign(self.suite, self.inviter.signature_key)

    def with_secrets(self, **changes: Any) -> None:
        self.secrets = replace(self.secrets, **changes)
        self.with_info()

    def _joiner(self) -> Joiner:
        named = [NamedPsk(name, Secret(bytes(32))) for name in self.secrets.psks]
        return Joiner.of(self.suite, self.secrets.joiner_secret, psk_secret(self.suite, named))

    def close(self) -> Welcome:
        key = self._joiner().welcome_key
        sealed = self.suite.aead.seal(key.key, key.nonce, b"", self.info.encode())
        package = self.own.package
        entry = self.suite.encrypt_with_label(
            package.init_key, b"Welcome", sealed, self.secrets.encode()
        )
        return Welcome(
            cipher_suite=self.suite.number,
            secrets=(
                EncryptedGroupSecrets(new_member=package.reference, encrypted_group_secrets=entry),
            ),
            encrypted_group_info=sealed,
        )

    def accept(
        self,
        welcome: Welcome | None = None,
        parent: Group | None = None,
        policy: Policy = POLICY,
    ) -> Group:
        return join(
            welcome or self.close(),
            self.own,
            policy,
            tree=RatchetTreeExtension(nodes=self.nodes),
            psks=lambda _psk: Secret(bytes(32)),
            parent=parent,
        )

    def parent(self, group_id: bytes = b"old", reinit: ReInit | None = None) -> Group:
        """A group of the same people, from which this one could have come."""
        return aged(self.inviter, group_id, reinit)

    def announced(self, **changes: Any) -> ReInit:
        """What a group would have said that goes on as this one, but for the changes."""
        context = self.info.group_context
        announced = ReInit(
            group_id=context.group_id,
            version=context.version,
            cipher_suite=context.cipher_suite,
            extensions=context.extensions,
        )
        return replace(announced, **changes)


def aged(group: Group, group_id: bytes = b"old", reinit: ReInit | None = None) -> Group:
    """The group as one that others could continue, with the resumption key of every invitation."""
    context = replace(group.context, group_id=group_id)
    public = replace(group.public, context=context, reinit=reinit)
    secrets = replace(group.secrets, resumption_psk=Secret(bytes(32)))
    return replace(group, public=public, secrets=secrets, past=())
