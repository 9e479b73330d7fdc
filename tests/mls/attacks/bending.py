"""A scene with a malicious member, and the ways in which it bends what it sends."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from securechat_sdk.mls.group.messages import propose, propose_update
from securechat_sdk.mls.messages.commits import Commit, InlineProposal, UpdatePath
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.framing import (
    FramedContent,
    Member,
    NewMemberCommit,
    PublicMessage,
)
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import (
    KeyPackageSource,
    LeafNode,
    LeafNodeContent,
    Lifetime,
    Place,
    UpdateSource,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    Remove,
    Update,
)
from securechat_sdk.mls.messages.psks import ExternalPsk
from securechat_sdk.mls.messages.ratchet_tree import ParentNode
from securechat_sdk.mls.tree.math import root
from securechat_sdk.mls.tree.private import PathSecrets
from tests.mls.attacks.forge import Forger, flipped
from tests.mls.people import Card, make_card
from tests.mls.scenarios.stage import POLICY, Room, a_secret
from tests.mls.scenarios.test_outside import SERVER_KEY


@dataclass
class Scene:
    """Four members, and what mallory has at hand."""

    room: Room

    @property
    def mallory(self) -> Forger:
        return Forger(self.room.groups["mallory"])

    @property
    def leaf(self) -> LeafNode:
        group = self.room.groups["mallory"]
        return group.tree.leaf(group.own_leaf)

    @property
    def root(self) -> ParentNode:
        tree = self.room.groups["mallory"].tree
        node = tree.parent_or_none(root(tree.slots))
        assert node is not None
        return node

    @property
    def bobs_leaf(self) -> LeafNode:
        return self.room.groups["mallory"].tree.leaf(self.room.leaf("bob"))

    def removes(self, name: str) -> Remove:
        return self.room.remove(name)

    def waiting(self, message: MLSMessage) -> bytes:
        """Everyone hears a proposal; its reference."""
        self.room.everyone_hears(message)
        return last_reference(self.room)

    def bob_updates(self) -> bytes:
        sent = propose_update(self.room.groups["bob"], POLICY)
        self.room.groups["bob"] = sent.group
        self.room.everyone_hears(sent.message, but="bob")
        return last_reference(self.room)


def last_reference(room: Room) -> bytes:
    return list(room.groups["mallory"].public.proposals)[-1]


def psk(nonce: int = 32) -> PreSharedKey:
    return PreSharedKey(psk=ExternalPsk(psk_id=b"x", psk_nonce=bytes(nonce)))


def context_extensions(*extensions: Extension) -> GroupContextExtensions:
    return GroupContextExtensions(extensions=extensions)


def add(package: UncheckedKeyPackage) -> Add:
    return Add(key_package=package)


def lifetime(not_before: int, not_after: int) -> KeyPackageSource:
    return KeyPackageSource(lifetime=Lifetime(not_before=not_before, not_after=not_after))


def with_proposals(*makers: Callable[[Scene], object]) -> Callable[[Scene], MLSMessage]:
    def attack(scene: Scene) -> MLSMessage:
        made = [maker(scene) for maker in makers]
        return replace_forger(scene, proposals=made).commit()

    return attack


def replace_forger(scene: Scene, **bent: object) -> Forger:
    return Forger(scene.room.groups["mallory"], **bent)  # type: ignore[arg-type]  # forger's own


def bent(**parts: object) -> Callable[[Scene], MLSMessage]:
    return lambda scene: replace_forger(scene, **parts).commit()


def leaf_with(**changes: object) -> Callable[[LeafNodeContent], LeafNodeContent]:
    return lambda content: replace(content, **changes)  # type: ignore[arg-type]  # a leaf's own


def content_with(**changes: object) -> Callable[[FramedContent], FramedContent]:
    return lambda content: replace(content, **changes)  # type: ignore[arg-type]  # content's own


def card_add(spoil: Callable[[Card], UncheckedKeyPackage]) -> Callable[[Scene], MLSMessage]:
    return with_proposals(lambda _scene: add(spoil(make_card("newcomer"))))


def shorter(path: UpdatePath) -> UpdatePath:
    return replace(path, nodes=path.nodes[:-1])


def longer(path: UpdatePath) -> UpdatePath:
    return replace(path, nodes=(*path.nodes, path.nodes[-1]))


def first_node(path: UpdatePath, **changes: object) -> UpdatePath:
    first, *rest = path.nodes
    return replace(path, nodes=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def ciphertexts(path: UpdatePath, *, change: int) -> UpdatePath:
    nodes = []
    for node in path.nodes:
        sealed = node.encrypted_path_secret
        kept = sealed[:-1] if change < 0 else (*sealed, sealed[-1])
        nodes.append(replace(node, encrypted_path_secret=kept))
    return replace(path, nodes=tuple(nodes))


def spoiled_ciphertexts(path: UpdatePath) -> UpdatePath:
    nodes = [
        replace(
            node,
            encrypted_path_secret=tuple(
                replace(sealed, ciphertext=flipped(sealed.ciphertext))
                for sealed in node.encrypted_path_secret
            ),
        )
        for node in path.nodes
    ]
    return replace(path, nodes=tuple(nodes))


def other_secrets(secrets: PathSecrets) -> PathSecrets:
    return replace(secrets, secrets={node: a_secret() for node in secrets.secrets})


def one_key_everywhere(secrets: PathSecrets) -> PathSecrets:
    first = next(iter(secrets.keys.values()))
    return replace(secrets, keys=dict.fromkeys(secrets.keys, first))


def remove_by_reference(scene: Scene) -> bytes:
    sent = propose(scene.room.groups["alice"], scene.removes("zoe"), POLICY)
    scene.room.groups["alice"] = sent.group
    scene.room.everyone_hears(sent.message, but="alice")
    return last_reference(scene.room)


def update_and_remove(scene: Scene) -> MLSMessage:
    reference = scene.bob_updates()
    return replace_forger(scene, references=[reference], proposals=[scene.removes("bob")]).commit()


def pathless_update(scene: Scene) -> MLSMessage:
    return replace_forger(scene, references=[scene.bob_updates()], path=False).commit()


def pathless_referred_remove(scene: Scene) -> MLSMessage:
    return replace_forger(scene, references=[remove_by_reference(scene)], path=False).commit()


def own_update(scene: Scene) -> Update:
    key = scene.mallory.group.suite.hpke.kem.generate_key_pair().public
    content = LeafNodeContent(**scene.leaf.fields_of(LeafNodeContent))
    group = scene.mallory.group
    place = Place(group.group_id, group.own_leaf)
    changed = replace(content, encryption_key=key, source=UpdateSource())
    return Update(leaf_node=changed.sign(group.suite, group.signature_key, place=place))


def path_with_key(scene: Scene, key: bytes) -> MLSMessage:
    def copied(secrets: PathSecrets) -> PathSecrets:
        node = next(iter(secrets.keys))
        pair = replace(secrets.keys[node], public=key)
        return replace(secrets, keys={**secrets.keys, node: pair})

    return replace_forger(scene, secrets=copied).commit()


def copied_path_key(scene: Scene) -> MLSMessage:
    return path_with_key(scene, scene.bobs_leaf.encryption_key)


def path_key_of_old_root(scene: Scene) -> MLSMessage:
    return path_with_key(scene, scene.root.encryption_key)


def card_with_bobs_signature_key(scene: Scene) -> MLSMessage:
    bob = scene.room.groups["bob"]
    card = replace(make_card("newcomer"), signature_key=bob.signature_key)
    return replace_forger(
        scene, proposals=[add(card.with_leaf(signature_key=scene.bobs_leaf.signature_key))]
    ).commit()


def card_with_bobs_encryption_key(scene: Scene) -> MLSMessage:
    package = make_card("newcomer").with_leaf(encryption_key=scene.bobs_leaf.encryption_key)
    return replace_forger(scene, proposals=[add(package)]).commit()


def same_newcomer_twice(scene: Scene) -> MLSMessage:
    package = make_card("newcomer").package
    return replace_forger(scene, proposals=[add(package), add(package)]).commit()


def as_bob(scene: Scene) -> MLSMessage:
    sender = Member(leaf_index=scene.room.leaf("bob"))
    return replace_forger(scene, content=content_with(sender=sender)).commit()


def external_commit(*proposals: Any, with_path: bool = True) -> Callable[[Scene], MLSMessage]:
    def attack(scene: Scene) -> MLSMessage:
        group = scene.room.groups["mallory"]
        honest = replace_forger(scene).commit().body
        assert isinstance(honest, PublicMessage)
        assert isinstance(honest.content.content, Commit)
        path = honest.content.content.path if with_path else None
        made = [each(scene) if callable(each) else each for each in proposals]
        items = tuple(InlineProposal(proposal=each) for each in made)
        said = Commit(proposals=items, path=path)
        edit = content_with(sender=NewMemberCommit(), content=said)
        message = Forger(group, content=edit).say(said).body
        assert isinstance(message, PublicMessage)
        auth = replace(message.auth, confirmation_tag=bytes(32))
        return MLSMessage.of(replace(message, auth=auth))

    return attack


def said_from_outside(sender: object, said: Any) -> Callable[[Scene], MLSMessage]:
    def attack(scene: Scene) -> MLSMessage:
        content = said(scene) if callable(said) else said
        edit = content_with(sender=sender, content=content)
        forger = Forger(scene.room.groups["mallory"], content=edit, signing_key=SERVER_KEY)
        return forger.say(content)

    return attack
