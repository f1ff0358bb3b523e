"""Following a run: what its log says after a line, how far it is, and whether it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.store.runs.run_views import History
from service.store.scripts import Scripts

LINES_AT_A_TIME = 200
"""Lines read at once, so that a slow reader of a long log holds little in memory."""


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell of a run.

    Args:
        lines: the log's next lines, the number and the JSON of each.
        entry: the run as the API shows it.
        ended: whether it has ended and no line is left beyond these.
        trimmed: whether the run's log is not kept any more.
    """

    lines: Sequence[tuple[int, str]]
    entry: dict[str, Any]
    ended: bool
    trimmed: bool = False


class Following:
    """Reads on in runs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._history = History(scripts)

    def news(self, run_id: str, after: int) -> News | None:
        """What there is after line `after`; None if the run is gone.

        Raises:
            StoreUnavailable: Redis is away.
        """
        entry, log = self._history.follow(run_id, after, LINES_AT_A_TIME)
        if entry is None:
            return None
        return News(log.lines, entry, entry["finished_at"] is not None and not log.more, log.trimmed)
