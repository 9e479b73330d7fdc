"""Vectors of the ratchet tree: its arithmetic, its hashes, its changes and TreeKEM."""

from securechat_sdk.mls.codec import Reader, codec_for
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.messages.commits import UpdatePath
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex
from securechat_sdk.mls.messages.leaf_nodes import MLS10, CommitSource, LeafNodeContent, Place
from securechat_sdk.mls.messages.proposals import Add, Proposal, Remove, Update
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.tree import math
from securechat_sdk.mls.tree.hashes import node_hash, tree_hash
from securechat_sdk.mls.tree.paths import filtered_path, with_leaf, with_path_keys
from securechat_sdk.mls.tree.private import PrivateTree, derive_path, open_path, seal_path
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree
from securechat_sdk.mls.tree.validation import check_tree
from securechat_sdk.mls.vectors.expect import Case, expect, unhex


def check_tree_math(case: Case) -> None:
    leaves = case["n_leaves"]
    nodes = [NodeIndex(index) for index in range(math.node_count(leaves))]
    top = math.root(leaves)
    parents = [node for node in nodes if not math.is_leaf(node)]
    others = [node for node in nodes if node != top]
    expect("n_nodes", len(nodes), case["n_nodes"])
    expect("root", top, case["root"])
    expect("left", {n: math.left(n) for n in parents}, _present(case["left"]))
    expect("right", {n: math.right(n) for n in parents}, _present(case["right"]))
    expect("parent", {n: math.parent(n) for n in others}, _present(case["parent"]))
    expect("sibling", {n: math.sibling(n) for n in others}, _present(case["sibling"]))


def _present(values: list[int | None]) -> dict[int, int]:
    return {index: value for index, value in enumerate(values) if value is not None}


def _read_tree(suite: CipherSuite, text: str) -> RatchetTree:
    return RatchetTree.from_extension(suite, RatchetTreeExtension.decode(unhex(text)))


def check_tree_operations(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    before = _read_tree(suite, case["tree_before"])
    expect("tree_hash_before", tree_hash(before).hex(), case["tree_hash_before"])
    reader = Reader(unhex(case["proposal"]))
    proposal: Proposal = codec_for(Proposal).read(reader)
    reader.finish()

    after = _applied(before, proposal, LeafIndex(case["proposal_sender"]))

    expect("tree_after", after.to_extension().encode().hex(), case["tree_after"])
    expect("tree_hash_after", tree_hash(after).hex(), case["tree_hash_after"])


def _applied(tree: RatchetTree, proposal: Proposal, sender: LeafIndex) -> RatchetTree:
    edit = tree.edit()
    match proposal:
        case Add():
            edit.add(proposal.key_package.leaf_node)
        case Update():
            edit.update(sender, proposal.leaf_node)
        case Remove():
            edit.remove(proposal.removed)
            edit.truncate()
        case _:
            raise ValueError("the proposal does not change the tree")
    return edit.finish()


def check_tree_validation(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    tree = _read_tree(suite, case["tree"])
    nodes = [NodeIndex(index) for index in range(len(tree.nodes))]
    hashes = [node_hash(tree, node).hex() for node in nodes]
    expect("tree_hashes", hashes, case["tree_hashes"])
    expect("resolutions", [list(tree.resolution(node)) for node in nodes], case["resolutions"])
    check_tree(tree)
    for index, leaf in tree.members():
        in_group = not leaf.is_from_key_package
        place = Place(unhex(case["group_id"]), index) if in_group else None
        leaf.check_signature(suite, place=place)


def check_treekem(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    tree = _read_tree(suite, case["ratchet_tree"])
    privates = [_private_tree(suite, tree, entry) for entry in case["leaves_private"]]
    for entry in case["update_paths"]:
        _check_their_path(case, tree, privates, entry)
    for entry in case["leaves_private"]:
        _check_our_path(case, tree, privates, entry)


def _private_tree(suite: CipherSuite, tree: RatchetTree, entry: Case) -> PrivateTree:
    leaf = LeafIndex(entry["index"])
    keys = {math.node_of(leaf): HpkePrivateKey(unhex(entry["encryption_priv"]))}
    for known in entry["path_secrets"]:
        node, secret = NodeIndex(known["node"]), Secret(unhex(known["path_secret"]))
        keys[node] = derive_path(suite, secret, [node]).keys[node].private
    for node, key in keys.items():
        public = suite.hpke.kem.public_key_of(key)
        expect(f"public key of node {node}", public.hex(), tree.encryption_key(node).hex())
    return PrivateTree(leaf, keys)


def _context(case: Case, tree: RatchetTree) -> bytes:
    return GroupContext(
        version=MLS10,
        cipher_suite=case["cipher_suite"],
        group_id=unhex(case["group_id"]),
        epoch=case["epoch"],
        tree_hash=tree_hash(tree),
        confirmed_transcript_hash=unhex(case["confirmed_transcript_hash"]),
        extensions=(),
    ).encode()


def _check_their_path(
    case: Case, tree: RatchetTree, privates: list[PrivateTree], entry: Case
) -> None:
    sender = LeafIndex(entry["sender"])
    path = UpdatePath.decode(unhex(entry["update_path"]))
    after = _after_path(tree, sender, path)
    expect("tree_hash_after", tree_hash(after).hex(), entry["tree_hash_after"])
    place = Place(unhex(case["group_id"]), sender)
    path.leaf_node.check_signature(tree.suite, place=place)
    context = _context(case, after)
    for private in privates:
        if private.leaf == sender:
            continue
        found = open_path(tree, private, sender, path, added=(), context=context)
        ancestor = math.common_ancestor(private.leaf, sender)
        secret = entry["path_secrets"][private.leaf]
        expect("path_secret", found.secrets[ancestor].hex(), secret)
        expect("commit_secret", found.commit_secret.hex(), entry["commit_secret"])


def _after_path(tree: RatchetTree, sender: LeafIndex, path: UpdatePath) -> RatchetTree:
    keys = [node.encryption_key for node in path.nodes]
    new = with_path_keys(tree, sender, filtered_path(tree, sender), keys)
    source = path.leaf_node.source
    carried = source.parent_hash if isinstance(source, CommitSource) else None
    expect("parent_hash", carried, new.leaf_parent_hash)
    return with_leaf(new, sender, path.leaf_node)


def _check_our_path(
    case: Case, tree: RatchetTree, privates: list[PrivateTree], entry: Case
) -> None:
    suite, sender = tree.suite, LeafIndex(entry["index"])
    steps = filtered_path(tree, sender)
    secrets = derive_path(suite, suite.random_secret(), [step.node for step in steps])
    new = with_path_keys(tree, sender, steps, secrets.public_keys)
    old = tree.leaf(sender)
    content = {name: getattr(old, name) for name in LeafNodeContent.names()}
    content["source"] = CommitSource(parent_hash=new.leaf_parent_hash)
    content["encryption_key"] = suite.hpke.kem.generate_key_pair().public
    place = Place(unhex(case["group_id"]), sender)
    key = SignaturePrivateKey(unhex(entry["signature_priv"]))
    leaf = LeafNodeContent(**content).sign(suite, key, place=place)
    after = with_leaf(new, sender, leaf)
    check_tree(after)
    context = _context(case, after)
    path = seal_path(tree, steps, secrets, leaf, added=(), context=context)
    for private in privates:
        if private.leaf != sender:
            found = open_path(tree, private, sender, path, added=(), context=context)
            expect("our commit_secret", found.commit_secret.hex(), secrets.commit_secret.hex())
