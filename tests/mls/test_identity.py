"""The product's credential, in the bytes that Python and TypeScript share."""

import pytest

from securechat_sdk.identity import (
    DeviceCredential,
    DeviceNotBound,
    MalformedDeviceCredential,
    WrongSuccessor,
    issue,
    judge,
    read_credential,
)
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.signatures import ED25519
from securechat_sdk.mls.messages.credentials import Claim, X509Credential

IDENTITY_PRIVATE = SignaturePrivateKey(bytes(range(32)))
DEVICE_PRIVATE = SignaturePrivateKey(bytes(range(32, 64)))
ACCOUNT_ID = bytes.fromhex("11111111111141118111111111111111")
DEVICE_ID = bytes.fromhex("22222222222242228222222222222222")
SIGNATURE_KEY = ED25519.public_key_of(DEVICE_PRIVATE)
GOLDEN = (
    "0111111111111141118111111111111111222222222222422282222222222222"
    "222003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc86641255"
    "31b840400bcdfb1ba0f588e83c3dc02bde411a202aa7a6ac5b1a711192286b02"
    "1b36cb02cca05edb88ba5a41a7b4497c5989d2a314787a307eb88b633d506def"
    "d47fe80a"
)


@pytest.fixture
def credential() -> DeviceCredential:
    return issue(IDENTITY_PRIVATE, ACCOUNT_ID, DEVICE_ID, SIGNATURE_KEY)


def test_a_credential_has_the_golden_bytes(credential: DeviceCredential) -> None:
    assert credential.encode().hex() == GOLDEN


def test_a_credential_stands_for_the_key_it_was_issued_for(credential: DeviceCredential) -> None:
    DeviceCredential.parse(credential.encode()).check(SIGNATURE_KEY)


def test_a_credential_stands_for_no_other_key(credential: DeviceCredential) -> None:
    with pytest.raises(DeviceNotBound):
        credential.check(ED25519.public_key_of(SignaturePrivateKey(bytes(32))))


@pytest.mark.parametrize("position", range(33, 65))
def test_no_other_identity_key_takes_over_the_binding(
    credential: DeviceCredential, position: int
) -> None:
    forged = bytearray(credential.encode())
    forged[position + 1] ^= 1

    with pytest.raises(DeviceNotBound):
        DeviceCredential.parse(bytes(forged)).check(SIGNATURE_KEY)


@pytest.mark.parametrize("position", [1, 17])
def test_another_account_or_device_is_not_bound(
    credential: DeviceCredential, position: int
) -> None:
    forged = bytearray(credential.encode())
    forged[position] ^= 1

    with pytest.raises(DeviceNotBound):
        DeviceCredential.parse(bytes(forged)).check(SIGNATURE_KEY)


def _edited(credential: DeviceCredential, **changes: object) -> bytes:
    return DeviceCredential(**{**vars(credential), **changes}).encode()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": 2},
        {"identity_key": bytes(31)},
        {"identity_key": bytes(33)},
        {"signature": bytes(63)},
        {"signature": b""},
    ],
    ids=str,
)
def test_a_credential_of_another_shape_is_refused(
    credential: DeviceCredential, change: dict[str, object]
) -> None:
    with pytest.raises(MalformedDeviceCredential):
        DeviceCredential.parse(_edited(credential, **change))


def test_a_credential_with_a_tail_is_refused(credential: DeviceCredential) -> None:
    with pytest.raises(MalformedDeviceCredential):
        DeviceCredential.parse(credential.encode() + b"\x00")


def test_a_certificate_is_no_device_credential() -> None:
    with pytest.raises(MalformedDeviceCredential):
        read_credential(X509Credential(certificates=(b"x",)))


def test_the_judge_accepts_the_device_as_its_own_successor(credential: DeviceCredential) -> None:
    new_key = ED25519.public_key_of(SignaturePrivateKey(bytes([9]) * 32))
    renewed = issue(IDENTITY_PRIVATE, ACCOUNT_ID, DEVICE_ID, new_key)

    judge(Claim(renewed.credential, new_key, predecessor=credential.credential))


def test_the_judge_refuses_another_device_as_successor(credential: DeviceCredential) -> None:
    other = issue(IDENTITY_PRIVATE, ACCOUNT_ID, bytes(16), SIGNATURE_KEY)

    with pytest.raises(WrongSuccessor):
        judge(Claim(other.credential, SIGNATURE_KEY, predecessor=credential.credential))


def test_the_judge_refuses_another_identity_as_successor(credential: DeviceCredential) -> None:
    thief = issue(DEVICE_PRIVATE, ACCOUNT_ID, DEVICE_ID, SIGNATURE_KEY)

    with pytest.raises(WrongSuccessor):
        judge(Claim(thief.credential, SIGNATURE_KEY, predecessor=credential.credential))
