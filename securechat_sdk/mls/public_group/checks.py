"""The rules of RFC 9420 that need no secret, one small function for each."""

from collections.abc import Iterable, Sequence

from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import (
    ApplicationNotPrivate,
    ClientTwice,
    CommitterRemoved,
    ContextExtensionsTwice,
    CredentialTypeNotShared,
    EncryptionKeyReused,
    ExternalCommitList,
    ExternalInitNotAllowed,
    ExternalSenderUnknown,
    GroupExtensionNotSupported,
    InvalidKey,
    InvalidSignature,
    LeafChangedTwice,
    LeafKeyNotFresh,
    LeafSourceMismatch,
    MessageSignatureInvalid,
    PathCiphertextCount,
    PathLengthMismatch,
    PathMissing,
    PskNonceLength,
    PskTwice,
    PskUsageNotAllowed,
    ReInitNotAlone,
    ReInitVersionLower,
    RequiredCapabilityMissing,
    SenderNotAllowed,
    UpdateByCommitter,
    WrongEpoch,
    WrongGroup,
)
from securechat_sdk.mls.messages.commits import Commit, UpdatePath
from securechat_sdk.mls.messages.credentials import Claim, credential_type
from securechat_sdk.mls.messages.extensions import (
    DEFAULT_EXTENSIONS,
    Extensions,
    RequiredCapabilities,
    check_no_duplicates,
    external_senders,
    required_capabilities,
)
from securechat_sdk.mls.messages.framing import (
    ApplicationData,
    AuthenticatedContent,
    External,
    FramedContent,
    Member,
    NewMemberCommit,
    NewMemberProposal,
    ProposalContent,
    Sender,
)
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import LeafIndex
from securechat_sdk.mls.messages.leaf_nodes import (
    Capabilities,
    CommitSource,
    LeafNode,
    LeafNodeContent,
    Place,
    UpdateSource,
)
from securechat_sdk.mls.messages.proposals import (
    DEFAULT_PROPOSALS,
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    Update,
)
from securechat_sdk.mls.messages.psks import PreSharedKeyID, ResumptionPsk, ResumptionUsage
from securechat_sdk.mls.public_group.policy import Policy
from securechat_sdk.mls.public_group.proposal_list import ProposalList
from securechat_sdk.mls.tree.paths import PathStep
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree

# Section 6: what is said, by whom, when


def check_group(context: GroupContext, content: FramedContent) -> None:
    """Section 6: the message is for this group."""
    if content.group_id != context.group_id:
        raise WrongGroup


def check_epoch(context: GroupContext, content: FramedContent) -> None:
    """Section 6: handshakes are for the current epoch and no other."""
    if content.epoch != context.epoch:
        raise WrongEpoch


def check_is_handshake(content: FramedContent) -> None:
    """Section 6.2: application data is never sent in a PublicMessage."""
    if isinstance(content.content, ApplicationData):
        raise ApplicationNotPrivate


_FROM_OUTSIDE = (Add, Remove, PreSharedKey, ReInit, GroupContextExtensions)


def check_sender_may_say(content: FramedContent) -> None:
    """Section 6.1 and 17.4: each kind of outsider has its own few things to say."""
    said = content.content
    proposal = said.proposal if isinstance(said, ProposalContent) else None
    match content.sender:
        case Member():
            allowed = True
        case External():
            allowed = isinstance(proposal, _FROM_OUTSIDE)
        case NewMemberProposal():
            allowed = isinstance(proposal, Add)
        case NewMemberCommit():
            allowed = isinstance(said, Commit) and said.path is not None
    if not allowed:
        raise SenderNotAllowed


def sender_key(tree: RatchetTree, context: GroupContext, content: FramedContent) -> bytes:
    """Section 6.1: the key that has to have signed; `check_sender_may_say` comes before."""
    match content.sender, content.content:
        case Member(leaf_index=leaf), _:
            return tree.leaf(leaf).signature_key
        case External(sender_index=number), _:
            senders = external_senders(context.extensions)
            if number >= len(senders):
                raise ExternalSenderUnknown
            return senders[number].signature_key
        case NewMemberProposal(), ProposalContent(proposal=Add(key_package=package)):
            return package.leaf_node.signature_key
        case NewMemberCommit(), Commit(path=UpdatePath(leaf_node=leaf_node)):
            return leaf_node.signature_key
    raise SenderNotAllowed


def check_signature(
    suite: CipherSuite, content: AuthenticatedContent, key: bytes, context: GroupContext
) -> None:
    """Section 6.1: signed by its sender, by members for this very epoch."""
    try:
        content.check_signature(suite, key, context)
    except (InvalidSignature, InvalidKey):
        raise MessageSignatureInvalid from None


# Section 12.1: each proposal by itself


def check_add(suite: CipherSuite, proposal: Add, policy: Policy) -> None:
    """Section 12.1.1 and 10.1: the key package is valid."""
    proposal.key_package.check(
        now=policy.now,
        suites=(suite.number,),
        judge=policy.judge,
        longest_lifetime=policy.longest_lifetime,
    )


def check_update(
    tree: RatchetTree, group_id: bytes, leaf: LeafIndex, proposal: Update, policy: Policy
) -> None:
    """Section 12.1.2 and 7.3: the leaf is made for this place and succeeds the old one."""
    old, new = tree.leaf(leaf), proposal.leaf_node
    if not isinstance(new.source, UpdateSource):
        raise LeafSourceMismatch
    check_new_leaf(tree.suite, new, Place(group_id, leaf), old, policy)


def check_new_leaf(
    suite: CipherSuite, new: LeafNode, place: Place, old: LeafNode | None, policy: Policy
) -> None:
    """Section 7.3: what holds for the leaf of an update and for the leaf of a path."""
    new.check_signature(suite, place=place)
    new.check_extensions()
    new.check_encryption_key(suite)
    check_fresh_key(new, old)
    predecessor = None if old is None else old.credential
    policy.judge(Claim(new.credential, new.signature_key, predecessor))


def check_fresh_key(new: LeafNodeContent, old: LeafNodeContent | None) -> None:
    """Section 7.3: a leaf is replaced for its key's sake."""
    if old is not None and new.encryption_key == old.encryption_key:
        raise LeafKeyNotFresh


def check_remove(tree: RatchetTree, proposal: Remove) -> None:
    """Section 12.1.3: somebody is there."""
    tree.leaf(proposal.removed)


def check_psk(suite: CipherSuite, context: GroupContext, psk: PreSharedKeyID) -> None:
    """Section 12.1.4: a nonce of the right length, and a key of the right kind."""
    if len(psk.psk_nonce) != suite.hash.size:
        raise PskNonceLength
    if isinstance(psk, ResumptionPsk):
        check_psk_usage(context, psk)


def check_psk_usage(context: GroupContext, psk: ResumptionPsk) -> None:
    """Section 11.2 and 11.3: reinit and branch belong to the commit that fills a new group."""
    if psk.usage is not ResumptionUsage.APPLICATION and context.epoch != 0:
        raise PskUsageNotAllowed


def check_reinit(context: GroupContext, proposal: ReInit) -> None:
    """Section 12.1.5 and 13.4: never back to an older version, and each extension once."""
    if proposal.version < context.version:
        raise ReInitVersionLower
    check_no_duplicates(proposal.extensions)


def check_external_init_sender(sender: Sender) -> None:
    """Section 12.1.6: only who joins from outside has a use for it."""
    if not isinstance(sender, NewMemberCommit):
        raise ExternalInitNotAllowed


def check_context_extensions(extensions: Extensions, policy: Policy) -> None:
    """Section 12.1.7 and 5.3.1: readable, each once, and external senders that are known."""
    check_no_duplicates(extensions)
    required_capabilities(extensions)
    for sender in external_senders(extensions):
        policy.judge(Claim(sender.credential, sender.signature_key))


# Section 12.2: the proposals together


def check_regular_list(proposals: ProposalList, committer: LeafIndex) -> None:
    """Section 12.2: the list of a commit from inside."""
    check_committer_stays(proposals, committer)
    check_leaves_once(proposals)
    check_psks_once(proposals)
    check_context_extensions_once(proposals)
    check_reinit_alone(proposals)


def check_committer_stays(proposals: ProposalList, committer: LeafIndex) -> None:
    if committer in proposals.removed_leaves:
        raise CommitterRemoved
    if any(leaf == committer for leaf, _update in proposals.updates):
        raise UpdateByCommitter


def check_leaves_once(proposals: ProposalList) -> None:
    leaves = [leaf for leaf, _update in proposals.updates] + list(proposals.removed_leaves)
    if len(set(leaves)) != len(leaves):
        raise LeafChangedTwice


def check_psks_once(proposals: ProposalList) -> None:
    psks = [proposal.psk for proposal in proposals.of(PreSharedKey)]
    if len(set(psks)) != len(psks):
        raise PskTwice


def check_context_extensions_once(proposals: ProposalList) -> None:
    if len(proposals.of(GroupContextExtensions)) > 1:
        raise ContextExtensionsTwice


def check_reinit_alone(proposals: ProposalList) -> None:
    if proposals.of(ReInit) and len(proposals.items) > 1:
        raise ReInitNotAlone


def check_external_list(proposals: ProposalList) -> None:
    """Section 12.2: one ExternalInit, perhaps the old self's Remove, keys, nothing sent before."""
    allowed = (ExternalInit, Remove, PreSharedKey)
    if not all(item.is_inline and isinstance(item.proposal, allowed) for item in proposals.items):
        raise ExternalCommitList
    if len(proposals.of(ExternalInit)) != 1 or len(proposals.of(Remove)) > 1:
        raise ExternalCommitList
    check_psks_once(proposals)


# Section 12.4.2: the path


def check_path_present(proposals: ProposalList, path: UpdatePath | None) -> None:
    """Section 12.4: whoever is removed or replaced must not learn the next secret."""
    if path is None and proposals.needs_path:
        raise PathMissing


def check_path_leaf_source(path: UpdatePath) -> None:
    """Section 12.4.2: the leaf was made for a commit."""
    if not isinstance(path.leaf_node.source, CommitSource):
        raise LeafSourceMismatch


def check_path_shape(
    path: UpdatePath, steps: Sequence[PathStep], added: Sequence[LeafIndex]
) -> None:
    """Section 7.5 and 7.6: a node for each step, a ciphertext for each who needs it."""
    if len(path.nodes) != len(steps):
        raise PathLengthMismatch
    for node, step in zip(path.nodes, steps, strict=True):
        if len(node.encrypted_path_secret) != len(step.recipients(added)):
            raise PathCiphertextCount


def check_path_keys(tree: RatchetTree, path: UpdatePath) -> None:
    """Section 12.4.2: usable keys, none of them anywhere in the tree or twice in the path."""
    keys = [node.encryption_key for node in path.nodes]
    for key in keys:
        tree.suite.hpke.kem.check_public_key(key)
    keys.append(path.leaf_node.encryption_key)
    known = {node.encryption_key for node in tree.nodes if node is not None}
    if len(set(keys)) != len(keys) or not known.isdisjoint(keys):
        raise EncryptionKeyReused


# Section 7.3: all members together


def check_members(tree: RatchetTree, extensions: Extensions, policy: Policy) -> None:
    """Section 7.3 and 12.2: the tree is one that everyone in it can live with."""
    leaves = [leaf for _index, leaf in tree.members()]
    capabilities = {leaf.capabilities for leaf in leaves}
    check_clients_once(leaves, policy)
    check_credential_types_shared(leaves, capabilities)
    check_extensions_supported(extensions, capabilities)
    required = required_capabilities(extensions)
    if required is not None:
        check_required_capabilities(required, capabilities)


def check_clients_once(leaves: Sequence[LeafNode], policy: Policy) -> None:
    """Section 12.2: no client is in the group twice, as the application counts clients."""
    if len({policy.client_of(leaf) for leaf in leaves}) != len(leaves):
        raise ClientTwice


def check_credential_types_shared(
    leaves: Iterable[LeafNode], capabilities: Iterable[Capabilities]
) -> None:
    """Section 7.3: everyone can judge everyone's credential."""
    used = {credential_type(leaf.credential) for leaf in leaves}
    if not all(used.issubset(each.credentials) for each in capabilities):
        raise CredentialTypeNotShared


def check_extensions_supported(
    extensions: Extensions, capabilities: Iterable[Capabilities]
) -> None:
    """Section 12.1.7: every member supports every extension of the group."""
    needed = {extension.extension_type for extension in extensions} - DEFAULT_EXTENSIONS
    if not all(needed.issubset(each.extensions) for each in capabilities):
        raise GroupExtensionNotSupported


def check_required_capabilities(
    required: RequiredCapabilities, capabilities: Iterable[Capabilities]
) -> None:
    """Section 11.1: every member supports what the group requires."""
    extensions = set(required.extension_types) - DEFAULT_EXTENSIONS
    proposals = set(required.proposal_types) - DEFAULT_PROPOSALS
    for each in capabilities:
        if not (
            extensions.issubset(each.extensions)
            and proposals.issubset(each.proposals)
            and set(required.credential_types).issubset(each.credentials)
        ):
            raise RequiredCapabilityMissing
