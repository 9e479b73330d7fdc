"""A member who breaks one rule and keeps all others: what it sends is honest but for one thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.group.advance import Inputs, no_path_secret
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.messages.commits import (
    Commit,
    InlineProposal,
    ProposalOrRef,
    ProposalReference,
    UpdatePath,
)
from securechat_sdk.mls.messages.framing import (
    AuthenticatedContent,
    Content,
    FramedContent,
    FramedContentAuthData,
    Member,
    PublicMessage,
    Sender,
    WireFormat,
    sign_content,
)
from securechat_sdk.mls.messages.leaf_nodes import (
    CommitSource,
    LeafNode,
    LeafNodeContent,
    Place,
)
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import PreSharedKey, Proposal
from securechat_sdk.mls.public_group.proposal_list import ProposalList
from securechat_sdk.mls.public_group.transition import Changes, _apply
from securechat_sdk.mls.schedule.psks import NamedPsk
from securechat_sdk.mls.tree.hashes import tree_hash
from securechat_sdk.mls.tree.paths import with_leaf, with_path_keys
from securechat_sdk.mls.tree.private import PathSecrets, derive_path, seal_path
from tests.mls.scenarios.stage import a_secret

T = TypeVar("T")
Edit = Callable[[T], T]


def same(value: T) -> T:
    return value


@dataclass
class Forger:
    """Everything a commit is made of, and a place to bend each part of it."""

    group: Group
    proposals: Sequence[Proposal] = ()
    references: Sequence[bytes] = ()
    path: bool = True
    leaf_content: Edit[LeafNodeContent] = same
    leaf: Edit[LeafNode] = same
    leaf_key: SignaturePrivateKey | None = None
    place: Edit[Place] = same
    secrets: Edit[PathSecrets] = same
    sealed_secrets: Edit[PathSecrets] = same
    update_path: Edit[UpdatePath] = same
    content: Edit[FramedContent] = same
    signature: Edit[bytes] = same
    signing_key: SignaturePrivateKey | None = None
    confirmation_tag: Edit[bytes] = same
    membership_tag: Edit[bytes | None] = same
    changes: Changes = field(init=False)

    def commit(self) -> MLSMessage:
        """The commit, with true signatures and tags around whatever was bent."""
        group, suite = self.group, self.group.suite
        items = self._items()
        self.changes = self._changes(items)
        tree, update_path, commit_secret = self.changes.tree, None, no_path_secret(suite)
        if self.path and self.changes.tree.leaf_or_none(group.own_leaf) is not None:
            tree, update_path, commit_secret = self._path()
        signed = self._signed(Commit(proposals=items, path=update_path))
        provisional = replace(
            group.context,
            epoch=group.epoch + 1,
            tree_hash=tree_hash(tree),
            extensions=self.changes.extensions,
        )
        context = group.public.confirmed(provisional, signed)
        inputs = Inputs(group.secrets.init_secret, commit_secret, self._psks())
        start = inputs.joiner(suite, context).epoch_secrets(context.encode())
        tag = start.secrets.confirmation_tag(suite, context.confirmed_transcript_hash)
        return self._framed(signed, self.confirmation_tag(tag))

    def _items(self) -> tuple[ProposalOrRef, ...]:
        named = tuple(ProposalReference(reference=each) for each in self.references)
        return named + tuple(InlineProposal(proposal=each) for each in self.proposals)

    def _changes(self, items: tuple[ProposalOrRef, ...]) -> Changes:
        group, sender = self.group, Member(leaf_index=self.group.own_leaf)
        known = {
            reference: group.public.proposals[reference]
            for reference in self.references
            if reference in group.public.proposals
        }
        found = tuple(
            item for item in items if isinstance(item, InlineProposal) or item.reference in known
        )
        listed = ProposalList.resolve(Commit(proposals=found, path=None), sender, known)
        applied = _apply_what_can_be(group, listed)
        return replace(applied, committer=group.own_leaf)

    def _path(self) -> tuple[Any, UpdatePath, Any]:
        group, changes, suite = self.group, self.changes, self.group.suite
        steps = changes.steps
        nodes = [step.node for step in steps]
        secrets = self.secrets(derive_path(suite, a_secret(suite.number), nodes))
        keyed = with_path_keys(changes.tree, group.own_leaf, steps, secrets.public_keys)
        old = changes.tree.leaf(group.own_leaf)
        content = LeafNodeContent(**old.fields_of(LeafNodeContent))
        content = replace(
            content,
            encryption_key=suite.hpke.kem.generate_key_pair().public,
            source=CommitSource(parent_hash=keyed.leaf_parent_hash),
        )
        key = self.leaf_key or group.signature_key
        signed = self.leaf_content(content).sign(suite, key, place=self.place(changes.place))
        leaf = self.leaf(signed)
        tree = with_leaf(keyed, group.own_leaf, leaf)
        provisional = replace(
            group.context,
            epoch=group.epoch + 1,
            tree_hash=tree_hash(tree),
            extensions=changes.extensions,
        )
        sealed = seal_path(
            changes.tree,
            steps,
            self.sealed_secrets(secrets),
            leaf,
            added=changes.added_leaves,
            context=provisional.encode(),
        )
        return tree, self.update_path(sealed), secrets.commit_secret

    def _psks(self) -> list[NamedPsk]:
        names = [proposal.psk for proposal in self.changes.proposals.of(PreSharedKey)]
        return [NamedPsk(name, a_secret()) for name in names]

    def say(self, said: Content) -> MLSMessage:
        """Anything else, framed in the same way."""
        return self._framed(self._signed(said), None)

    def _signed(self, said: Content) -> AuthenticatedContent:
        group = self.group
        sender: Sender = Member(leaf_index=group.own_leaf)
        content = self.content(
            FramedContent(
                group_id=group.group_id,
                epoch=group.epoch,
                sender=sender,
                authenticated_data=b"",
                content=said,
            )
        )
        wire_format = WireFormat.PUBLIC_MESSAGE
        key = self.signing_key or group.signature_key
        signature = sign_content(group.suite, key, wire_format, content, group.context)
        auth = FramedContentAuthData(signature=self.signature(signature), confirmation_tag=None)
        return AuthenticatedContent(wire_format=wire_format, content=content, auth=auth)

    def _framed(self, signed: AuthenticatedContent, tag: bytes | None) -> MLSMessage:
        group = self.group
        auth = replace(signed.auth, confirmation_tag=tag)
        content = replace(signed, auth=auth)
        membership: bytes | None = None
        if isinstance(signed.content.sender, Member):
            tagged = content.membership_content(group.context)
            membership = group.secrets.membership_tag(group.suite, tagged)
        membership = self.membership_tag(membership)
        return MLSMessage.of(
            PublicMessage(content=signed.content, auth=auth, membership_tag=membership)
        )


def _apply_what_can_be(group: Group, listed: ProposalList) -> Changes:
    """The proposals applied, or if that is impossible, none: then the list itself is the crime."""
    try:
        return _apply(group.context, group.tree, listed)
    except Exception:  # noqa: BLE001  a forger does not mind
        return replace(_apply(group.context, group.tree, ProposalList(())), proposals=listed)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])
