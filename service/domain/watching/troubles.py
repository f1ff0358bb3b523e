"""Troubles of the installation: their kinds, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard, get_args

from service.domain.status import MEMORY_ADVICE
from service.domain.timestamps import format_ms

Kind = Literal[
    "no_scheduler", "undecided", "no_worker", "runs_wait", "unsaved", "memory", "alert_unsent", "alerts_dropped"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
SUBJECTS: Mapping[Kind, tuple[str, str]] = {
    "no_scheduler": ("No scheduler is up", "A scheduler is up again"),
    "undecided": ("Due jobs are not started", "Due jobs are started again"),
    "no_worker": ("No worker is up, and runs wait", "Runs are taken up again"),
    "runs_wait": ("Workers are idle while runs wait", "Workers take up runs again"),
    "unsaved": ("Redis does not save its data", "Redis saves its data again"),
    "memory": ("Redis is nearly full", "Redis has room again"),
    "alert_unsent": ("An address takes no alerts", "All addresses take alerts again"),
    "alerts_dropped": ("Alerts were dropped, because too many came at once", "No more alerts are dropped"),
}
"""Kind -> the subject of the alert when it begins, and when it is over."""
ADVICE: Mapping[Kind, str] = {
    "no_scheduler": "Start one (bot-scheduler scheduler), or restart the one that is stuck. Meanwhile no job starts, "
    "and nobody notices a missing ping or an unmet expectation; a job's catch_up says what becomes of the occurrences "
    "that it misses",
    "undecided": "See the scheduler's log. If it is not overloaded, restart it",
    "no_worker": "Start one (bot-scheduler worker), or restart those that are stuck. Runs wait meanwhile; none is lost",
    "runs_wait": "See the workers' logs, and whether RQ is suspended (rq resume). Restart the workers",
    "unsaved": "See Redis' log; most often its disk is full. What is written now may be lost if Redis dies",
    "memory": MEMORY_ADVICE,
    "alert_unsent": "Check that the setting is right in each web process and scheduler, and that its server is up. "
    "Alerts are tried again for a day",
    "alerts_dropped": "Nobody is told of these. The jobs' own histories have what happened: bot-scheduler jobs list",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong.

    Args:
        kind: of what kind.
        since_ms: since when, ms.
        detail: a sentence without a dot, with nothing that changes from look to look.
    """

    kind: Kind
    since_ms: int
    detail: str

    def shown(self) -> dict[str, Any]:
        """Return its entry in an answer that needs no key: the kind in words, and no name of a host or an address."""
        return {"kind": self.kind, "since": format_ms(self.since_ms), "detail": SUBJECTS[self.kind][0]}

    def sentence(self) -> str:
        """Say it, and what to do."""
        return f"{SUBJECTS[self.kind][0]}: {self.detail}. {ADVICE[self.kind]}."


def is_kind(text: str) -> TypeGuard[Kind]:
    """Return whether a text names a kind of trouble; a newer release may know others."""
    return text in KINDS
