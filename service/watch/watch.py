"""The watch of a web process: it looks every ten seconds while it holds the watch's lease.

Its thread and its connections are its own, so that no request waits for it, and no busy pool blinds it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from service.alerting.touch import Touch
from service.clock import steady_ms
from service.domain.clock_watch import ClockWatch
from service.domain.watching.rules import Rules, reasons
from service.errors import ServiceError
from service.outage import outage
from service.store.scripts import Scripts
from service.store.server.connection import ClientError
from service.store.watching.eyes import look
from service.store.watching.trouble_store import note_troubles
from service.watch.outcry import Outcry
from service.watch.outside import Outside

log = logging.getLogger("service.alerting.alerts")
"""That of the alerts, which wait for the same reason: an outage is one line for both."""

LOOK_MS = 10_000
TICK_SECONDS = 1.0


class Watch:
    """Looks, and tells.

    Args:
        scripts: the scripts of this installation, on a connection that requests do not use.
        touch: keeps the lease, and knows whether Redis answers.
        wanted_seconds: `WORKERS_WANTED_SECONDS`.
        outcry: tells of a Redis that cannot be used.
        outside: sends the heartbeat outside.
        clock: steady ms.
    """

    def __init__(
        self, scripts: Scripts, touch: Touch, wanted_seconds: int, outcry: Outcry, outside: Outside,
        clock: Callable[[], int] = steady_ms,
    ) -> None:  # fmt: skip
        self._scripts = scripts
        self._touch = touch
        self._rules = Rules(wanted_seconds * 1000)
        self._outcry = outcry
        self._outside = outside
        self._clock = clock
        self._redis_clock = ClockWatch()
        self._next_look = self._dropped = 0
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._stop = threading.Event()
        threading.Thread(target=self._work, args=(self._stop,), name="watch", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stop.set()

    def turn(self) -> None:
        """Do what is to be done now.

        Raises:
            ServiceError: Redis is away.
        """
        gap = self._touch.gap()
        if self._outcry.look(gap) and gap is not None:
            self._outside.tell([f"{gap.reason}."])
        if gap is not None or not self._touch.holds("watch") or self._clock() < self._next_look:
            return
        self._next_look = self._clock() + LOOK_MS
        sight, touch_ms = look(self._scripts), self._touch.lasted_ms()
        troubles = self._rules.judge(sight, touch_ms)
        note_troubles(self._scripts, troubles)
        if sight.dropped not in (0, self._dropped):
            log.error("Alerts were dropped, because too many came at once: %d so far", sight.dropped)
        self._dropped = sight.dropped or self._dropped
        self._outside.tell(reasons(sight, troubles, touch_ms))
        self._look_at_clock()  # last, because a full Redis refuses that
        self._scripts.look_at_data("watch_data")

    def _look_at_clock(self) -> None:
        """Look for a step of Redis' clock, as each scheduler does."""
        steady = self._clock()
        expected, reading = self._redis_clock.expected_ms(steady), self._redis_clock.reading_ms
        now, stepped = self._scripts.run("watch_clock", *("" if ms is None else ms for ms in (expected, reading)))
        self._redis_clock.note(int(now), self._clock())
        if stepped:
            log.error("Redis' clock was set by %+.0f s; see docs/guarantees.md, Clocks", int(stepped) / 1000)

    def _work(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_SECONDS):
            try:
                self.turn()
            except (ServiceError, ClientError, OSError) as error:
                outage.tell(log, error, "The watch waits")
            except Exception:
                log.exception("The watch met a defect, and goes on")
