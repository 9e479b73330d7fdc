"""Sealed columns open in their own place only."""

import pytest
from pytest_django import Settings

from accounts.errors import SealBroken
from accounts.sealing import derive_key, seal, unseal

PLACE = {"table": "accounts_device", "row": "1", "column": "unlock_share"}


def test_a_sealed_value_opens_in_its_place() -> None:
    sealed = seal(b"a share", **PLACE)

    assert unseal(sealed, **PLACE) == b"a share"
    assert b"a share" not in sealed
    assert sealed[0] == 1
    assert seal(b"a share", **PLACE) != sealed


@pytest.mark.parametrize(
    "other",
    [
        PLACE | {"row": "2"},
        PLACE | {"table": "accounts_person"},
        PLACE | {"column": "name"},
        {"table": "accounts_device1", "row": "", "column": "unlock_share"},
    ],
)
def test_it_opens_nowhere_else(other: dict[str, str]) -> None:
    sealed = seal(b"a share", **PLACE)

    with pytest.raises(SealBroken):
        unseal(sealed, **other)


@pytest.mark.parametrize("index", [0, 1, 13, -1])
def test_a_changed_byte_breaks_it(index: int) -> None:
    sealed = bytearray(seal(b"a share", **PLACE))
    sealed[index] ^= 1

    with pytest.raises(SealBroken):
        unseal(bytes(sealed), **PLACE)


@pytest.mark.parametrize("broken", [b"", b"\1", b"\1" * 13])
def test_what_is_too_short_is_broken(broken: bytes) -> None:
    with pytest.raises(SealBroken):
        unseal(broken, **PLACE)


def test_another_server_opens_nothing(settings: Settings) -> None:
    sealed = seal(b"a share", **PLACE)
    settings.SERVER_SECRET = bytes(32)

    with pytest.raises(SealBroken):
        unseal(sealed, **PLACE)


def test_each_purpose_has_its_own_key() -> None:
    assert derive_key(bytes(32), "one") != derive_key(bytes(32), "two")
    assert len(derive_key(bytes(32), "one")) == 32
