"""Processes that a bot has started and that outlive the one that started them, whatever group or session they are in.

The kernel gives the children of a process that dies to the nearest one above it that has asked for them (Linux,
PR_SET_CHILD_SUBREAPER, prctl(2)). The work horse asks, so that it sees what a bot has left; the worker process asks, so
that it can end what is left when the horse is gone; and so does the supervisor, for a worker process that was killed.
A process is only ever killed here while it is our own child that was not collected, so its number is no other's.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Collection

log = logging.getLogger(__name__)

PR_SET_CHILD_SUBREAPER = 36
LAST_SECONDS = 5.0
"""How long to wait for what was killed; one that is stuck in the kernel is met again the next time."""


def adopt() -> None:
    """Asks the kernel for all orphans among the processes below this one; does nothing where there is no such thing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Orphans:
    """Those that come to this process, which has to be the only one to collect its children."""

    def __init__(self) -> None:
        adopt()

    def end(self, ours: Collection[int] = ()) -> None:
        """Kills and collects all children but `ours`, and theirs, which come to us by that, until none is left."""
        ended: set[int] = set()
        until = time.monotonic() + LAST_SECONDS
        while _has_children() and (found := _children() - set(ours)):
            for pid in found:
                if not _kill(pid):
                    ours = {*ours, pid}
            ended |= {pid for pid in found if _is_collected(pid)}
            if time.monotonic() > until:
                log.warning("Processes that a bot has left do not end: %s", ", ".join(map(str, sorted(found))))
                break
            time.sleep(0.002)
        if ended:
            log.info("Ended what a bot has left behind: %d processes", len(ended))


def _has_children() -> bool:
    """Whether there is any child, in the one call that nearly always answers no."""
    if sys.platform != "linux":  # no orphan comes to us there
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return os.path.isdir("/proc")


def _children() -> set[int]:
    own = str(os.getpid()).encode()
    return {int(name) for name in os.listdir("/proc") if name.isdecimal() and _parent(name) == own}


def _parent(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[1]  # the name in brackets may hold any byte, proc(5)
    except (OSError, IndexError):
        return b""


def _kill(pid: int) -> bool:
    """False if it is not ours to kill, as one that has become another user."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    except PermissionError:
        log.warning("A process that a bot has left runs as another user and goes on: %d", pid)
        return False
    return True


def _is_collected(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
