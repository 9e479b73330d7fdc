"""A public group as bytes, with the version of the form in front."""

from securechat_sdk.mls.codec import Struct, Vector, opaque, uint16
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.errors import StoredStateInvalid
from securechat_sdk.mls.messages.framing import AuthenticatedContent
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.proposals import ReInit
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.public_group.proposal_list import Sent
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree

VERSION = 1


class StoredPublicGroup(Struct):
    """Version 1."""

    version: uint16
    context: GroupContext
    confirmation_tag: opaque
    tree: RatchetTreeExtension
    proposals: Vector[AuthenticatedContent]
    reinit: ReInit | None


def save_public_group(group: PublicGroup) -> bytes:
    return StoredPublicGroup(
        version=VERSION,
        context=group.context,
        confirmation_tag=group.confirmation_tag,
        tree=group.tree.to_extension(),
        proposals=tuple(sent.content for sent in group.proposals.values()),
        reinit=group.reinit,
    ).encode()


def load_public_group(data: bytes) -> PublicGroup:
    """What was saved; the rules were checked before. Raises `StoredStateInvalid`, `DecodeError`."""
    if data[:2] != VERSION.to_bytes(2):
        raise StoredStateInvalid
    stored = StoredPublicGroup.decode(data)
    suite = cipher_suite(stored.context.cipher_suite)
    sent = [Sent(content.proposal_reference(suite), content) for content in stored.proposals]
    return PublicGroup(
        stored.context,
        RatchetTree.from_extension(suite, stored.tree),
        stored.confirmation_tag,
        {each.reference: each for each in sent},
        stored.reinit,
    )
