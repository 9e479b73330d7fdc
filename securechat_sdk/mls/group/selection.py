"""RFC 9420 section 12.2 and 12.4: which of the waiting proposals go together in one commit."""

from collections.abc import Sequence

from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.messages.framing import Member
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.proposals import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import Sent


def select_waiting(group: Group, inline: Sequence[Proposal], policy: Policy) -> tuple[bytes, ...]:
    """References to all waiting proposals that are valid together with the inline ones.

    A removal goes before an update of the same leaf, the latest update before earlier ones, and
    everything before a ReInit.
    """
    waiting = list(group.public.proposals.values())
    removed = _removed(group, waiting, inline)
    kept = _removals(waiting, removed)
    kept += _updates(group, waiting, removed | _removed_inline(inline))
    kept += _once(waiting, inline)
    kept += _adds(group, waiting, inline, removed | _removed_inline(inline), policy)
    if not kept and not inline:
        kept = [sent for sent in waiting if isinstance(sent.proposal, ReInit)][:1]
    order = {sent.reference: place for place, sent in enumerate(waiting)}
    return tuple(sorted((sent.reference for sent in kept), key=order.__getitem__))


def _removed_inline(inline: Sequence[Proposal]) -> set[LeafIndex]:
    return {proposal.removed for proposal in inline if isinstance(proposal, Remove)}


def _removed(group: Group, waiting: Sequence[Sent], inline: Sequence[Proposal]) -> set[LeafIndex]:
    """Whom the waiting proposals remove: not the committer, and nobody removed inline."""
    leaves = {sent.proposal.removed for sent in waiting if isinstance(sent.proposal, Remove)}
    return leaves - _removed_inline(inline) - {group.own_leaf}


def _removals(waiting: Sequence[Sent], removed: set[LeafIndex]) -> list[Sent]:
    first: dict[LeafIndex, Sent] = {}
    for sent in waiting:
        if isinstance(sent.proposal, Remove) and sent.proposal.removed in removed:
            first.setdefault(sent.proposal.removed, sent)
    return list(first.values())


def _updates(group: Group, waiting: Sequence[Sent], removed: set[LeafIndex]) -> list[Sent]:
    latest: dict[LeafIndex, Sent] = {}
    for sent in waiting:
        if isinstance(sent.proposal, Update) and isinstance(sent.sender, Member):
            latest[sent.sender.leaf_index] = sent
    return [sent for leaf, sent in latest.items() if leaf not in removed and leaf != group.own_leaf]


def _once(waiting: Sequence[Sent], inline: Sequence[Proposal]) -> list[Sent]:
    """Each pre-shared key once, and one replacement of the extensions."""
    seen: set[object] = {p.psk for p in inline if isinstance(p, PreSharedKey)}
    if any(isinstance(proposal, GroupContextExtensions) for proposal in inline):
        seen.add(GroupContextExtensions)
    kept = []
    for sent in waiting:
        proposal = sent.proposal
        if not isinstance(proposal, PreSharedKey | GroupContextExtensions):
            continue
        key: object = proposal.psk if isinstance(proposal, PreSharedKey) else type(proposal)
        if key not in seen:
            seen.add(key)
            kept.append(sent)
    return kept


def _adds(
    group: Group,
    waiting: Sequence[Sent],
    inline: Sequence[Proposal],
    removed: set[LeafIndex],
    policy: Policy,
) -> list[Sent]:
    """Those not in the group yet, each once."""
    staying = [leaf for index, leaf in group.tree.members() if index not in removed]
    staying += [add.key_package.leaf_node for add in inline if isinstance(add, Add)]
    present = {policy.client_of(leaf) for leaf in staying}
    kept = []
    for sent in waiting:
        if isinstance(sent.proposal, Add):
            client = policy.client_of(sent.proposal.key_package.leaf_node)
            if client not in present:
                present.add(client)
                kept.append(sent)
    return kept
