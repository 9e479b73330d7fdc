"""The search must find what is there, or its silence means nothing."""

import base64
import gzip

import pytest

from tests.stories.canaries import leaks

SECRET = b"the heron lands at noon"


@pytest.mark.parametrize(
    "content",
    [
        b"before " + SECRET + b" after",
        SECRET.hex().encode(),
        base64.b64encode(SECRET),
        base64.b64encode(b"x" + SECRET + b"yz"),
        base64.urlsafe_b64encode(b"xy" + SECRET),
        b"junk" + gzip.compress(b"before " + SECRET),
    ],
)
def test_a_secret_is_found_in_every_disguise(content: bytes) -> None:
    assert leaks({"place": content}, {"text": SECRET}) == ["text in place"]


def test_other_words_are_not_taken_for_the_secret() -> None:
    assert leaks({"place": b"the heron lands at midnight"}, {"text": SECRET}) == []
