"""What the application decides, handed to every operation that asks."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from securechat_sdk.mls.messages.credentials import Judge
from securechat_sdk.mls.messages.key_packages import LONGEST_LIFETIME
from securechat_sdk.mls.messages.leaf_nodes import LeafNode


def signature_key_of(leaf: LeafNode) -> Hashable:
    return leaf.signature_key


@dataclass(frozen=True)
class Policy:
    """The application's part of the rules.

    `now`, in seconds since 1970, is the time at which the message was accepted for delivery, so
    that a device which catches up judges as those did who were there; None skips lifetimes.
    `client_of` names the client behind a leaf: no group has two leaves of the same name.
    """

    judge: Judge
    now: int | None = None
    longest_lifetime: int = LONGEST_LIFETIME
    client_of: Callable[[LeafNode], Hashable] = signature_key_of
