import pytest
from hypothesis import given
from hypothesis import strategies as st

from facelogin import sealing
from facelogin.sealing import CannotOpenError, Key

SERVER = bytes(range(32))
SALT = bytes(16)


def test_what_was_sealed_opens_with_the_same_key_about_the_same_thing() -> None:
    key = Key.random()

    sealed = key.seal(b"embeddings", about=b"alice")

    assert key.open(sealed, about=b"alice") == b"embeddings"
    assert b"embeddings" not in sealed


def test_another_key_another_thing_or_one_changed_bit_opens_nothing() -> None:
    key = Key.random()
    sealed = key.seal(b"embeddings", about=b"alice")

    with pytest.raises(CannotOpenError):
        Key.random().open(sealed, about=b"alice")
    with pytest.raises(CannotOpenError):
        key.open(sealed, about=b"bob")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(CannotOpenError):
            key.open(changed, about=b"alice")


@given(st.binary(max_size=64))
def test_garbage_opens_nothing_and_breaks_nothing(garbage: bytes) -> None:
    with pytest.raises(CannotOpenError):
        Key(bytes(32)).open(garbage, about=b"")


def test_the_same_twice_is_sealed_differently() -> None:
    key = Key.random()

    assert key.seal(b"x", about=b"") != key.seal(b"x", about=b"")


def test_the_inner_key_of_a_template_takes_password_and_salt() -> None:
    key = sealing.password_key("password", SALT).secret

    assert sealing.password_key("password", SALT).secret == key
    assert sealing.password_key("Password", SALT).secret != key
    assert sealing.password_key("password", b"\1" * 16).secret != key


def test_a_wrapped_key_comes_back_whole() -> None:
    template_key, wrapping = Key.random(), Key.random()

    wrapped = wrapping.wrap(template_key, about=b"alice")

    assert wrapping.unwrap(wrapped, about=b"alice").secret == template_key.secret


def test_keys_do_not_print() -> None:
    key = Key(b"k" * 32)

    assert "k" * 8 not in repr(key)
    assert "k" * 8 not in f"{key}"


def test_keys_of_different_purposes_differ() -> None:
    assert sealing.frames_key(SERVER, SALT).secret != sealing.browser_key(SERVER, SALT).secret
