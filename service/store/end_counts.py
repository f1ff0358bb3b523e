"""Counts of ended runs that a worker sums up, and sends to Redis once a second with the end of a run.

The rules and names are those of `lua/shared/metrics.lua`, which counts all other ends. Nothing is counted twice: a
batch that was sent stays the same until an answer says that it was counted.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic  # as it is now: a bot may put another in its place

import orjson

from service.store.scripts import BUCKETS_MS

SEND_SECONDS = 1.0
"""The longest time for which an end waits for the next one to be counted."""

RQ_COUNTERS = {
    "success": "successful_job_count", "skipped": "successful_job_count", "failed": "failed_job_count",
}  # fmt: skip
"""RQ's counters in its record of a worker; it has none of cancelled jobs."""


@dataclass(slots=True)
class Batch:
    """Counts that go to Redis together.

    Args:
        text: JSON for `lua/steps/count_end.lua`; empty without counts.
        is_due: whether they are to be counted now, whatever comes next.
    """

    text: str
    is_due: bool


@dataclass(slots=True)
class EndCounts:
    """The ends that Redis has not counted yet.

    Args:
        clock: monotonic seconds.
    """

    clock: Callable[[], float] = monotonic
    _counters: Counter[str] = field(default_factory=Counter)
    _of_worker: Counter[str] = field(default_factory=Counter)
    _since: float | None = None
    _sent: Batch | None = None

    def batch(self) -> Batch:
        """Return what to send with the next end; the same as the last time, while that has no answer."""
        if self._sent is None:
            since = self._since
            counts = {"counters": self._counters, "worker": self._of_worker}
            text = orjson.dumps(counts).decode() if since is not None else ""
            self._sent = Batch(text, since is not None and self.clock() - since >= SEND_SECONDS)
        return self._sent

    def kept(self) -> None:
        """Note that Redis has not counted the batch."""
        self._sent = None

    def counted(self) -> None:
        """Note that Redis has counted the batch, or may have."""
        self._sent, self._since = None, None
        self._counters.clear()
        self._of_worker.clear()

    def add(self, run: Mapping[str, str], status: str, ended_at: int, label: str = "") -> None:
        """Count a run that has ended, and that Redis has not counted.

        Args:
            run: its fields.
            status: how it ended.
            ended_at: ms.
            label: the label of its job by which runs are counted apart, such as `team=crm`; empty for none.
        """
        if self._since is None:
            self._since = self.clock()
        bot, rehearsal = run.get("bot_type", ""), is_rehearsal(run)
        name = f"runs:{bot}:{status}:{'rehearsal' if rehearsal else run.get('trigger', '')}"
        self._counters[f"{name}:{label}" if label else name] += 1
        if not rehearsal:
            started = int(run["started_at"])
            self._observe("duration", bot, ended_at - started)
            if "due" in run:
                self._observe("lateness", bot, started - int(run["due"]))
        if status in RQ_COUNTERS:
            self._of_worker[RQ_COUNTERS[status]] += 1

    def _observe(self, histogram: str, bot: str, ms: int) -> None:
        ms = max(0, ms)  # a clock that was set back makes no negative times
        names = _names(histogram, bot)
        self._counters[names[bisect_left(BUCKETS_MS, ms)]] += 1
        self._counters[names[-1]] += ms


@lru_cache(1000)
def _names(histogram: str, bot: str) -> tuple[str, ...]:
    """Return the names of a histogram's counters: its buckets in order, then its sum."""
    return tuple(f"{histogram}:{bot}:{part}" for part in (*BUCKETS_MS, "inf", "sum"))


def is_rehearsal(run: Mapping[str, str]) -> bool:
    """Return whether a run is a rehearsal, as `lua/shared/runs.lua` does: also one that an older release recorded."""
    if run.get("rehearsal") == "1":
        return True
    if not (text := run.get("overlay")):
        return False
    try:
        overlay = json.loads(text)
    except ValueError:
        return False
    return isinstance(overlay, dict) and overlay.get("dry_run") is True
