"""The browser's engine among clients of two other makes, where these are sound (see test_peers)."""

from collections.abc import Callable, Iterator

import pytest

from tests.mls.peers.browser import BrowserEngine, BrowserPeer
from tests.mls.peers.clients import Peer, TsMls, start_ts_mls
from tests.mls.peers.test_peers import meet
from tests.mls.peers.walk import Maker, Walk, makers_of

OPERATIONS = 100


@pytest.fixture(scope="module")
def ts_mls() -> Iterator[TsMls]:
    started = start_ts_mls()
    if isinstance(started, str):
        pytest.skip(started)
    yield started
    started.close()


def browser_maker(engine: BrowserEngine, suite: int = 1) -> Maker:
    def browser(name: str) -> Peer:
        return BrowserPeer(name, engine, suite)

    return browser


InOrder = Callable[[Peer, Peer], tuple[Peer, Peer]]
orders = pytest.mark.parametrize(
    "order", [lambda a, b: (a, b), lambda a, b: (b, a)], ids=["invites", "is invited"]
)


@orders
def test_a_pair_with_mls_rs(engine: BrowserEngine, order: InOrder) -> None:
    (mls_rs,) = makers_of("r", None)

    meet(*order(browser_maker(engine)("browser"), mls_rs("mls-rs")))


@orders
@pytest.mark.parametrize("suite", range(1, 8))
def test_a_pair_with_ts_mls(
    engine: BrowserEngine, ts_mls: TsMls, suite: int, order: InOrder
) -> None:
    (maker,) = makers_of("t", ts_mls, suite)
    names = f"{suite} {order}"

    meet(*order(browser_maker(engine, suite)(f"b {names}"), maker(f"t {names}")))


def test_a_walk_with_mls_rs(engine: BrowserEngine) -> None:
    walk = Walk([*makers_of("r", None), browser_maker(engine)], seed=11, most=8)

    walk.run(OPERATIONS)

    assert sum(walk.counts.values()) == OPERATIONS


def test_a_walk_with_ts_mls(engine: BrowserEngine, ts_mls: TsMls) -> None:
    browser = browser_maker(engine)
    walk = Walk([*makers_of("t", ts_mls), browser, browser], seed=12, most=8)

    walk.run(OPERATIONS)

    assert sum(walk.counts.values()) == OPERATIONS
