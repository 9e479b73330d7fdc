"""RFC 9420 section 12.4.3: a group's state for those who enter it."""

from securechat_sdk.mls.codec import Struct, Vector, opaque
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import GroupInfoSignatureInvalid, InvalidKey, InvalidSignature
from securechat_sdk.mls.messages.extensions import (
    Extension,
    ExtensionType,
    ExternalPub,
    find_extension,
)
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import leaf_index
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension

_LABEL = b"GroupInfoTBS"


class GroupInfoContent(Struct):
    """Everything in a GroupInfo that its signature covers."""

    group_context: GroupContext
    extensions: Vector[Extension]
    confirmation_tag: opaque
    signer: leaf_index

    def sign(self, suite: CipherSuite, private: SignaturePrivateKey) -> "GroupInfo":
        signature = suite.sign_with_label(private, _LABEL, self.encode_as(GroupInfoContent))
        return GroupInfo(**self.fields_of(GroupInfoContent), signature=signature)


class GroupInfo(GroupInfoContent):
    """The public state of a group, signed by a member."""

    signature: opaque

    def check_signature(self, suite: CipherSuite, key: bytes) -> None:
        """Section 12.4.3: signed by the member that it names."""
        signed = self.encode_as(GroupInfoContent)
        try:
            suite.verify_with_label(key, _LABEL, signed, self.signature)
        except (InvalidSignature, InvalidKey):
            raise GroupInfoSignatureInvalid from None

    @property
    def ratchet_tree(self) -> RatchetTreeExtension | None:
        data = find_extension(self.extensions, ExtensionType.RATCHET_TREE)
        return None if data is None else RatchetTreeExtension.decode(data)

    @property
    def external_pub(self) -> bytes | None:
        data = find_extension(self.extensions, ExtensionType.EXTERNAL_PUB)
        return None if data is None else ExternalPub.decode(data).external_pub
