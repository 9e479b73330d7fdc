"""Reading undoes writing, on every structure there is."""

import importlib
import pkgutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from securechat_sdk import mls
from securechat_sdk.mls.codec import Struct
from securechat_sdk.mls.errors import DecodeError
from securechat_sdk.mls.messages.mls_message import MLSMessage
from tests.mls.strategies import structures, values_of

for _module in pkgutil.walk_packages(mls.__path__, "securechat_sdk.mls."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

STRUCTURES = structures()

calm = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_no_structure_is_forgotten() -> None:
    assert len(STRUCTURES) > 60
    assert MLSMessage in STRUCTURES


@pytest.mark.parametrize("kind", STRUCTURES, ids=lambda kind: kind.__qualname__)
def test_what_is_written_is_read_back(kind: type[Struct]) -> None:
    @calm
    @given(values_of(kind))
    def check(value: Struct) -> None:
        data = value.encode()

        assert kind.decode(data) == value
        assert kind.decode(data).encode() == data

    check()


@pytest.mark.parametrize("kind", STRUCTURES, ids=lambda kind: kind.__qualname__)
def test_a_value_with_a_tail_is_refused(kind: type[Struct]) -> None:
    @calm
    @given(values_of(kind), st.binary(min_size=1, max_size=3))
    def check(value: Struct, tail: bytes) -> None:
        with pytest.raises(DecodeError):
            kind.decode(value.encode() + tail)

    check()
