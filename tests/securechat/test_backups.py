"""Backup and restore as an operator runs them, on the database of the environment."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stories.product import ROOT, Product, new_database

TALKERS = Path(__file__).with_name("talkers.py")
ATTACHMENT = os.urandom(300_000)

FACTS = """
import hashlib, json
from django.contrib.sessions.models import Session
from messaging.models import Entry, KeyPackage
from messaging.services.incarnations import current_incarnation
log = Entry.objects.order_by("position").values_list("position", "data")
print(json.dumps({
    "log": {position: hashlib.sha256(bytes(data)).hexdigest() for position, data in log},
    "incarnation": str(current_incarnation()),
    "sessions": Session.objects.count(),
    "single": KeyPackage.objects.filter(is_last_resort=False).count(),
    "last_resort": KeyPackage.objects.filter(is_last_resort=True).count(),
}))
"""
SOMETHING_TO_FORGET = """
from django.contrib.sessions.models import Session
from django.utils import timezone
from tests.messaging.people import enrol
Session.objects.create(session_key="digest", session_data="", expire_date=timezone.now())
enrol("bob").leaves_key_packages(2, last_resort=True)
"""


@dataclass(kw_only=True)
class Installation(Product):
    """A server that is not running: its data folder and its database."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self.environment() | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    def shell(self, program: str) -> str:
        result = self.run("shell", "--no-imports", "--verbosity", "0", "--command", program)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def facts(self) -> dict[str, object]:
        facts: dict[str, object] = json.loads(self.shell(FACTS))
        return facts

    def talk(self, count: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(TALKERS), str(count)],
            cwd=ROOT,
            env=self.environment() | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )


def new_installation(folder: Path) -> Installation:
    database_url = os.environ.get("SECURECHAT_DATABASE_URL")
    made = Installation(
        folder=folder,
        port=8000,
        faces=False,
        database_url=new_database(database_url) if database_url else None,
    )
    made.data.mkdir(parents=True)
    return made


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A server whose people are talking."""
    made = new_installation(tmp_path / "first")
    made.manage("migrate", "--verbosity", "0")
    (made.data / "attachments" / "ab").mkdir(parents=True)
    (made.data / "attachments" / "ab" / "part").write_bytes(ATTACHMENT)
    yield made
    made.stop()


@pytest.fixture
def elsewhere(tmp_path: Path, installation: Installation) -> Installation:
    """An empty server with the same secret key."""
    made = new_installation(tmp_path / "second")
    (made.data / "secret.key").write_bytes((installation.data / "secret.key").read_bytes())
    (made.data / "secret.key").chmod(0o600)
    return made


def said_before(talkers: subprocess.Popen[str], count: int) -> dict[str, str]:
    assert talkers.stdout is not None
    return dict(talkers.stdout.readline().split() for _ in range(count))


def talked(installation: Installation, count: int) -> dict[str, str]:
    said, _ = installation.talk(count).communicate(timeout=120)
    return dict(line.split() for line in said.splitlines())


def test_what_was_accepted_before_a_backup_is_there_after_it_although_people_went_on(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    talkers = installation.talk(100_000)
    try:
        promised = said_before(talkers, 200)
        installation.manage("backup", str(tmp_path / "backup"))
        promised_later = said_before(talkers, 50)
    finally:
        talkers.kill()
        talkers.communicate()

    elsewhere.manage("restore", str(tmp_path / "backup"))

    log = elsewhere.facts()["log"]
    assert isinstance(log, dict)
    assert list(log) == [str(position) for position in range(1, len(log) + 1)]
    assert log.items() >= promised.items()
    assert log.items() <= installation.facts()["log"].items()  # type: ignore[attr-defined]
    assert int(list(promised_later)[-1]) > len(promised)
    restored = (elsewhere.data / "attachments" / "ab" / "part").read_bytes()
    assert hashlib.sha256(restored).digest() == hashlib.sha256(ATTACHMENT).digest()
    assert elsewhere.run("check", "--database", "default").returncode == 0


def test_a_restored_server_is_another_incarnation_and_lets_nobody_in_by_an_old_session(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    installation.shell(SOMETHING_TO_FORGET)
    before = installation.facts()
    assert (before["sessions"], before["single"], before["last_resort"]) == (1, 2, 1)
    installation.manage("backup", str(tmp_path / "backup"))

    elsewhere.manage("restore", str(tmp_path / "backup"))

    after = elsewhere.facts()
    assert (after["sessions"], after["single"], after["last_resort"]) == (0, 0, 1)
    assert after["incarnation"] != before["incarnation"]


def test_people_who_are_there_are_replaced_only_when_told_to(
    installation: Installation, tmp_path: Path
) -> None:
    earlier = talked(installation, 3)
    installation.manage("backup", str(tmp_path / "backup"))
    talked(installation, 2)
    stray = installation.data / "attachments" / "ab" / "later"
    stray.write_bytes(b"uploaded after the backup")

    refused = installation.run("restore", str(tmp_path / "backup"))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    assert stray.exists()
    installation.manage("restore", str(tmp_path / "backup"), "--replace")

    assert installation.facts()["log"] == earlier
    assert not stray.exists()


def test_a_server_that_is_running_is_not_replaced(
    installation: Installation, tmp_path: Path
) -> None:
    talked(installation, 3)
    installation.manage("backup", str(tmp_path / "backup"))
    talkers = installation.talk(100_000)
    try:
        said_before(talkers, 1)
        refused = installation.run("restore", str(tmp_path / "backup"), "--replace")
    finally:
        talkers.kill()
        talkers.communicate()

    assert refused.returncode == 1
    assert "stop the web processes" in refused.stderr
    assert len(installation.facts()["log"]) >= 4  # type: ignore[arg-type]


def test_a_backup_says_which_key_it_does_not_hold_and_is_not_restored_under_another(
    installation: Installation, tmp_path: Path
) -> None:
    talked(installation, 1)
    key = installation.data / "secret.key"
    stranger = new_installation(tmp_path / "stranger")

    said = installation.manage("backup", str(tmp_path / "backup"))
    quiet = installation.manage("backup", str(tmp_path / "another"), "--without-keys")
    refused = stranger.run("restore", str(tmp_path / "backup"))

    assert str(key) in said
    assert str(key) not in quiet
    assert key.read_bytes() not in (tmp_path / "backup").read_bytes()
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert refused.returncode == 1
    assert "secret key" in refused.stderr


def test_a_backup_that_was_cut_or_changed_touches_nothing(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    talked(installation, 3)
    whole = tmp_path / "backup"
    installation.manage("backup", str(whole))
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:-20_000])
    changed = bytearray(whole.read_bytes())
    changed[changed.index(ATTACHMENT) + 1000] ^= 1
    (tmp_path / "changed").write_bytes(changed)
    (tmp_path / "nonsense").write_bytes(b"nonsense")

    assert elsewhere.run("restore", str(whole), "--check").returncode == 0
    for damaged in ("cut", "changed", "nonsense", "missing"):
        for options in ([], ["--check"]):
            refused = elsewhere.run("restore", str(tmp_path / damaged), *options)
            assert refused.returncode == 1, damaged
            assert "Traceback" not in refused.stderr
    assert not (elsewhere.data / "attachments").exists()
    assert not list(elsewhere.data.glob("restore-*"))


def test_a_name_that_leads_out_of_the_folder_is_refused(
    installation: Installation, tmp_path: Path
) -> None:
    evil = tmp_path / "evil"
    (tmp_path / "content").write_bytes(b"mine now")
    with tarfile.open(evil, "w") as tar:
        tar.add(tmp_path / "content", arcname="attachments/../../../escaped")

    refused = installation.run("restore", str(evil), "--check")

    assert refused.returncode == 1
    assert "leads elsewhere" in refused.stderr


def test_no_backup_overwrites_another(installation: Installation, tmp_path: Path) -> None:
    talked(installation, 1)
    (tmp_path / "backup").write_bytes(b"an older one")

    refused = installation.run("backup", str(tmp_path / "backup"))

    assert refused.returncode == 1
    assert (tmp_path / "backup").read_bytes() == b"an older one"
