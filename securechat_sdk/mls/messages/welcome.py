"""RFC 9420 section 12.4.3.1: how a new member gets in."""

from typing import Annotated

from securechat_sdk.mls.codec import Opaque, Struct, Vector, opaque, uint16
from securechat_sdk.mls.crypto.hpke import HPKECiphertext
from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.messages.psks import PreSharedKeyID

secret = Annotated[Secret, Opaque(Secret)]


class PathSecret(Struct):
    """The secret of the lowest node above both the committer and the new member."""

    path_secret: secret


class GroupSecrets(Struct):
    """What is sealed to one new member's init key."""

    joiner_secret: secret
    path_secret: PathSecret | None
    psks: Vector[PreSharedKeyID]


class EncryptedGroupSecrets(Struct):
    """The secrets of one new member, named by its key package's hash."""

    new_member: opaque
    encrypted_group_secrets: HPKECiphertext


class Welcome(Struct):
    """An invitation to one or more new members."""

    cipher_suite: uint16
    secrets: Vector[EncryptedGroupSecrets]
    encrypted_group_info: opaque

    @property
    def key_package_references(self) -> tuple[bytes, ...]:
        return tuple(entry.new_member for entry in self.secrets)
