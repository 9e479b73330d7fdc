"""The broker of one machine: kombu's filesystem transport, but no message is read half written.

Kombu opens a message under its final name and writes it afterwards; its reader takes no lock, and
has been seen to find an empty file, lose the message and stop. Here a message gets its name when it
is complete.
"""

import json
import logging
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

logger = logging.getLogger(__name__)

SCHEME = "files"
TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


class Channel(filesystem.Channel):
    def _put(  # type: ignore[override]  # kombu's two base classes disagree
        self, queue: str, payload: dict[str, Any], **_options: Any
    ) -> None:
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        unfinished = folder / f".{name}.part"
        unfinished.write_text(json.dumps(payload))
        os.replace(unfinished, folder / name)  # noqa: PTH105 (atomic, as its documentation says)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # noqa: ARG002 (kombu's signature)
        """The oldest whole message; of several readers, the one that renames it gets it."""
        folder = Path(self.data_folder_in)
        for waiting in sorted(folder.glob(f"*.{queue}.msg")):
            taken = folder / f".{uuid.uuid4()}.taken"
            try:
                os.replace(waiting, taken)  # noqa: PTH105 (atomic, as its documentation says)
            except FileNotFoundError:
                continue
            text = taken.read_bytes()
            taken.unlink()
            try:
                message: dict[str, Any] = json.loads(text)
            except ValueError:
                logger.warning("A file in the queue is no message; it was thrown away.")
                continue
            return message
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel
