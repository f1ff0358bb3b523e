"""Keeps the worker processes up: starts them, starts them again when they die, and stops them all once.

It holds no connection and runs no bot, so that hardly anything can end it. If it is killed all the same, the kernel
kills its workers too, and their runs are found by their leases. It adopts and ends the processes that bots had started
under a worker process that was killed.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType

from service.backoff import Backoff
from service.os_process import die_with_parent
from service.shutdown import ASK_WORKER_EVERY_SECONDS, KILL_WORKER_SECONDS
from service.worker.leftovers.orphans import Orphans

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before a process that ended young is started again."""
YOUNG_SECONDS = 10.0
"""A process that ends before this age ended young."""


class Supervisor:
    """Runs `count` processes of `main` until SIGTERM or SIGINT.

    Args:
        main: what one worker process does; returns when asked to stop.
        count: how many, ≥ 1.
    """

    def __init__(self, main: Callable[[], None], count: int) -> None:
        self._main = main
        self._count = count
        self._children: dict[int, float] = {}
        self._stopping_since: float | None = None
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self._start_at = 0.0
        self._orphans: Orphans | None = None

    def run(self) -> None:
        """Return when all processes are gone."""
        signal.signal(signal.SIGTERM, self._asked)
        signal.signal(signal.SIGINT, self._asked)
        self._orphans = Orphans()
        while self._stopping_since is None:
            while len(self._children) < self._count and time.monotonic() >= self._start_at:
                self._start()
            self._collect()
            time.sleep(0.2)
        self._stop_all(self._stopping_since)

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
        """Note which processes have ended, and when the next one may start."""
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            if self._orphans is not None:
                self._orphans.end(self._children.keys() - {pid})
            self._start_at = time.monotonic() + self._pause_after(time.monotonic() - self._children.pop(pid))
            if self._stopping_since is None:
                log.warning("Worker process %d ended (wait status %d); starting another", pid, status)

    def _pause_after(self, age: float) -> float:
        """Return the seconds to wait after a process of this age has ended: longer after each that ended young."""
        if age < YOUNG_SECONDS:
            return self._backoff.next()
        self._backoff.reset()
        return 0.0

    def _stop_all(self, since: float) -> None:
        asked = 0.0
        while self._children:
            now = time.monotonic()
            if now - since > KILL_WORKER_SECONDS:
                _signal_all(self._children, signal.SIGKILL)
            elif now - asked >= ASK_WORKER_EVERY_SECONDS:
                asked = now
                _signal_all(self._children, signal.SIGTERM)
            time.sleep(0.05)
            self._collect()


def _signal_all(pids: Iterable[int], signum: signal.Signals) -> None:
    for pid in list(pids):
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass
