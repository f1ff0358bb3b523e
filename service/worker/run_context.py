"""What a bot is handed when it runs: the `service.bots.protocol.Context` of a real run."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep  # as they are now: a bot may put others in their place
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from service.bots.protocol import Ledger, Memory
from service.bots.support.secrets import Secrets
from service.domain.plain_json import plain_text

LOOK_AGAIN = 0.25
"""Seconds after which a run that waits looks again whether it was asked to stop."""
MOST_NEWS = 1000
"""Things that one run can tell people; what it tells beyond stands in its log alone."""
NEWS_LIMIT = 300
"""Characters of one of them that are kept."""


@dataclass(slots=True)
class StopFlag:
    """Whether a run was asked to stop, and whether its bot has looked since."""

    raised: bool = False
    noticed: bool = False


@dataclass(frozen=True, slots=True)
class RunTime:
    """How long a run may take; all in seconds of a clock that nobody sets.

    Args:
        started: when it was claimed, monotonic.
        limit: its `timeout_seconds`.
    """

    started: float = field(default_factory=monotonic)
    limit: float = float("inf")

    @property
    def elapsed(self) -> float:
        """Since its start."""
        return monotonic() - self.started

    @property
    def left(self) -> float:
        """Until its time is up; less than 0 afterwards."""
        return self.limit - self.elapsed


@dataclass(slots=True)
class News:
    """What a run has to tell people, each thing by a key under which it is told once. Kept until the run ends."""

    items: dict[str, str] = field(default_factory=dict)

    def add(self, text: str, key: str) -> bool:
        """Adds one thing; the first text of a key stands. Returns False if there is no room for it."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        if digest not in self.items and len(self.items) >= MOST_NEWS:
            return False
        self.items.setdefault(digest, text)
        return True


class Progress(Protocol):
    """Where it is noted how far a run is."""

    def progress(self, done: int, total: int) -> None: ...


@dataclass(slots=True)
class RunContext:
    """The context of one run.

    Args:
        stop, time, news: of this run.
        notes: takes its progress.
    """

    config: Any
    job_id: str
    run_id: str
    now: datetime
    timezone: ZoneInfo
    log: logging.Logger
    ledger: Ledger
    memory: Memory
    contacts: Any
    settings: Any
    secrets: Secrets
    stop: StopFlag
    time: RunTime
    news: News
    notes: Progress

    @property
    def origin_id(self) -> str:
        return self.ledger.first_run()

    @property
    def cancelled(self) -> bool:
        if self.stop.raised:
            self.stop.noticed = True
        return self.stop.raised

    @property
    def elapsed(self) -> float:
        return self.time.elapsed

    @property
    def time_left(self) -> float:
        return self.time.left

    def wait(self, seconds: float) -> bool:
        until = self.time.elapsed + seconds
        while not self.cancelled:
            left = until - self.time.elapsed
            if left <= 0:
                return True
            sleep(min(left, LOOK_AGAIN))
        return False

    def progress(self, done: int, total: int) -> None:
        self.notes.progress(done, total)

    def tell(self, text: str, *, once: str) -> None:
        line = " ".join(plain_text(self.secrets.redacted(text)).split())
        if not self.news.add(line if len(line) <= NEWS_LIMIT else f"{line[: NEWS_LIMIT - 1]}…", once):
            self.log.warning("Nobody is told of this, since the run has told of too much: %s", line)
