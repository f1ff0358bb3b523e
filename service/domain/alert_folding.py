"""Folding of alerts about missed occurrences, while a wrong clock makes thousands of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.domain.notices import Step

STEP_MS = 60_000
"""The largest step of the clock that is not recorded; an alert from further ahead came from a clock since set back."""
AFTER_STEP_MS = 600_000
"""How long alerts are folded after a step forward."""
FEW = 3
"""Alerts that are still sent one by one after each step."""
GATHER_MS = 60_000
"""How long folded alerts are counted before one alert reports them all."""

Fate = Literal["send", "fold", "drop"]


@dataclass(frozen=True, slots=True)
class Moment:
    """State of Redis' clock and of the folding; times are ms.

    Args:
        now_ms: its time.
        step: the newest recorded step.
        folded: alerts counted instead of sent.
        folded_at_ms: since when.
    """

    now_ms: int
    step: Step | None = None
    folded: int = 0
    folded_at_ms: int = 0


class Folding:
    """Decides whether to send or fold each alert, and remembers how many were sent one by one."""

    def __init__(self) -> None:
        self._step: int | None = None
        self._sent = 0

    def fate(self, said: Mapping[str, Any], moment: Moment) -> Fate:
        """Decide whether to send, fold or drop an alert about missed occurrences.

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
    """Return whether it is time to report the counted alerts together, or to drop them."""
    return moment.folded > 0 and abs(moment.now_ms - moment.folded_at_ms) >= GATHER_MS


def summary_is_void(moment: Moment) -> bool:
    """Return whether the clock was set back since, so that the missed occurrences are decided anew."""
    return moment.step is None or moment.step.by_ms < 0
