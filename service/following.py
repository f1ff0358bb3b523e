"""Following a run: what its log says after a line, how far it is, and whether it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.store.history import History
from service.store.scripts import Scripts

LINES_AT_A_TIME = 200
"""Lines read at once, so that a slow reader of a long log holds little in memory."""


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell of a run.

    Args:
        lines: the log's next lines, each as JSON.
        entry: the run as the API shows it.
        ended: whether it has ended and no line is left beyond these.
    """

    lines: Sequence[str]
    entry: dict[str, Any]
    ended: bool


class Following:
    """Reads on in runs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._history = History(scripts)

    def news(self, run_id: str, after: int) -> News | None:
        """What there is after the first `after` lines; None if the run is gone.

        Raises:
            StoreUnavailable: Redis is away.
        """
        entry, lines = self._history.follow(run_id, after, LINES_AT_A_TIME)
        if entry is None:
            return None
        return News(lines, entry, entry["finished_at"] is not None and len(lines) < LINES_AT_A_TIME)
