"""Repairs of failed runs: the later runs that do the same again, by a retry, by a person, or in a backfill."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

Run = Mapping[str, Any]
STANDING = ("success", "failed", "running", "queued")
"""What a run is that stands for its occurrence: a skip or a cancelled run repairs nothing."""
WORDS = {"success": "made good", "failed": "failed again", "running": "being run again", "queued": "to be run again"}
"""Status of the repair -> what it means for the run that failed."""


def repairs(runs: Iterable[Run]) -> dict[str, Run]:
    """Find the repairs of the failed ones among some runs, as far as they are among them, too.

    Args:
        runs: as the API shows them, the newest first.

    Returns:
        Id of a failed run -> the newest later run that succeeded in its place; the newest one at all, if none has.
    """
    found: dict[str, Run] = {}
    later: dict[Hashable, Run] = {}
    for run in runs:
        if run.get("rehearsal") or run["status"] not in STANDING:
            continue
        occurrence = (run["job_id"], run["scheduled_for"]) if run["scheduled_for"] else None
        repair = _better(later.get(run["id"]), later.get(occurrence))
        if repair is not None and run["status"] == "failed":
            found[run["id"]] = repair
        best = _better(repair, run)
        for place in (run.get("again_of"), run.get("retry_of"), occurrence):
            if place is not None and best is not None:
                later[place] = _better(later.get(place), best) or best
    return found


def _better(one: Run | None, other: Run | None) -> Run | None:
    """Choose the one that succeeded; otherwise the first, which is the newer one."""
    if one is None or other is None:
        return one or other
    return other if other["status"] == "success" and one["status"] != "success" else one
