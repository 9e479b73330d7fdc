"""What a large file costs the server: memory, time and processor, up and down.

``python -m benchmarks.attachments --mebibytes 200 --clients 4 --json``. The clients upload at the
same time, then download at the same time; what comes down is compared with what went up. Memory is
the web process's, against what it was before, sampled every 20 ms.
"""
# ruff: noqa: PLC0415 - what needs Django is imported once it knows its database

import argparse
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.product import WebProcess, product, report

MEBIBYTE = 1024 * 1024


class Uploader:
    """One device: it uploads bytes that it makes as it goes, and remembers their hash."""

    def __init__(self, port: int, token: str, conversation_id: str, size: int) -> None:
        self.http = httpx.Client(
            base_url=f"http://localhost:{port}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        self.conversation_id = conversation_id
        self.size = size
        self.id = str(uuid4())
        self.sent = hashlib.sha256()

    def upload(self) -> None:
        body = {"id": self.id, "message_id": str(uuid4()), "size": self.size}
        path = f"conversations/{self.conversation_id}/attachments"
        part_size = self.http.post(path, json=body).raise_for_status().json()["part_size"]
        block = os.urandom(part_size)
        for offset in range(0, self.size, part_size):
            part = block[offset // part_size % 256 :] + block[: offset // part_size % 256]
            part = part[: self.size - offset]
            self.sent.update(part)
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/partial-upload"}
            self.http.patch(
                f"attachments/{self.id}", content=part, headers=headers
            ).raise_for_status()

    def download(self) -> None:
        received = hashlib.sha256()
        with self.http.stream("GET", f"attachments/{self.id}/content") as answer:
            answer.raise_for_status()
            for block in answer.iter_bytes():
                received.update(block)
        if received.digest() != self.sent.digest():
            raise SystemExit("What came down is not what went up.")


class Peak:
    """The most memory that a process held while this was watching."""

    def __init__(self, web: WebProcess) -> None:
        self.web = web
        self.most = self.before = web.resident_bytes()
        self.over = threading.Event()

    @property
    def grown(self) -> float:
        return (self.most - self.before) / MEBIBYTE

    def watch(self) -> None:
        while not self.over.wait(0.02):
            self.most = max(self.most, self.web.resident_bytes())


@contextmanager
def watched(web: WebProcess) -> Iterator[Peak]:
    peak = Peak(web)
    thread = threading.Thread(target=peak.watch)
    thread.start()
    try:
        yield peak
    finally:
        peak.over.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=200)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with product(database=options.database) as running:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        report(measure(running.web[0], running.cpu_seconds, options), as_json=options.json)


def measure(
    web: WebProcess, cpu_seconds: Callable[[], dict[str, float]], options: argparse.Namespace
) -> dict[str, Any]:
    uploaders = uploaders_at(web.port, options.clients, options.mebibytes * MEBIBYTE)
    warm = uploaders_at(web.port, 1, MEBIBYTE)
    together(warm, Uploader.upload)
    together(warm, Uploader.download)
    figures: dict[str, Any] = {"clients": options.clients, "mebibytes_each": options.mebibytes}
    for name, what in (("up", Uploader.upload), ("down", Uploader.download)):
        began, used = time.monotonic(), sum(cpu_seconds().values())
        with watched(web) as peak:
            together(uploaders, what)
        total = options.clients * options.mebibytes
        figures[f"memory_grown_mebibytes_{name}"] = peak.grown
        figures[f"mebibytes_a_second_{name}"] = total / (time.monotonic() - began)
        figures[f"server_cpu_seconds_a_gibibyte_{name}"] = (
            (sum(cpu_seconds().values()) - used) / total * 1024
        )
    return figures


def uploaders_at(port: int, count: int, size: int) -> list[Uploader]:
    from accounts.models import Scope
    from accounts.services.tokens import issue_token
    from benchmarks.devices import enrol_many

    found = []
    for member in enrol_many(count):
        _, token = issue_token(
            device=member.device, name="benchmark", scopes=tuple(Scope), expires_in_days=1
        )
        found.append(Uploader(port, token, str(member.begins().pk), size))
    return found


def together(uploaders: list[Uploader], what: Callable[[Uploader], None]) -> None:
    with ThreadPoolExecutor(len(uploaders)) as threads:
        for done in [threads.submit(what, one) for one in uploaders]:
            done.result()


if __name__ == "__main__":
    main()
