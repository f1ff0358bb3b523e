"""Audit of a job's history: which occurrences it forgets, and which it tells twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def audit(runs: list[dict[str, Any]]) -> list[str]:
    """The occurrences that a history accounts for more than once, folded ones included by their ends."""
    seen: list[str] = []
    for run in runs:
        if run["scheduled_for"] and run["trigger"] == "schedule":
            seen.append(run["scheduled_for"])
    return sorted(occurrence for occurrence in set(seen) if seen.count(occurrence) > 1)


def epoch_seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp + "+00:00").timestamp()


def unaccounted(runs: list[dict[str, object]], step: int, first: int | None = None) -> list[int]:
    """The occurrences of an interval that a history forgets, from `first` (or the first it has) to its last."""
    decided = set()
    for run in runs:
        earliest = int(epoch_seconds(str(run["scheduled_for"])))
        last = int(epoch_seconds(str(run.get("last_scheduled_for") or run["scheduled_for"])))
        assert (last - earliest) // step + 1 == run["occurrences"], run
        for occurrence in range(earliest, last + 1, step):
            assert occurrence not in decided, f"decided twice: {run}"
            decided.add(occurrence)
    return [o for o in range(min(decided) if first is None else first, max(decided) + 1, step) if o not in decided]
