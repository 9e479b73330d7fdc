"""Messages of the one-machine broker: read whole, or not yet."""

import threading
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection

from securechat import broker

MESSAGES = 400


def connect(folder: Path) -> Connection:
    (folder / "control").mkdir(exist_ok=True)
    options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "store_processed": False,
    }
    return Connection(f"{broker.SCHEME}://localhost", transport_options=options)


def test_a_reader_that_never_waits_gets_every_message_whole_and_once(tmp_path: Path) -> None:
    queue = f"queue-{uuid4()}"
    sent = [{"number": number, "padding": "x" * 5000} for number in range(MESSAGES)]
    with connect(tmp_path) as writing, connect(tmp_path) as reading:
        writer, reader = writing.SimpleQueue(queue), reading.SimpleQueue(queue, no_ack=True)
        got: list[dict[str, Any]] = []

        def send() -> None:
            for one in sent:
                writer.put(one)

        sender = threading.Thread(target=send)

        sender.start()
        while len(got) < MESSAGES and (sender.is_alive() or any(tmp_path.glob("*.msg"))):
            try:
                got.append(reader.get_nowait().payload)
            except Empty:
                continue
        sender.join()

    assert sorted(one["number"] for one in got) == list(range(MESSAGES))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff\xfe", b"\0" * 4096])
def test_a_file_that_is_no_message_keeps_no_other_from_being_read(
    tmp_path: Path, garbage: bytes
) -> None:
    queue = f"queue-{uuid4()}"
    with connect(tmp_path) as writing, connect(tmp_path) as reading:
        (tmp_path / f"0_first.{queue}.msg").write_bytes(garbage)
        writing.SimpleQueue(queue).put({"number": 7})

        got = reading.SimpleQueue(queue, no_ack=True).get_nowait()

    assert got.payload == {"number": 7}
    assert not list(tmp_path.glob("*.msg"))
