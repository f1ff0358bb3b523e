"""Touch with Redis: a thread that keeps a process' leases, and so knows whether Redis answers and takes writes.

It is a thread of its own, so that slow work (a mail server that hangs) loses no lease. A frozen or dead process does
lose it, and another one goes on.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.clock import steady_ms
from service.errors import ServiceError, StoreUnavailable, StoreUnsuitable, WritesRefused
from service.outage import outage
from service.store.scripts import Scripts
from service.store.server.connection import ClientError
from service.store.watching.leases import Leases, Task

log = logging.getLogger("service.alerting.alerts")
"""That of the alerts, which wait for the same reason: an outage is one line for both."""

RENEW_SECONDS = 3.0
READY_SECONDS = 0.25
"""How often a process looks whether it may begin."""
FORGIVEN_MS = 10_000
"""A shorter time between two renewals is a hiccup. After a longer one, Redis was away, or this process or its machine
slept; then others may have, too."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without touch.

    Args:
        began_ms: when the first call failed, steady ms.
        reason: why the last one did, a sentence without a dot.
        refused: whether Redis answers, but takes no writes or cannot be used.
    """

    began_ms: int
    reason: str
    refused: bool


class Touch:
    """This process' leases, and its touch with Redis.

    Args:
        scripts: the scripts of this installation, on a connection that other threads may share.
        tasks: the tasks whose leases it wants.
        ready: whether the process has checked Redis, and its leases may be written.
        clock: steady ms.
    """

    def __init__(
        self, scripts: Scripts, tasks: Sequence[Task], ready: Callable[[], bool] = lambda: True,
        clock: Callable[[], int] = steady_ms,
    ) -> None:  # fmt: skip
        self._scripts = scripts
        self._tasks = tasks
        self._ready = ready
        self._clock = clock
        self._since_ms = self._renewed_ms = clock()
        self._gap: Gap | None = None
        self._leases: Leases | None = None
        self.token = ""
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, and go on in a thread."""
        self.begin()
        self._stop = threading.Event()
        threading.Thread(target=self._work, args=(self._stop,), name="touch", daemon=True).start()

    def begin(self) -> None:
        """Begin. The token is made now, because a process that is forked must have another one than its parent."""
        self.token = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"
        self._leases = Leases(self._scripts, self.token, self._tasks, self._clock)
        self._since_ms = self._renewed_ms = self._clock()

    def stop(self) -> None:
        """Ask the thread to end. It leaves the leases as they are: see `give_back`."""
        self._stop.set()

    def holds(self, task: Task) -> bool:
        """Return whether this process holds the lease of a task."""
        return self._leases is not None and self._leases.holds(task)

    def gap(self) -> Gap | None:
        """Return the present time without touch; None while Redis answers and takes writes."""
        return self._gap

    def lasted_ms(self) -> int:
        """Return for how long Redis has answered this process, hiccups aside."""
        return self._renewed_ms - self._since_ms

    def give_back(self) -> None:
        """Leave all tasks to others, so that they need not wait for the leases to end."""
        self.stop()
        if self._leases is None:
            return
        try:
            self._leases.give_back()
        except (ServiceError, ClientError, OSError) as error:
            outage.tell(log, error, "Alerts are left to others")

    def renew(self) -> None:
        """Renew the leases once, and note whether Redis took that."""
        assert self._leases is not None
        try:
            self._leases.renew()
        except (ServiceError, ClientError, OSError) as error:
            self._note(error)
            return
        now = self._clock()
        if now - self._renewed_ms > FORGIVEN_MS:
            self._since_ms = now
        self._renewed_ms, self._gap = now, None

    def _note(self, error: Exception) -> None:
        began = self._gap.began_ms if self._gap else self._clock()
        reason = error.sentence if isinstance(error, StoreUnavailable) and error.sentence else "Redis cannot be used"
        self._gap = Gap(began, reason, isinstance(error, WritesRefused | StoreUnsuitable))
        outage.tell(log, error, "Alerts wait")

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            ready = self._ready()
            if ready:
                self.renew()
            stop.wait(RENEW_SECONDS if ready else READY_SECONDS)
