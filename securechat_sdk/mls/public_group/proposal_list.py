"""RFC 9420 section 12.2 and 12.4: the proposals a commit covers, with who made them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from securechat_sdk.mls.errors import UnknownProposal
from securechat_sdk.mls.messages.commits import Commit, InlineProposal
from securechat_sdk.mls.messages.framing import (
    AuthenticatedContent,
    Member,
    ProposalContent,
    Sender,
)
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)

P = TypeVar("P", bound=Proposal)

PATH_OPTIONAL = (Add, PreSharedKey, ReInit)


@dataclass(frozen=True)
class Sent:
    """A proposal that was checked and waits for a commit to refer to it."""

    reference: bytes
    content: AuthenticatedContent

    @property
    def proposal(self) -> Proposal:
        carried = self.content.content.content
        if not isinstance(carried, ProposalContent):
            raise TypeError("only proposals wait for a commit")
        return carried.proposal

    @property
    def sender(self) -> Sender:
        return self.content.content.sender


@dataclass(frozen=True)
class Committed:
    """A proposal about to take effect."""

    proposal: Proposal
    sender: Sender
    is_inline: bool

    @property
    def updated_leaf(self) -> LeafIndex | None:
        """The leaf an Update replaces: its sender's."""
        if isinstance(self.proposal, Update) and isinstance(self.sender, Member):
            return self.sender.leaf_index
        return None


@dataclass(frozen=True)
class ProposalList:
    """The proposals of one commit in their order."""

    items: tuple[Committed, ...]

    @classmethod
    def resolve(
        cls, commit: Commit, sender: Sender, waiting: Mapping[bytes, Sent]
    ) -> "ProposalList":
        """Section 12.4: look up what the commit refers to; raises `UnknownProposal`."""
        return cls(tuple(_resolve(commit, sender, waiting)))

    def of(self, kind: type[P]) -> tuple[P, ...]:
        return tuple(item.proposal for item in self.items if isinstance(item.proposal, kind))

    @property
    def updates(self) -> tuple[tuple[LeafIndex, Update], ...]:
        return tuple(
            (item.updated_leaf, item.proposal)
            for item in self.items
            if item.updated_leaf is not None and isinstance(item.proposal, Update)
        )

    @property
    def context_extensions(self) -> GroupContextExtensions | None:
        return next(iter(self.of(GroupContextExtensions)), None)

    @property
    def external_init(self) -> ExternalInit | None:
        return next(iter(self.of(ExternalInit)), None)

    @property
    def reinit(self) -> ReInit | None:
        return next(iter(self.of(ReInit)), None)

    @property
    def removed_leaves(self) -> tuple[LeafIndex, ...]:
        return tuple(remove.removed for remove in self.of(Remove))

    @property
    def needs_path(self) -> bool:
        """Section 12.4: not if there is something, and all of it can do without."""
        optional = all(isinstance(item.proposal, PATH_OPTIONAL) for item in self.items)
        return not (self.items and optional)


def _resolve(commit: Commit, sender: Sender, waiting: Mapping[bytes, Sent]) -> Iterable[Committed]:
    for item in commit.proposals:
        if isinstance(item, InlineProposal):
            yield Committed(item.proposal, sender, is_inline=True)
        elif (sent := waiting.get(item.reference)) is not None:
            yield Committed(sent.proposal, sent.sender, is_inline=False)
        else:
            raise UnknownProposal
