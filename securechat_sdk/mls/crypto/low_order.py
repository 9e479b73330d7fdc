"""Points of low order, in every form in which they can be written: nobody takes them.

Every exchange with one yields zero (RFC 7748 section 6), and with one for a key or in a signature
anything may pass.
"""

from collections.abc import Iterable


def _forms(coordinates: Iterable[int], prime: int, *, bits: int, size: int) -> frozenset[bytes]:
    """Reduced or not, with the bit above the coordinate, if there is one, set or not."""
    numbers = [y + more for y in coordinates for more in (0, prime) if y + more < 1 << bits]
    flags = (0, 1 << bits) if bits < 8 * size else (0,)
    return frozenset((y + flag).to_bytes(size, "little") for y in numbers for flag in flags)


_PRIME_25519 = 2**255 - 19
_PRIME_448 = 2**448 - 2**224 - 1
# Those of order 8; the others are 0, 1 and -1 on all curves.
_ORDER_8_X25519 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
_ORDER_8_ED25519 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826

X25519 = _forms((0, 1, _PRIME_25519 - 1, *_ORDER_8_X25519), _PRIME_25519, bits=255, size=32)
X448 = _forms((0, 1, _PRIME_448 - 1), _PRIME_448, bits=448, size=56)
ED25519 = _forms(
    (0, 1, _PRIME_25519 - 1, _ORDER_8_ED25519, _PRIME_25519 - _ORDER_8_ED25519),
    _PRIME_25519,
    bits=255,
    size=32,
)
ED448 = _forms((0, 1, _PRIME_448 - 1), _PRIME_448, bits=455, size=57)
