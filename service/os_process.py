"""The calls by which a process ties its life to others: prctl(2), through the C library.

Only Linux has them. Elsewhere both functions do nothing: runs of dead workers are found by their leases, and orphans
live on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent dies.

    Call it in the child, right after the fork. If the parent has died before, the child exits at once.

    Args:
        parent: the parent's process id.
        signum: the signal.
    """
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:
            os._exit(1)


def adopt_orphans() -> None:
    """Ask the kernel for the orphans among all processes below this one: they become its children."""
    if sys.platform == "linux":
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
