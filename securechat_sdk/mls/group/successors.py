"""RFC 9420 sections 11.2 and 11.3: groups that continue another, whole or in part."""

import os
from collections.abc import Hashable, Sequence

from securechat_sdk.mls.errors import NotReinitialised, ParentMismatch
from securechat_sdk.mls.group.commit import CommitPlan, PendingCommit, commit
from securechat_sdk.mls.group.create import create_group
from securechat_sdk.mls.group.group import Group
from securechat_sdk.mls.group.key_packages import OwnKeyPackage
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.proposals import Add, PreSharedKey, Proposal, ReInit
from securechat_sdk.mls.messages.psks import ResumptionPsk, ResumptionUsage
from securechat_sdk.mls.public_group.policy import Policy


def reinitialise(
    old: Group, own: OwnKeyPackage, others: Sequence[UncheckedKeyPackage], policy: Policy
) -> PendingCommit:
    """Section 11.2: the new group that the committed ReInit proposal announced.

    `others` are fresh key packages of all other members, for the new cipher suite.
    """
    announced = old.public.reinit
    if announced is None:
        raise NotReinitialised
    new = create_group(own, announced.group_id, policy, announced.extensions)
    return _continue(old, new, others, ResumptionUsage.REINIT, policy)


def branch(
    old: Group,
    own: OwnKeyPackage,
    others: Sequence[UncheckedKeyPackage],
    group_id: bytes,
    policy: Policy,
) -> PendingCommit:
    """Section 11.3: a new group of some of the members, with fresh key packages of theirs."""
    new = create_group(own, group_id, policy, old.context.extensions)
    return _continue(old, new, others, ResumptionUsage.BRANCH, policy)


def _continue(
    old: Group,
    new: Group,
    others: Sequence[UncheckedKeyPackage],
    usage: ResumptionUsage,
    policy: Policy,
) -> PendingCommit:
    psk = ResumptionPsk(
        usage=usage,
        group_id=old.group_id,
        epoch=old.epoch,
        psk_nonce=os.urandom(new.suite.hash.size),
    )
    adds: list[Proposal] = [Add(key_package=package) for package in others]
    plan = CommitPlan(proposals=[*adds, PreSharedKey(psk=psk)])
    pending = commit(new, plan, policy, lambda name: old.find_psk(name, _nothing).secret)
    check_parent(pending.group, old, psk, policy)
    return pending


def _nothing(_psk: object) -> None:
    return None


def check_parent(new: Group, old: Group, psk: ResumptionPsk, policy: Policy) -> None:
    """That the new group is what the old one agreed to; raises `ParentMismatch`."""
    if new.epoch != 1:
        raise ParentMismatch
    if psk.usage is ResumptionUsage.REINIT:
        _check_reinit(new, old, psk, policy)
    else:
        _check_branch(new, old, policy)


def _check_reinit(new: Group, old: Group, psk: ResumptionPsk, policy: Policy) -> None:
    """Section 11.2: announced in every detail, and nobody left behind."""
    context = new.context
    opened = ReInit(
        group_id=context.group_id,
        version=context.version,
        cipher_suite=context.cipher_suite,
        extensions=context.extensions,
    )
    if old.public.reinit != opened or psk.epoch != old.epoch:
        raise ParentMismatch
    if not _clients(old, policy) <= _clients(new, policy):
        raise ParentMismatch


def _check_branch(new: Group, old: Group, policy: Policy) -> None:
    """Section 11.3: the same kind of group, and nobody who was not there."""
    if new.context.version != old.context.version or new.suite != old.suite:
        raise ParentMismatch
    if not _clients(new, policy) <= _clients(old, policy):
        raise ParentMismatch


def _clients(group: Group, policy: Policy) -> set[Hashable]:
    return {policy.client_of(leaf) for leaf in group.members.values()}
