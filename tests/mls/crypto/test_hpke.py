"""HPKE against the implementation inside `cryptography`, which is not ours."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hpke as reference
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519

from securechat_sdk.mls.crypto.hpke import HPKECiphertext
from securechat_sdk.mls.crypto.kem import nist_private_key, nist_public_key
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey
from securechat_sdk.mls.crypto.suites import SUITES, cipher_suite
from securechat_sdk.mls.errors import DecryptionFailed, InvalidKey, MLSError

_AEADS = {
    1: reference.AEAD.AES_128_GCM,
    2: reference.AEAD.AES_256_GCM,
    3: reference.AEAD.CHACHA20_POLY1305,
}
_KDFS = {
    1: reference.KDF.HKDF_SHA256,
    2: reference.KDF.HKDF_SHA384,
    3: reference.KDF.HKDF_SHA512,
}
_KEMS = {
    1: reference.KEM.X25519,
    2: reference.KEM.P256,
    3: reference.KEM.X25519,
    5: reference.KEM.P521,
    7: reference.KEM.P384,
    0xF04E: reference.KEM.MLKEM768_X25519,
}
_CURVES = {2: ec.SECP256R1(), 5: ec.SECP521R1(), 7: ec.SECP384R1()}
_ENCAPSULATED = {1: 32, 2: 65, 3: 32, 5: 133, 7: 97, 0xF04E: 1120}


def _reference_suite(number: int) -> reference.Suite:
    hpke = cipher_suite(number).hpke
    return reference.Suite(_KEMS[number], _KDFS[hpke.kdf.hpke_id], _AEADS[hpke.aead.hpke_id])


def _reference_public(number: int, public: bytes) -> object:
    if number in _CURVES:
        return nist_public_key(_CURVES[number], public)
    if number == 0xF04E:
        return reference.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(public[:1184]),
            x25519.X25519PublicKey.from_public_bytes(public[1184:]),
        )
    return x25519.X25519PublicKey.from_public_bytes(public)


def _reference_private(number: int, private: bytes) -> object:
    if number in _CURVES:
        return nist_private_key(_CURVES[number], private)
    if number == 0xF04E:
        seed = hashlib.shake_256(private).digest(96)
        return reference.MLKEM768X25519PrivateKey(
            mlkem.MLKEM768PrivateKey.from_seed_bytes(seed[:64]),
            x25519.X25519PrivateKey.from_private_bytes(seed[64:]),
        )
    return x25519.X25519PrivateKey.from_private_bytes(private)


@pytest.mark.parametrize("number", sorted(_KEMS))
def test_we_open_what_the_reference_sealed(number: int) -> None:
    hpke = cipher_suite(number).hpke
    pair = hpke.kem.generate_key_pair()

    public = _reference_public(number, pair.public)
    sealed = _reference_suite(number).encrypt(b"hello", public, b"info")  # type: ignore[arg-type]

    size = _ENCAPSULATED[number]
    ours = HPKECiphertext(kem_output=sealed[:size], ciphertext=sealed[size:])
    assert hpke.open(pair.private, ours, b"info", b"") == b"hello"


@pytest.mark.parametrize("number", sorted(_KEMS))
def test_the_reference_opens_what_we_sealed(number: int) -> None:
    hpke = cipher_suite(number).hpke
    pair = hpke.kem.generate_key_pair()

    seal = hpke.sealer(b"info")
    to_both = [seal(pair.public, b"", word) for word in (b"hello", b"again")]

    private = _reference_private(number, pair.private)
    joined = [sealed.kem_output + sealed.ciphertext for sealed in to_both]
    reference = _reference_suite(number)
    opened = [reference.decrypt(each, private, b"info") for each in joined]  # type: ignore[arg-type]
    assert opened == [b"hello", b"again"]
    assert to_both[0].kem_output != to_both[1].kem_output


@pytest.mark.parametrize("number", sorted(SUITES))
def test_a_seed_gives_the_same_keys_every_time(number: int) -> None:
    kem = cipher_suite(number).hpke.kem

    first, second, other = (kem.derive_key_pair(seed) for seed in (b"a" * 32, b"a" * 32, b"b" * 32))

    assert first == second
    assert first.private != other.private
    assert kem.public_key_of(first.private) == first.public


@pytest.mark.parametrize("number", sorted(SUITES))
def test_both_sides_export_the_same_secret(number: int) -> None:
    hpke = cipher_suite(number).hpke
    pair = hpke.kem.generate_key_pair()

    sent = hpke.export_to(pair.public, b"", b"label", 32)

    assert hpke.export_from(pair.private, sent.kem_output, b"", b"label", 32) == sent.secret


@pytest.mark.parametrize("number", sorted(SUITES))
@pytest.mark.parametrize("part", ["kem_output", "ciphertext"])
def test_a_changed_ciphertext_does_not_open(number: int, part: str) -> None:
    hpke = cipher_suite(number).hpke
    pair = hpke.kem.generate_key_pair()
    sealed = hpke.seal(pair.public, b"info", b"", b"hello")
    assert hpke.open(pair.private, sealed, b"info", b"") == b"hello"

    value = bytearray(getattr(sealed, part))
    value[-1] ^= 1
    spoiled = HPKECiphertext(**{**vars(sealed), part: bytes(value)})

    with pytest.raises(DecryptionFailed):
        hpke.open(pair.private, spoiled, b"info", b"")


@pytest.mark.parametrize("number", sorted(SUITES))
@pytest.mark.parametrize("output", [b"", b"x", bytes(32), bytes(56), bytes(1120), b"\x04" * 65])
def test_bytes_that_are_no_kem_output_do_not_open(number: int, output: bytes) -> None:
    hpke = cipher_suite(number).hpke
    pair = hpke.kem.generate_key_pair()

    with pytest.raises(DecryptionFailed):
        hpke.open(pair.private, HPKECiphertext(kem_output=output, ciphertext=b"x"), b"", b"")


@pytest.mark.parametrize("number", sorted(SUITES))
@pytest.mark.parametrize("size", [0, 1, 31, 33, 65, 1215, 1217])
def test_bytes_that_are_no_public_key_are_not_sealed_to(number: int, size: int) -> None:
    hpke = cipher_suite(number).hpke

    with pytest.raises(InvalidKey):
        hpke.seal(bytes(size), b"", b"", b"hello")


PRIME_25519, PRIME_448 = 2**255 - 19, 2**448 - 2**224 - 1
ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
TOP_BIT = 2**255  # of no meaning in X25519
LOW_ORDER = [
    *(
        one
        for point in (0, 1, -1, *ORDER_8)
        for one in (point % PRIME_25519, point % PRIME_25519 + TOP_BIT)
    ),
    *(PRIME_25519, PRIME_25519 + 1),
]
LOW_ORDER_448 = [0, 1, PRIME_448 - 1, PRIME_448, PRIME_448 + 1]
POINTS = [
    *((number, point.to_bytes(32, "little")) for number in (1, 3, 0xF04E) for point in LOW_ORDER),
    *((number, point.to_bytes(56, "little")) for number in (4, 6) for point in LOW_ORDER_448),
]


@pytest.mark.parametrize(("number", "point"), POINTS)
def test_a_point_of_low_order_is_refused(number: int, point: bytes) -> None:
    kem = cipher_suite(number).hpke.kem
    good = kem.generate_key_pair().public
    low = good[: -len(point)] + point  # the classical half of the hybrid comes last

    kem.check_public_key(good)
    with pytest.raises(InvalidKey):
        kem.check_public_key(low)
    with pytest.raises(InvalidKey):
        kem.encapsulate(low)


def test_whatever_is_refused_as_of_low_order_yields_zero() -> None:
    for point in LOW_ORDER:
        with pytest.raises(ValueError, match="shared key"):
            x25519.X25519PrivateKey.generate().exchange(
                x25519.X25519PublicKey.from_public_bytes(point.to_bytes(32, "little"))
            )


@pytest.mark.parametrize("number", sorted(SUITES))
def test_bytes_that_are_no_private_key_are_refused(number: int) -> None:
    kem = cipher_suite(number).hpke.kem

    with pytest.raises(MLSError):
        kem.public_key_of(HpkePrivateKey(b""))


@pytest.mark.parametrize("number", [2, 5, 7])
def test_compressed_points_are_refused(number: int) -> None:
    kem = cipher_suite(number).hpke.kem
    public = kem.generate_key_pair().public
    size = (len(public) - 1) // 2

    with pytest.raises(InvalidKey):
        kem.check_public_key(bytes([2 + public[-1] % 2]) + public[1 : size + 1])
