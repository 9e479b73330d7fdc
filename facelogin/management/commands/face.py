"""What an operator does about the face: weights of the networks, and the server's key."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from facelogin import networks, weights
from facelogin.networks import Weights
from facelogin.services import keys


class Command(BaseCommand):
    help = "Lists, checks and installs the weights of the networks; changes the server's key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("rotate-key", help="put every template under a new key of the server")
        files = what.add_parser("weights", help="what the networks need")
        doing = files.add_subparsers(dest="doing", required=True)
        doing.add_parser("list", help="what there is, and whether it is what was installed")
        install = doing.add_parser("install", help="from a file")
        install.add_argument("file", type=Path)
        install.add_argument("--as", dest="name", help="its name, if the file has another")
        download = doing.add_parser("download", help="by DeepFace, from where it knows it")
        download.add_argument("name")
        for one in (install, download):
            one.add_argument("--sha256", help="what the file must be; refused otherwise")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        home = Path(os.environ.get("DEEPFACE_HOME", settings.DATA / "models"))
        try:
            match options["what"], options.get("doing"):
                case "rotate-key", _:
                    self.stdout.write(f"{keys.rotate()} moved to a new key; the old is erased.")
                case _, "list":
                    self._list(home)
                case _, "install":
                    file: Path = options["file"]
                    wanted = _wanted(options["name"] or file.name)
                    self._say(wanted, weights.install(file, wanted, home, sha256=options["sha256"]))
                case _, "download":
                    wanted = _wanted(options["name"])
                    self._say(wanted, weights.download(wanted, home, sha256=options["sha256"]))
        except (OSError, weights.WeightsError) as error:
            raise CommandError(str(error)) from error

    def _list(self, home: Path) -> None:
        """Ends with an error when something is there that is not what was installed."""
        in_use = settings.CONFIG.face_model
        rows = [(one.deepface, one.weights) for one in networks.NETWORKS.values()]
        rows += [("FasNet", one) for one in networks.FASNET]
        states = []
        for name, wanted in rows:
            states.append(weights.state_of(wanted, home))
            mark = "*" if name == in_use else " "
            self.stdout.write(f"{mark} {name:14} {wanted.file:44} {states[-1]}")
        if weights.State.CHANGED in states:
            raise CommandError("A file is not the one that was installed.")

    def _say(self, wanted: Weights, digest: str) -> None:
        self.stdout.write(f"{wanted.file} is installed. SHA-256: {digest}")


def _wanted(name: str) -> Weights:
    known = weights.installable()
    if name not in known:
        raise CommandError(f"{name} is none of: {', '.join(known)}")
    return known[name]
