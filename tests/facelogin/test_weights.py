"""Weights: found, checked, installed by an operator, and never fetched while serving."""

import hashlib
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from pytest_django import Settings

from facelogin import networks, weights
from facelogin.networks import DLIB, FASNET, NETWORKS, ThresholdMissingError
from facelogin.weights import State, WeightsError

ARCFACE = NETWORKS["ArcFace"]
CONTENT = b"not really a network"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ARCFACE.weights.file
    path.write_bytes(CONTENT)
    return path


def test_a_network_is_usable_once_its_file_is_installed_and_unchanged(
    home: Path, file: Path
) -> None:
    with pytest.raises(WeightsError):
        weights.require(ARCFACE, home)

    call_command("face", "weights", "install", str(file), "--sha256", DIGEST.upper())
    weights.require(ARCFACE, home)

    (weights.folder(home) / ARCFACE.weights.file).write_bytes(CONTENT + b"!")
    assert weights.state_of(ARCFACE.weights, home) is State.CHANGED
    with pytest.raises(WeightsError):
        weights.require(ARCFACE, home)


def test_a_file_that_somebody_only_copied_there_is_not_used(home: Path) -> None:
    weights.folder(home).mkdir(parents=True)
    (weights.folder(home) / ARCFACE.weights.file).write_bytes(CONTENT)

    assert weights.state_of(ARCFACE.weights, home) is State.CHANGED


def test_another_file_than_expected_is_not_installed(home: Path, file: Path) -> None:
    with pytest.raises(CommandError, match="SHA-256"):
        call_command("face", "weights", "install", str(file), "--sha256", "0" * 64)

    assert weights.state_of(ARCFACE.weights, home) is State.MISSING


@pytest.mark.parametrize("arguments", [["install", "anything.h5"], ["download", "../../passwd"]])
def test_only_files_of_known_networks_are_installed(home: Path, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="none of"):
        call_command("face", "weights", *arguments)


def test_the_list_says_what_is_there_and_complains_of_what_was_changed(
    home: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("face", "weights", "install", str(file))
    capsys.readouterr()

    call_command("face", "weights", "list")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(NETWORKS) + len(FASNET)
    assert any(line.startswith("*") and "Dlib" in line for line in lines)
    assert any("ArcFace" in line and line.endswith(State.GOOD) for line in lines)
    assert any("Facenet512" in line and line.endswith(State.MISSING) for line in lines)
    (weights.folder(home) / ARCFACE.weights.file).write_bytes(b"")
    with pytest.raises(CommandError):
        call_command("face", "weights", "list")


def test_fasnet_counts_when_both_files_are_there_and_half_of_it_or_a_changed_one_stops_the_start(
    home: Path, tmp_path: Path
) -> None:
    first, second = FASNET
    source = tmp_path / "a file"
    source.write_bytes(CONTENT)
    assert not weights.has_fasnet(home)
    weights.install(source, first, home)
    with pytest.raises(WeightsError, match="missing"):
        weights.has_fasnet(home)
    weights.install(source, second, home)
    assert weights.has_fasnet(home)

    (weights.folder(home) / first.file).write_bytes(b"")
    with pytest.raises(WeightsError, match="not those"):
        weights.has_fasnet(home)


def test_deepface_knows_where_each_file_would_come_from() -> None:
    pytest.importorskip("deepface", reason="the face worker's packages are not installed")
    for wanted in weights.installable().values():
        addresses = weights._addresses_of(wanted)
        assert all(address.startswith("https://") for address in addresses)
        assert all(address.endswith(wanted.file) for address in addresses)


def test_a_network_that_was_not_measured_needs_a_threshold(settings: Settings) -> None:
    assert networks.configured("Dlib", None).threshold == 0.5
    assert networks.configured("Dlib", 0.45).threshold == 0.45
    assert networks.configured("ArcFace", 1.0).one_person == 1.0
    with pytest.raises(ThresholdMissingError):
        networks.configured("ArcFace", None)
    assert not [one for one in run_checks() if one.id == "facelogin.E001"]

    settings.CONFIG = settings.CONFIG.model_copy(update={"face_model": "ArcFace"})

    assert [one for one in run_checks() if one.id == "facelogin.E001"]


def test_no_two_networks_have_one_name() -> None:
    assert len({one.name for one in NETWORKS.values()}) == len(NETWORKS)
    assert NETWORKS["Dlib"] is DLIB
