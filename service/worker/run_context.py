"""The `bot_scheduler.Context` of a real run, which its bot gets as an argument."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep  # as they are now: a bot may put others in their place
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot_scheduler import Ledger, Memory, Run
from service.bots.support.secrets import Secrets
from service.domain.plain_json import plain_text
from service.store.runs.stored_outcome import one_line
from service.worker.notes import RunLog

LOOK_AGAIN = 0.25
"""A waiting run looks this often, in seconds, whether it was asked to stop."""
MOST_NEWS = 1000
"""Things that one run can tell people; further ones stand in its log alone."""


@dataclass(slots=True)
class StopFlag:
    """A run's request to stop, and whether its bot has noticed it."""

    raised: bool = False
    noticed: bool = False


@dataclass(frozen=True, slots=True)
class RunTime:
    """The time that a run may take, in monotonic seconds.

    Args:
        started: when it was claimed, monotonic.
        limit: its `timeout_seconds`.
    """

    started: float = field(default_factory=monotonic)
    limit: float = float("inf")

    @property
    def elapsed(self) -> float:
        """Seconds since its start."""
        return monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until its time is up; less than 0 afterwards."""
        return self.limit - self.elapsed


@dataclass(slots=True)
class News:
    """News of a run for people, each with a key under which it is reported once. It is kept until the run ends."""

    items: dict[str, str] = field(default_factory=dict)

    def add(self, text: str, key: str) -> bool:
        """Add one thing; the first text of a key stands. Return False if there is no room for it."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        if digest not in self.items and len(self.items) >= MOST_NEWS:
            return False
        self.items.setdefault(digest, text)
        return True


class Progress(Protocol):
    """Takes note of how far a run is."""

    def progress(self, done: int, total: int) -> None:
        """Note that `done` of `total` are done."""


@dataclass(slots=True)
class RunContext:
    """The context of one run. `bot_scheduler.Context` describes what bots see of it.

    `stop`, `time` and `news` are the run's state; `notes` takes its progress, `run_log` makes its logger.
    """

    config: Any
    job_id: str
    run_id: str
    run: Run
    now: datetime
    timezone: ZoneInfo
    ledger: Ledger
    memory: Memory
    contacts: Any
    settings: Any
    secrets: Secrets
    stop: StopFlag
    time: RunTime
    news: News
    notes: Progress
    run_log: RunLog

    @property
    def log(self) -> logging.Logger:
        """A logger that writes to the run's log."""
        return self.run_log.logger

    @property
    def origin_id(self) -> str:
        """The id of the run that this one repeats, or its own."""
        return self.ledger.first_run()

    @property
    def cancelled(self) -> bool:
        """Whether the run is asked to stop."""
        if self.stop.raised:
            self.stop.noticed = True
        return self.stop.raised

    @property
    def elapsed(self) -> float:
        """Seconds since the run started."""
        return self.time.elapsed

    @property
    def time_left(self) -> float:
        """Seconds until the run's time is up."""
        return self.time.left

    def wait(self, seconds: float) -> bool:
        """Wait. Return False as soon as the run is asked to stop."""
        until = self.time.elapsed + seconds
        while not self.cancelled:
            left = until - self.time.elapsed
            if left <= 0:
                return True
            sleep(min(left, LOOK_AGAIN))
        return False

    def progress(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self.notes.progress(done, total)

    def tell(self, text: str, *, once: str) -> None:
        """Tell people something when the run ends, once for each key `once`.

        Raises:
            TypeError: the key is not a text.
        """
        if not isinstance(once, str):
            raise TypeError(f"once must be a str, not {type(once).__name__}")
        whole = plain_text(self.secrets.redacted(text))
        if not self.news.add(one_line(whole), once):
            self.log.warning("Not reported, because the run has reported too much: %s", " ".join(whole.split()))
