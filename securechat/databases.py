"""Connection settings of the two databases SecureChat runs on."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"  # acknowledged means durable
    "PRAGMA secure_delete=ON;"  # what is erased is overwritten
)


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",  # take the one writer's place before reading
            "init_command": SQLITE_PRAGMAS,
        },
        # A file, not memory, also in tests: threads and processes must see one database.
        "TEST": {"NAME": path.with_name("test.sqlite3")},
    }


def postgresql(url: str) -> dict[str, Any]:
    """Read ``postgresql://user:password@host:port/name``; an empty host means the local socket."""
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or unquote(query.get("host", "")),
        "PORT": str(parts.port or query.get("port", "")),
        # Under ASGI each request has a thread of its own, which would keep its connection.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "connect_timeout": 5,
            # A process that stands still in the middle of a transaction must not hold the others
            # up, and nobody waits for a row without end.
            "options": "-c idle_in_transaction_session_timeout=15s -c lock_timeout=5s",
        },
    }
