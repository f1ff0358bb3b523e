"""Keeps the worker processes up: starts them, starts them again when they die, and stops them all once.

It holds no connection and runs no bot, so there is nothing that could bring it down; should it be killed all the same,
the kernel takes its workers along, and their runs are found by their leases. What bots had started under a worker
process that was killed comes to it, and is ended.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from service.worker.ipc import die_with_parent
from service.worker.orphans import Orphans

log = logging.getLogger(__name__)

LAST_CALL_SECONDS = 27.0
"""Seconds after the request to stop after which what is left is killed."""
LONGEST_PAUSE = 10.0
ASK_AGAIN_SECONDS = 1.0
"""Seconds between two requests to stop: one that comes before a young process listens is lost."""


class Supervisor:
    """Runs `count` processes of `main` until SIGTERM or SIGINT.

    Args:
        main: what one worker process does; returns when told to stop.
        count: how many, ≥ 1.
    """

    def __init__(self, main: Callable[[], None], count: int) -> None:
        self._main = main
        self._count = count
        self._children: dict[int, float] = {}
        self._stopping_since: float | None = None
        self._pause = 0.0
        self._start_at = 0.0
        self._orphans: Orphans | None = None

    def run(self) -> None:
        """Returns when all processes are gone."""
        signal.signal(signal.SIGTERM, self._asked)
        signal.signal(signal.SIGINT, self._asked)
        self._orphans = Orphans()
        while self._stopping_since is None:
            while len(self._children) < self._count and time.monotonic() >= self._start_at:
                self._start()
            self._collect()
            time.sleep(0.2)
        self._stop_all()

    def _asked(self, signum: int, frame: FrameType | None) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()

    def _start(self) -> None:
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                die_with_parent(parent)
                self._main()
                status = 0
            except BaseException:
                log.exception("A worker process failed")
            finally:
                os._exit(status)
        self._children[child] = time.monotonic()

    def _collect(self) -> None:
        """Takes note of processes that ended; those that end young are started again more and more slowly."""
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            if self._orphans is not None:
                self._orphans.end(self._children.keys() - {pid})
            age = time.monotonic() - self._children.pop(pid)
            self._pause = min(max(0.2, self._pause * 2), LONGEST_PAUSE) if age < LONGEST_PAUSE else 0.0
            self._start_at = time.monotonic() + self._pause
            if self._stopping_since is None:
                log.warning("Worker process %d ended (wait status %d); starting another", pid, status)

    def _stop_all(self) -> None:
        assert self._stopping_since is not None
        asked = 0.0
        while self._children:
            now = time.monotonic()
            if now - self._stopping_since > LAST_CALL_SECONDS:
                _signal_all(self._children, signal.SIGKILL)
            elif now - asked >= ASK_AGAIN_SECONDS:
                asked = now
                _signal_all(self._children, signal.SIGTERM)
            time.sleep(0.05)
            self._collect()


def _signal_all(children: dict[int, float], signum: signal.Signals) -> None:
    for pid in list(children):
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass
