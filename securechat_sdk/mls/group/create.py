"""RFC 9420 section 11: a group begins with one member."""

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.messages.extensions import Extensions
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import MLS10
from securechat_sdk.mls.public_group import checks
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.schedule.key_schedule import EpochStart
from securechat_sdk.mls.schedule.secret_tree import SecretTree
from securechat_sdk.mls.tree.hashes import tree_hash
from securechat_sdk.mls.tree.math import node_of
from securechat_sdk.mls.tree.private import PrivateTree
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree

_CREATOR = LeafIndex(0)


def create_group(
    own: OwnKeyPackage, group_id: bytes, policy: Policy, extensions: Extensions = ()
) -> Group:
    """A group of one in epoch 0, whose leaf is the key package's."""
    suite = own.suite
    checks.check_context_extensions(extensions, policy)
    tree = RatchetTree.of_one(suite, own.package.leaf_node)
    checks.check_members(tree, extensions, policy)
    context = GroupContext(
        version=MLS10,
        cipher_suite=suite.number,
        group_id=group_id,
        epoch=0,
        tree_hash=tree_hash(tree),
        confirmed_transcript_hash=b"",
        extensions=extensions,
    )
    start = EpochStart.from_epoch_secret(suite, Secret(suite.random_secret()))
    tag = start.secrets.confirmation_tag(suite, context.confirmed_transcript_hash)
    return Group(
        public=PublicGroup(context, tree, tag),
        private=PrivateTree(_CREATOR, {node_of(_CREATOR): own.encryption_key}),
        signature_key=own.signature_key,
        secrets=start.secrets,
        keys=SecretTree.of(suite, start.encryption_secret, tree.slots),
    )
