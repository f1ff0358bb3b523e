"""Pause of one job, in the words of its pages: why, by whom, until when, and what becomes of what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.pauses.pause import Pause
from service.domain.timestamps import format_ms


@dataclass(frozen=True, slots=True)
class PausedJob:
    """What keeps a job back.

    Args:
        reason: of the pause that decides.
        on_resume: of that pause.
        by: who made it; None for the service.
        until: a timestamp; None if somebody has to end one of the job's pauses.
    """

    reason: str
    on_resume: str
    by: str | None
    until: str | None

    def covers(self, timestamp: str) -> bool:
        """Tell whether what is due then is kept back."""
        return self.until is None or timestamp < self.until


def paused_job(pauses: Sequence[Pause]) -> PausedJob | None:
    """Describe the pauses that cover a job now, first the one that decides; None without any."""
    if not pauses:
        return None
    ends = [one.until for one in pauses if one.until is not None]
    until = format_ms(max(ends)) if len(ends) == len(pauses) else None
    first = pauses[0]
    return PausedJob(first.reason, first.on_resume, by_whom(first), until)


def by_whom(pause: Pause) -> str | None:
    """Name who made a pause; None for the service."""
    by = pause.by or {}
    return "the root key" if by.get("actor") == "root" else by.get("name")
