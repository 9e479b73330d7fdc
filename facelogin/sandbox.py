"""What a process that handles strangers' bytes may no longer do: Linux limits, no root needed.

Each measure is tried, and :func:`confine` says which hold. None of them is a proof against code
that runs inside of the process with root's rights; together they take memory, time, files and the
network from a picture that makes a decoder misbehave.
"""

import ctypes
import resource
from contextlib import suppress
from pathlib import Path

_NEW_USERS, _NEW_NETWORK = 0x10000000, 0x40000000
_DUMPABLE, _DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 4, 1, 38
_KILL = 9


def leave_the_network() -> bool:
    """Move into a network with nothing in it; before any thread is started."""
    system = ctypes.CDLL(None, use_errno=True)
    if not hasattr(system, "unshare"):
        return False
    return 0 in (system.unshare(_NEW_NETWORK), system.unshare(_NEW_USERS | _NEW_NETWORK))


def confine(*, memory: int, seconds: int) -> list[str]:
    """Take what is not needed: call it when everything is imported and loaded.

    ``memory`` is what may be taken beyond what the process has, ``seconds`` of the processor's
    time. Returns the names of the measures that hold.
    """
    held = [name for name, limit in _limits(memory, seconds).items() if _limit(*limit)]
    with suppress(AttributeError, OSError):  # not Linux
        system = ctypes.CDLL(None, use_errno=True)
        system.prctl(_DUMPABLE, 0, 0, 0, 0)
        system.prctl(_DEATH_SIGNAL, _KILL, 0, 0, 0)
        if system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
            held.append("no new privileges")
    return held


def limit_memory(more: int) -> bool:
    """Allow so many bytes of address space beyond what the process has now."""
    return _limit(resource.RLIMIT_AS, _address_space() + more)


def leave_no_core() -> bool:
    """A process that crashes writes nothing of its memory to a file."""
    return _limit(resource.RLIMIT_CORE, 0)


def _limits(memory: int, seconds: int) -> dict[str, tuple[int, int]]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    # The next descriptor would be the first above those that are open: no file, and no socket.
    opened = Path("/proc/self/fd")
    open_files = len(list(opened.iterdir())) - 1 if opened.is_dir() else 3
    return {
        "memory": (resource.RLIMIT_AS, _address_space() + memory),
        "time": (resource.RLIMIT_CPU, spent + seconds),
        "no files or sockets": (resource.RLIMIT_NOFILE, open_files),
        "no writing": (resource.RLIMIT_FSIZE, 0),
        "no core": (resource.RLIMIT_CORE, 0),
    }


def _limit(which: int, amount: int) -> bool:
    try:
        resource.setrlimit(which, (amount, amount))
    except (OSError, ValueError):  # already less, or not known here
        return False
    return True


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
