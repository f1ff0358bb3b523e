"""Which alerts of missed occurrences are sent while a wrong clock makes thousands of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.domain.notices import Step

STEP_MS = 60_000
"""A step of the clock beyond this is recorded; an alert from further ahead was made by a clock that is set back."""
AFTER_STEP_MS = 600_000
"""For how long after a step forward alerts are folded."""
FEW = 3
"""Alerts that are sent singly all the same, after each step."""
GATHER_MS = 60_000
"""For how long they are counted before they are told of together."""

Fate = Literal["send", "fold", "drop"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What Redis' clock shows, and what it has done; times are ms.

    Args:
        now_ms: its time.
        step: the newest step that was recorded.
        folded: alerts that were counted in place of being sent.
        folded_at_ms: since when.
    """

    now_ms: int
    step: Step | None = None
    folded: int = 0
    folded_at_ms: int = 0


class Folding:
    """Remembers how many were sent singly."""

    def __init__(self) -> None:
        self._step: int | None = None
        self._sent = 0

    def fate(self, said: Mapping[str, Any], moment: Moment) -> Fate:
        """What becomes of an alert of missed occurrences.

        Raises:
            LookupError, ValueError, TypeError: `said` holds no such facts.
        """
        latest = max(int(said["at"]), int(said["occurrence"]) * 1000)
        if latest > moment.now_ms + STEP_MS:
            return "drop"
        step = moment.step
        if step is None or step.by_ms <= STEP_MS or not 0 <= moment.now_ms - step.landed_ms < AFTER_STEP_MS:
            return "send"
        if step.landed_ms != self._step:
            self._step, self._sent = step.landed_ms, 0
        self._sent += 1
        return "send" if self._sent <= FEW else "fold"


def summary_is_due(moment: Moment) -> bool:
    """Whether it is time for what was counted to be told together, or dropped."""
    return moment.folded > 0 and abs(moment.now_ms - moment.folded_at_ms) >= GATHER_MS


def summary_is_void(moment: Moment) -> bool:
    """Whether the clock was set back since: what was missed by the wrong clock is decided anew."""
    return moment.step is None or moment.step.by_ms < 0
