"""Use case of following a run: its next log lines, its progress, and whether it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.access.limits import Limits
from service.store.runs.run_views import History
from service.store.scripts import Scripts
from service.usecases.access.sight import is_within

LINES_AT_A_TIME = 200
"""The most lines to read at once, so that a slow reader of a long log takes little memory."""


@dataclass(frozen=True, slots=True)
class News:
    """News of a run.

    Args:
        lines: the log's next lines, each with its number and its JSON.
        entry: the run as the API shows it.
        ended: whether the run has ended and no more lines follow.
        trimmed: whether the log is no longer kept.
        more: whether there may already be lines after these.
    """

    lines: Sequence[tuple[int, str]]
    entry: dict[str, Any]
    ended: bool
    trimmed: bool = False
    more: bool = False


class Following:
    """Reads the news of runs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._history = History(scripts)

    def is_within(self, job_id: str, limits: Limits) -> bool:
        """Tell whether a job exists for followers with these limits. Raises StoreUnavailable."""
        return is_within(self._scripts, job_id, limits)

    def news(self, run_id: str, after: int) -> News | None:
        """Read a run's news after line `after`. Returns None if the run is gone.

        Raises:
            StoreUnavailable: Redis is away.
        """
        entry, log = self._history.follow(run_id, after, LINES_AT_A_TIME)
        if entry is None:
            return None
        return News(log.lines, entry, entry["finished_at"] is not None and not log.more, log.trimmed, log.more)
