"""RFC 9420 section 12.4 and 7.6: commits and the paths they carry."""

from enum import IntEnum
from typing import Annotated

from securechat_sdk.mls.codec import Select, Struct, UInt, Vector, opaque
from securechat_sdk.mls.crypto.hpke import HPKECiphertext
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.proposals import Proposal


class ProposalOrRefType(IntEnum):
    """How a commit names a proposal."""

    PROPOSAL = 1
    REFERENCE = 2


class InlineProposal(Struct):
    """The committer's own proposal, in the commit itself."""

    proposal: Proposal


class ProposalReference(Struct):
    """A proposal sent before, named by its hash (ProposalRef, section 5.2)."""

    reference: opaque


ProposalOrRef = Annotated[
    InlineProposal | ProposalReference,
    Select(
        UInt(1),
        {
            ProposalOrRefType.PROPOSAL: InlineProposal,
            ProposalOrRefType.REFERENCE: ProposalReference,
        },
    ),
]


class UpdatePathNode(Struct):
    """A new key on the path, its secret sealed to each node below that needs it."""

    encryption_key: opaque
    encrypted_path_secret: Vector[HPKECiphertext]


class UpdatePath(Struct):
    """The committer's new leaf and the new keys above it."""

    leaf_node: LeafNode
    nodes: Vector[UpdatePathNode]


class Commit(Struct):
    """The proposals that take effect, in order, and the committer's new path."""

    proposals: Vector[ProposalOrRef]
    path: UpdatePath | None

    @property
    def inline_proposals(self) -> tuple[Proposal, ...]:
        return tuple(item.proposal for item in self.proposals if isinstance(item, InlineProposal))

    @property
    def references(self) -> tuple[bytes, ...]:
        return tuple(
            item.reference for item in self.proposals if isinstance(item, ProposalReference)
        )
