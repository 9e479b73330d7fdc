"""The measurements run, in short, and what they promise to count as 0 is 0."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import services

from benchmarks.faults import Device, judge
from benchmarks.peers import prosody
from benchmarks.peers.server import PeerMissing, find_program
from messaging.models import Conversation
from securechat_sdk.wire.frames import (
    MAX_FRAME_BYTES,
    MAX_GROUP_INFO_BYTES,
    MAX_HANDSHAKE_BYTES,
)
from tests.messaging.people import Member

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """Alice's and Bob's, with the commit and two messages of Alice's in its log."""
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


def run(*command: str) -> dict[str, Any]:
    """Run a benchmark in a process of its own, on services of its own; skip where they lack."""
    try:
        services._postgresql_programs()
    except services.ServiceMissing as missing:
        pytest.skip(f"{missing} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", *command, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize(("database", "kills"), [("postgresql", 5), ("sqlite", 3)])
def test_nothing_is_lost_while_everything_fails(database: str, kills: int) -> None:
    if database == "sqlite" and shutil.which("strace") is None:
        pytest.skip("no strace; on Debian: apt-get install strace")

    figures = run(
        *("benchmarks.faults", "--database", database),
        *("--kills", str(kills), "--seconds-between", "0.5"),
    )

    assert figures["kills"] == kills
    assert figures["acknowledged"] > 0
    wrong = {name: figures[name] for name in ("lost", "duplicated", "gaps", "reordered")}
    assert wrong == {"lost": 0, "duplicated": 0, "gaps": 0, "reordered": 0}


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_nothing_is_handed_out_or_accepted_twice(database: str) -> None:
    figures = run("benchmarks.races", "--rounds", "8", "--clients", "8", "--database", database)

    assert figures["rounds"] == 8
    wrong = [name for name in figures if name.endswith(("_double", "_late")) and figures[name]]
    assert wrong == []


def test_attackers_are_cut_and_cost_little_memory() -> None:
    attacks = ["ping_flood", "deep_json", "large_frames"]

    figures = run("benchmarks.attacks", "--pairs", "2", "--seconds", "2", "--only", *attacks)

    for attack in attacks:
        assert figures[f"{attack}_cut_after_seconds"] is not None  # how soon: see the benchmark
        assert figures[f"{attack}_memory_mib"] < 64


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_damaged_frames_are_refused_and_change_nothing(database: str) -> None:
    figures = run("benchmarks.fuzz", "--frames", "2000", "--database", database)

    assert figures["frames"] >= 2000
    assert figures["refused_frames"] > 0
    assert figures["invalid_frames"] > 0
    wrong = {name: value for name, value in figures.items() if name.startswith("wrong_")}
    assert wrong == dict.fromkeys(
        ("wrong_answers", "wrong_close", "wrong_failures", "wrong_state"), 0
    )


@pytest.fixture(scope="module")
def relay_figures() -> dict[str, Any]:
    small = ["--pairs", "4", "--messages", "20", "--devices", "10", "--fan-out-messages", "5"]
    sizes = ["--history", "100,200", "--conversations", "12,24", "--sizes", "2,4", "--rounds", "1"]
    crowds = ["--sockets", "2,4", "--at-once", "20"]
    return run("benchmarks.relay", *small, *sizes, *crowds, "--peers")


def test_the_relay_is_measured(relay_figures: dict[str, Any]) -> None:
    assert relay_figures["one_to_one_messages_per_second"] > 0
    assert relay_figures["fan_out_deliveries_per_second"] > 0
    assert relay_figures["history_ratio"] > 0
    assert relay_figures["log_ratio"] > 0
    assert relay_figures["conversations_ratio"] > 0
    assert relay_figures["at_once_failed"] == 0
    assert {"idle_socket_kib_of_2", "idle_socket_kib_of_4"} <= relay_figures.keys()


def test_other_servers_are_measured_or_their_installation_is_explained(
    relay_figures: dict[str, Any],
) -> None:
    peers = relay_figures["peers"]

    assert list(peers) == ["ejabberd", "bare_daphne", "prosody", "synapse"]
    assert "skipped" not in peers["bare_daphne"]  # all that it needs is ours too
    for figures in peers.values():
        if "skipped" in figures:
            assert " install " in figures["skipped"]
        else:
            assert figures["ours_to_theirs_one_to_one_messages_per_second"] > 0
            assert figures["ours_to_theirs_fan_out_deliveries_per_second"] > 0


def test_a_server_that_is_not_installed_is_skipped_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(PeerMissing, match=r"apt-get install .* prosody lua-dbi-postgresql"):
        find_program("prosody", prosody.INSTALL, path=str(tmp_path))

    program = tmp_path / "prosody"
    program.touch(mode=0o755)
    assert find_program("prosody", prosody.INSTALL, path=str(tmp_path)) == str(program)


def test_other_servers_are_compared_on_postgresql_only() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.relay", "--peers", "--database", "sqlite"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "--peers compares what all keep in PostgreSQL" in done.stderr


def what_is_wrong(conversation: Conversation, device: Device) -> dict[str, int]:
    figures = judge([device])
    return {name: value for name, value in figures.items() if value and name != "acknowledged"}


def test_the_judge_of_faults_sees_what_was_lost_or_seen_wrongly(
    alice: Member, conversation: Conversation
) -> None:
    ids = [uuid4() for _ in range(2)]
    for message_id in ids:
        alice.says(conversation, message_id=message_id)
    commit_id: UUID = conversation.entries.get(position=1).message_id
    log = [(1, str(commit_id)), (2, str(ids[0])), (3, str(ids[1]))]

    def device(seen: list[tuple[int, str]], acknowledged: dict[UUID, int]) -> Device:
        nowhere: Any = SimpleNamespace()
        return Device(conversation.pk, alice.device.pk, "", nowhere, acknowledged, seen)

    right = {ids[0]: 2, ids[1]: 3}
    assert what_is_wrong(conversation, device(log, right)) == {}
    assert what_is_wrong(conversation, device(log, {uuid4(): 4})) == {"lost": 1}
    assert what_is_wrong(conversation, device(log, {ids[0]: 3})) == {"lost": 1}
    assert what_is_wrong(conversation, device(log[:2], right)) == {"reordered": 1}
    assert what_is_wrong(conversation, device(log[1:], right)) == {"gaps": 2, "reordered": 1}
    twice = [*log, log[2]]
    assert what_is_wrong(conversation, device(twice, right))["duplicated"] == 1


def test_a_large_file_costs_the_server_little_memory() -> None:
    figures = run("benchmarks.attachments", "--mebibytes", "48", "--clients", "2")

    assert figures["memory_grown_mebibytes_up"] < 24
    assert figures["memory_grown_mebibytes_down"] < 24


def test_adding_a_hundred_devices_fits_the_frame_and_its_fields() -> None:
    figures = run("benchmarks.groups", "--members", "10")

    commit, welcome = (figures[f"10_adding_100_{what}_bytes"] for what in ("commit", "welcome"))
    assert max(commit, welcome) < MAX_HANDSHAKE_BYTES
    assert (commit + welcome + MAX_GROUP_INFO_BYTES) * 4 / 3 < MAX_FRAME_BYTES - 1024
