"""The files of deploy/ say what is so; Docker itself is not started here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from securechat.config import Config

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("securechat*.*"))
COMMANDS = {path.stem for path in DEPLOY.parent.glob("*/management/commands/*.py")}
SETTINGS = {f"SECURECHAT_{name.upper()}" for name in Config.model_fields}


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, dict[str, object]]]:
    loaded: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(
        (DEPLOY / "compose.yaml").read_text()
    )
    return loaded


def test_every_service_of_the_compose_file_has_an_image_and_what_it_waits_for_exists(
    compose: dict[str, dict[str, dict[str, object]]],
) -> None:
    services = compose["services"]

    for name, service in services.items():
        assert "image" in service, name
        awaited = service.get("depends_on", [])
        assert isinstance(awaited, list | dict)
        assert set(awaited) <= services.keys(), name
        for volume in service.get("volumes", []):  # type: ignore[attr-defined]  # a list of texts
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"], volume


def test_the_compose_file_runs_commands_that_exist_with_settings_that_exist(
    compose: dict[str, dict[str, dict[str, object]]],
) -> None:
    ours = {name: one for name, one in compose["services"].items() if one["image"] == "securechat"}

    assert {"web-1", "web-2", "worker", "face-worker", "prepare"} == ours.keys()
    for name, service in ours.items():
        command = service.get("command", ["serve"])
        assert isinstance(command, list)
        assert command[0] in COMMANDS | {"serve"}, name
        environment = service["environment"]
        assert isinstance(environment, dict)
        assert {key for key in environment if key.startswith("SECURECHAT_")} <= SETTINGS


def test_units_run_commands_that_exist_with_settings_that_exist() -> None:
    for unit in UNITS:
        for command in re.findall(r"manage\.py (\w+)", unit.read_text()):
            assert command in COMMANDS, unit.name
    set_there = re.findall(
        r"^(SECURECHAT_\w+)=", (DEPLOY / "systemd/securechat.env").read_text(), re.MULTILINE
    )
    assert set(set_there) <= SETTINGS


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze; on Debian: apt-get install systemd")
    for unit in UNITS:
        # The program of the checkout's environment is not in /opt here; all else is checked.
        text = unit.read_text().replace("/opt/securechat/.venv/bin/python", "/bin/true")
        name = unit.name.replace("@.", "@8001.")
        (tmp_path / name).write_text(text)
    files = [str(path) for path in sorted(tmp_path.iterdir()) if path.suffix != ".env"]

    result = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )

    complaints = [line for line in result.stderr.splitlines() if "securechat" in line]
    assert complaints == []
    assert result.returncode == 0
