"""Keeps a process from calling anywhere but its queue: what a library would fetch stays unfetched.

It holds for Python's sockets, which is what DeepFace and its download tools use. The connection to
PostgreSQL is made by libpq and is not asked; only the name of its host is looked up in Python, and
may be. Native code could do what libpq does, so this is a guard against libraries, not against an
intruder (``sandbox`` is where strangers' bytes are decoded).
"""

import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

REDIS_PORT = 6379


class NetworkRefusedError(OSError):
    """A process that judges faces was about to connect to somewhere else."""


def allow_only(broker_url: str, *, database_host: str) -> None:
    """From now on, and for good in this process; sockets that are files of this machine stay.

    ``database_host`` is what libpq takes: a name, an address or a path, or several with commas.
    """
    parts = urlsplit(broker_url)
    is_remote = parts.scheme in {"redis", "rediss"}
    host = parts.hostname or "" if is_remote else ""
    guard = _Guard(host, parts.port or REDIS_PORT, {host, *database_host.split(",")})
    sys.addaudithook(guard.hear)


class _Guard:
    def __init__(self, host: str, port: int, names: Collection[str]) -> None:
        self.host = host
        self.port = port
        self.names = names  # that may be looked up

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        match event:
            case "socket.getaddrinfo" if arguments[0] not in self.names:
                self._refuse_unless_number(arguments[0])
            case "socket.connect" | "socket.sendto":
                self._check(arguments[1])

    def _check(self, address: Any) -> None:
        if not isinstance(address, tuple):
            return  # a path: a socket of this machine
        host, port = address[:2]
        if not self.host or port != self.port or (host != self.host and host not in self._known()):
            raise NetworkRefusedError

    def _known(self) -> set[str]:
        with suppress(OSError):
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            return {str(one[4][0]) for one in found}
        return set()

    def _refuse_unless_number(self, host: Any) -> None:
        try:
            socket.inet_pton(socket.AF_INET6 if ":" in str(host) else socket.AF_INET, str(host))
        except OSError as error:
            raise NetworkRefusedError from error
