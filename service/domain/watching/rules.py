"""The rules by which a look becomes troubles, and the condition of the heartbeat that goes outside.

No wait counts from before the watching process was in touch with Redis: after an outage, or at the start of everything,
the others need a moment, too. A trouble that was told before stays one, whoever looks.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.status import FRESH_MS, count_up
from service.domain.timestamps import format_ms
from service.domain.watching.sight import Sight
from service.domain.watching.troubles import Kind, Trouble

UNDECIDED_MS = 30_000
"""An occurrence that is due and not decided for longer is a trouble."""
SILENT_MS = 30_000
"""So is a silence of all schedulers that is longer. A new leader takes over within 6 s."""
STUCK_MS = 9_000
"""A run is stuck if it is the oldest at two looks that lie so far apart, while a worker is idle at both: between two
runs a worker is idle for an instant."""
AWAY_MS = 20_000
"""A trouble that nobody has seen for so long is over."""
OUTSIDE: tuple[Kind, ...] = ("no_scheduler", "undecided", "no_worker", "runs_wait", "unsaved")
"""The troubles that stop the heartbeat to `HEARTBEAT_URL`."""


class Rules:
    """Judges looks, and remembers the queue of the one before.

    Args:
        wanted_ms: how long a startable run may wait while no worker takes it, ms.
    """

    def __init__(self, wanted_ms: int) -> None:
        self._wanted_ms = wanted_ms
        self._stuck: tuple[str, int] | None = None

    def judge(self, sight: Sight, touch_ms: int) -> list[Trouble]:
        """Return the troubles that a look shows.

        Args:
            sight: the look.
            touch_ms: for how long the watching process has been in touch with Redis.
        """
        found = [
            *_silence(sight, touch_ms), *_undecided(sight, touch_ms), *self._queue(sight, touch_ms), *_store(sight)
        ]  # fmt: skip
        if sight.unsent:
            names = "; ".join(f"{name} does not accept it ({why})" for name, (_, why) in sorted(sight.unsent.items()))
            found.append(Trouble("alert_unsent", min(since for since, _ in sight.unsent.values()), names))
        if sight.dropped:
            found.append(Trouble("alerts_dropped", sight.now, f"{sight.dropped:,} have been dropped so far"))
        return found

    def _queue(self, sight: Sight, touch_ms: int) -> list[Trouble]:
        stuck, self._stuck = self._stuck, None
        if sight.oldest_queued is None:
            return []
        run_id, since = sight.oldest_queued
        workers = count_up(sight.workers.values(), sight.now)
        kind: Kind = "runs_wait" if workers else "no_worker"
        waited = _waited(sight, kind, since, touch_ms)
        if workers and sight.running >= workers:
            return []
        began = stuck[1] if stuck and stuck[0] == run_id else sight.now
        if workers:
            self._stuck = run_id, began
        if waited <= self._wanted_ms:
            return []
        if not workers:
            return [Trouble("no_worker", since, f"the oldest has waited since {format_ms(since)} UTC{_last(sight)}")]
        if sight.now - began < STUCK_MS and kind not in sight.known:
            return []
        told = f"the oldest has waited since {format_ms(since)} UTC, and not all workers are busy"
        return [Trouble("runs_wait", since, told)]


def reasons(sight: Sight, troubles: Sequence[Trouble], touch_ms: int) -> list[str]:
    """Return why the outside may not hear that all is well; empty if it may.

    Args:
        sight: the look.
        troubles: what it shows.
        touch_ms: as for `Rules.judge`.
    """
    late = [] if any(one.kind in ("no_scheduler", "undecided") for one in troubles) else _overdue(sight, touch_ms)
    return [one.sentence() for one in [*late, *troubles] if one.kind in OUTSIDE]


def _silence(sight: Sight, touch_ms: int) -> list[Trouble]:
    last = max((beat for beat in sight.schedulers.values() if beat <= sight.now + FRESH_MS), default=0)
    if _waited(sight, "no_scheduler", last, touch_ms) <= SILENT_MS:
        return []
    if not last:
        return [Trouble("no_scheduler", sight.now - touch_ms, "none has ever sent a heartbeat, or not for long")]
    names = ", ".join(sorted(name for name, beat in sight.schedulers.items() if beat == last))
    return [Trouble("no_scheduler", last, f"the last heartbeat came at {format_ms(last)} UTC, from {names}")]


def _undecided(sight: Sight, touch_ms: int) -> list[Trouble]:
    """Return that due work is not decided, unless there is no scheduler: then that is the trouble."""
    return _overdue(sight, touch_ms) if count_up(sight.schedulers.values(), sight.now) else []


def _overdue(sight: Sight, touch_ms: int) -> list[Trouble]:
    due = sight.oldest_due
    if due is None or _waited(sight, "undecided", due, touch_ms) <= UNDECIDED_MS:
        return []
    return [Trouble("undecided", due, f"what was due at {format_ms(due)} UTC has not been decided")]


def _store(sight: Sight) -> list[Trouble]:
    found = [Trouble("unsaved", sight.now, "; ".join(sight.unsaved))] if sight.unsaved else []
    return [*found, Trouble("memory", sight.now, sight.memory)] if sight.memory else found


def _waited(sight: Sight, kind: Kind, since: int, touch_ms: int) -> int:
    waited = sight.now - since
    return waited if kind in sight.known else min(waited, touch_ms)


def _last(sight: Sight) -> str:
    """Say what is known of the workers that are silent."""
    last = max((beat for beat in sight.workers.values() if beat <= sight.now), default=None)
    return "" if last is None else f"; the last heartbeat of a worker came at {format_ms(last)} UTC"
