"""Our engine among clients of two other makes, and what stops ts-mls where it is stopped."""

from collections.abc import Iterator

import pytest

from securechat_sdk.mls.errors import KeyPackageSignatureInvalid, PathMissing
from securechat_sdk.mls.messages.mls_message import MLSMessage
from tests.mls.peers.clients import Change, OurPeer, Peer, TsMls, TsMlsError, TsPeer, start_ts_mls
from tests.mls.peers.walk import Walk, is_half_blank, makers_of
from tests.mls.scenarios.stage import refuses

OPERATIONS = 200


@pytest.fixture(scope="module")
def node() -> Iterator[TsMls]:
    started = start_ts_mls()
    if isinstance(started, str):
        pytest.skip(started)
    yield started
    started.close()


def meet(first: Peer, second: Peer) -> None:
    """One makes a group, the other comes, both speak, both renew their keys."""
    first.create(b"a pair")
    made = first.commit([Change(add=second.key_package(), name=second.name)], private=False)
    first.accept()
    assert made.welcome is not None
    second.join(made.welcome)
    for speaker, listener in ((first, second), (second, first)):
        assert listener.process(speaker.encrypt(b"hello"), speaker.name) == b"hello"
        renewed = speaker.commit([], private=False)
        listener.process(renewed.message, speaker.name)
        speaker.accept()
        assert speaker.exported() == listener.exported()


@pytest.mark.parametrize("pair", ["or", "ro"])
def test_a_pair_with_mls_rs(pair: str) -> None:
    meet(*(make(f"member {n}") for n, make in enumerate(makers_of(pair, None))))


@pytest.mark.parametrize("pair", ["ot", "to"])
@pytest.mark.parametrize("suite", range(1, 8))
def test_a_pair_with_ts_mls(node: TsMls, pair: str, suite: int) -> None:
    makers = makers_of(pair, node, suite)
    meet(*(make(f"{pair} {suite} {n}") for n, make in enumerate(makers)))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk_with_mls_rs(seed: int) -> None:
    walk = Walk(makers_of("or", None), seed=seed, most=10)

    walk.run(OPERATIONS)

    assert sum(walk.counts.values()) == OPERATIONS


def test_a_walk_with_ts_mls(node: TsMls) -> None:
    walk = Walk(makers_of("oot", node), seed=3, most=8)

    walk.run(OPERATIONS)

    assert sum(walk.counts.values()) == OPERATIONS


@pytest.mark.parametrize(("suite", "operations"), [(3, 200), (0xF04E, 60)])
def test_a_walk_of_our_own(suite: int, operations: int) -> None:
    walk = Walk(makers_of("o", None, suite), seed=suite, most=9, suite=suite)

    walk.run(operations)

    assert sum(walk.counts.values()) == operations


def test_a_group_of_fifty_with_mls_rs() -> None:
    walk = Walk(makers_of("or", None), seed=5, most=50)
    while len(walk.members) < 50:
        walk.somebody_comes()
        if len(walk.members) > 47:
            walk.most = 50
            newcomers = [walk._newborn() for _ in range(50 - len(walk.members))]
            changes = [Change(add=peer.key_package(), name=peer.name) for peer in newcomers]
            walk._commit("founder", changes, newcomers)

    walk.run(5)

    assert len(walk.members) >= 40


def test_a_half_blank_tree_with_mls_rs() -> None:
    """Half of the members go, and with them every key on one side."""
    walk = Walk(makers_of("or", None), seed=6, most=9)
    while len(walk.members) < 7:
        walk.somebody_comes()
    for leaf in (4, 5):
        name = next(name for name in walk.members if walk.leaf(name) == leaf)
        walk._commit("founder", [Change(remove=walk.leaf(name), name=name)], [])
    assert is_half_blank(walk.public)

    for _ in range(10):
        walk.somebody_renews()
        walk.agree()
        walk.everybody_chats()


def _three(node: TsMls, tag: str) -> tuple[OurPeer, TsPeer, OurPeer]:
    ours, theirs, third = OurPeer(f"{tag} a"), TsPeer(f"{tag} b", node), OurPeer(f"{tag} c")
    ours.create(tag.encode())
    packages = [Change(add=peer.key_package(), name=peer.name) for peer in (theirs, third)]
    made = ours.commit(packages, private=False)
    ours.accept()
    assert made.welcome is not None
    theirs.join(made.welcome)
    third.join(made.welcome)
    return ours, theirs, third


def test_ts_mls_removes_without_a_path_and_is_refused(node: TsMls) -> None:
    """Its fault: the one removed would go on reading. Two removals at once do have a path."""
    ours, theirs, _third = _three(node, "pathless")

    made = theirs.commit([Change(remove=2)], private=False)

    refuses(ours.here, MLSMessage.decode(made.message), PathMissing)


def test_ts_mls_takes_in_our_removal_and_locks_the_removed_out(node: TsMls) -> None:
    ours, theirs, third = _three(node, "removal")

    made = ours.commit([Change(remove=2)], private=False)
    ours.accept()
    theirs.process(made.message)
    third.process(made.message)

    assert third.group is None
    assert theirs.exported() == ours.exported()
    assert theirs.process(ours.encrypt(b"two of us")) == b"two of us"


def test_ts_mls_fails_at_the_commit_that_removes_it(node: TsMls) -> None:
    """Its fault: it looks for its path secret before it sees that there is none for it."""
    ours, theirs, _third = _three(node, "removed")

    made = ours.commit([Change(remove=1)], private=False)

    with pytest.raises(TsMlsError):
        theirs.process(made.message)


@pytest.mark.parametrize("suite", [2, 5, 7])
def test_ts_mls_compresses_its_nist_keys_and_is_refused(node: TsMls, suite: int) -> None:
    """Its fault: section 5.1.1 wants them whole, and so our peer makes them for the pairs."""
    ours, theirs = OurPeer(f"points {suite}", suite), TsPeer(f"points {suite} b", node, suite)
    ours.create(b"points")
    whole = theirs.key_package()
    compressed = theirs.key_package(compressed=True)

    ours.commit([Change(add=whole)], private=False)

    with pytest.raises(KeyPackageSignatureInvalid):
        ours.commit([Change(add=compressed)], private=False)
