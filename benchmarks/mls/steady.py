"""A group in which every member has committed once, without the hours that would take.

Every member's path is made with the member's own keys and checked by nobody, since nobody else
needs a state: only the two members that are measured get one.
"""

from collections.abc import Callable
from dataclasses import replace

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.group.advance import enter_epoch
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.messages.extensions import Extensions
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import MLS10, CommitSource, LeafNodeContent, Place
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.schedule.key_schedule import EpochStart
from securechat_sdk.mls.tree.hashes import tree_hash
from securechat_sdk.mls.tree.math import is_below, node_of
from securechat_sdk.mls.tree.paths import filtered_path, with_leaf, with_path_keys
from securechat_sdk.mls.tree.private import PrivateTree, derive_path
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from tests.mls.scenarios.stage import key_package_of

GROUP_ID = b"steady"
FIRST, SECOND = LeafIndex(0), LeafIndex(1)


def steady_group(
    suite_number: int,
    members: int,
    *,
    make: Callable[[str, int], OwnKeyPackage] = key_package_of,
    extensions: Extensions = (),
) -> tuple[Group, Group, OwnKeyPackage]:
    """Two members of the group, and one who could come."""
    suite = cipher_suite(suite_number)
    owners = [make(f"member {number}", suite_number) for number in range(members)]
    edit = RatchetTree.of_one(suite, owners[0].package.leaf_node).edit()
    for owner in owners[1:]:
        edit.add(owner.package.leaf_node)
    tree = edit.finish()
    privates = {
        leaf: PrivateTree(leaf, {node_of(leaf): owners[leaf].encryption_key})
        for leaf in (FIRST, SECOND)
    }
    for number in reversed(range(members)):
        tree = _committed_by(tree, LeafIndex(number), owners[number], privates)
    context = GroupContext(
        version=MLS10,
        cipher_suite=suite_number,
        group_id=GROUP_ID,
        epoch=members,
        tree_hash=tree_hash(tree),
        confirmed_transcript_hash=b"",
        extensions=extensions,
    )
    start = EpochStart.from_epoch_secret(suite, Secret(suite.random_secret()))
    public = PublicGroup(context, tree, start.secrets.confirmation_tag(suite, b""))
    groups = [
        enter_epoch(public, privates[leaf], owners[leaf].signature_key, start, ())
        for leaf in (FIRST, SECOND)
    ]
    return groups[0], groups[1], make("newcomer", suite_number)


def _committed_by(
    tree: RatchetTree,
    leaf: LeafIndex,
    owner: OwnKeyPackage,
    privates: dict[LeafIndex, PrivateTree],
) -> RatchetTree:
    suite, steps = tree.suite, filtered_path(tree, leaf)
    path = derive_path(suite, suite.random_secret(), [step.node for step in steps])
    keyed = with_path_keys(tree, leaf, steps, path.public_keys)
    pair = suite.hpke.kem.generate_key_pair()
    content = LeafNodeContent(**tree.leaf(leaf).fields_of(LeafNodeContent))
    source = CommitSource(parent_hash=keyed.leaf_parent_hash)
    content = replace(content, encryption_key=pair.public, source=source)
    node = content.sign(suite, owner.signature_key, place=Place(GROUP_ID, leaf))
    for measured, private in privates.items():
        if measured == leaf:
            keys = {node_of(leaf): pair.private, **path.private_keys}
            privates[measured] = PrivateTree(leaf, keys)
        else:
            shared = {n: k for n, k in path.private_keys.items() if is_below(measured, n)}
            privates[measured] = private.with_keys(shared)
    return with_leaf(keyed, leaf, node)
