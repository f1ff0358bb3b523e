"""Ends processes that a bot has started and that outlive their parent, whatever group or session they are in.

When a process dies, the kernel gives its children to the nearest process above that has asked for orphans
(`service.os_process.adopt_orphans`). The work horse asks, so that it sees what a bot has left. The worker process asks,
so that it can end what is left when the horse is gone. The supervisor asks, for a worker process that was killed.
This module kills a process only while it is an uncollected child of ours, so that its number cannot be another's.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Collection

from service.os_process import adopt_orphans

log = logging.getLogger(__name__)

LAST_SECONDS = 5.0
"""How long to wait for killed processes; one that is stuck in the kernel is tried again the next time."""


class Orphans:
    """The orphans that come to this process. Nothing else in it may collect its children."""

    def __init__(self) -> None:
        adopt_orphans()

    def end(self, ours: Collection[int] = ()) -> None:
        """Kill and collect all children but `ours`, and theirs, which become ours by that, until none is left."""
        ended: set[int] = set()
        until = time.monotonic() + LAST_SECONDS
        while _has_children() and (found := _children() - set(ours)):
            for pid in found:
                if not _kill(pid):
                    ours = {*ours, pid}
            ended |= {pid for pid in found if _is_collected(pid)}
            if time.monotonic() > until:
                log.warning("Processes that a bot has left behind do not end: %s", ", ".join(map(str, sorted(found))))
                break
            time.sleep(0.002)
        if ended:
            log.info("Ended %d processes that a bot has left behind", len(ended))


def _has_children() -> bool:
    """Return whether there is any child, by one call that nearly always answers no."""
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
    """Kill a process. Return False if we may not, as one that has become another user."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    except PermissionError:
        log.warning("A process that a bot has left behind runs as another user, and keeps running: %d", pid)
        return False
    return True


def _is_collected(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
