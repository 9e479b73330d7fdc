"""RFC 9420 section 12.1: what can be proposed."""

from enum import IntEnum
from typing import Annotated

from securechat_sdk.mls.codec import Select, Struct, UInt, Vector, opaque, uint16
from securechat_sdk.mls.messages.extensions import Extension
from securechat_sdk.mls.messages.indexes import leaf_index
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.psks import PreSharedKeyID


class ProposalType(IntEnum):
    """Section 17.4."""

    ADD = 1
    UPDATE = 2
    REMOVE = 3
    PSK = 4
    REINIT = 5
    EXTERNAL_INIT = 6
    GROUP_CONTEXT_EXTENSIONS = 7


DEFAULT_PROPOSALS = frozenset(ProposalType)
"""Implemented by everyone, so nobody lists them (section 7.2)."""


class Add(Struct):
    """Add the client of this key package."""

    key_package: UncheckedKeyPackage


class Update(Struct):
    """Replace the sender's leaf."""

    leaf_node: LeafNode


class Remove(Struct):
    """Remove the member at this leaf."""

    removed: leaf_index


class PreSharedKey(Struct):
    """Mix this key into the next epoch."""

    psk: PreSharedKeyID


class ReInit(Struct):
    """Close the group and open another with these parameters."""

    group_id: opaque
    version: uint16
    cipher_suite: uint16
    extensions: Vector[Extension]


class ExternalInit(Struct):
    """Join from outside with the secret encapsulated here."""

    kem_output: opaque


class GroupContextExtensions(Struct):
    """Replace all extensions of the group context."""

    extensions: Vector[Extension]


_PROPOSAL = Select(
    UInt(2),
    {
        ProposalType.ADD: Add,
        ProposalType.UPDATE: Update,
        ProposalType.REMOVE: Remove,
        ProposalType.PSK: PreSharedKey,
        ProposalType.REINIT: ReInit,
        ProposalType.EXTERNAL_INIT: ExternalInit,
        ProposalType.GROUP_CONTEXT_EXTENSIONS: GroupContextExtensions,
    },
)

Proposal = Annotated[
    Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions,
    _PROPOSAL,
]


def proposal_type(proposal: Proposal) -> int:
    return _PROPOSAL.tag_of(proposal)
