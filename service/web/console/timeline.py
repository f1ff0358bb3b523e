"""Timeline of the last and the next 24 hours as SVG, with a lane for each job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.domain.timestamps import format_timestamp, parse_timestamp
from service.usecases.foresight.timelines import Comes
from service.web.console.formatting import plural

DAY = 86_400
CELL = 1_800
"""Seconds that one mark stands for: the runs of the same half hour share it."""
CLEAR = 900
"""Seconds without marks on both sides of now, to keep past and upcoming marks apart."""
LANES = 12
WIDTH, LEFT, TOP, LANE = 960, 190, 24, 26
"""In units of the drawing: its width, the room for names and for the scale, the height of a lane."""
Upcoming = Callable[[Sequence[str], int, int], Mapping[str, Sequence[Comes]]]
"""Ids of jobs, the last instant, and how far apart marks are (both s) -> the coming occurrences of each."""
WORST_FIRST = ("failed", "running", "queued", "cancelled", "skipped", "success")
NAME_LENGTH = 26
NO_PAUSES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Mark:
    """The past or upcoming runs of one half hour.

    `occurrence`: of upcoming ones, the first one's own time, a timestamp.
    """

    x: float
    status: str
    tooltip: str
    occurrence: str | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """One job's marks."""

    job_id: str
    name: str
    y: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing.

    Args:
        lanes: The jobs' lanes, from top to bottom.
        left_out: How many further jobs have marks but no lane.
        counts: Runs of the last day by status.
        ticks: The scale: x, text.
        now: Epoch seconds.
        now_x: The x of now.
        day_width: The width of a day.
        width: The drawing's width.
        height: The drawing's height.
    """

    lanes: tuple[Lane, ...]
    left_out: int
    counts: Mapping[str, int]
    ticks: tuple[tuple[float, str], ...]
    now: int
    now_x: float
    day_width: float
    width: int
    height: float


def timeline(
    now: int, jobs: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]], upcoming: Upcoming,
    paused: Mapping[str, int] = NO_PAUSES,
) -> Timeline:  # fmt: skip
    """Draw the timeline. Failing jobs are on top, then those that are due next.

    Args:
        now: Epoch seconds.
        jobs: Jobs with upcoming occurrences.
        runs: Runs of the last day, of any job.
        upcoming: Finds the upcoming occurrences of the jobs that have a lane.
        paused: Job id -> what is due before is paused, epoch seconds.
    """
    cells = _past(now, runs)
    known = {job["id"]: job for job in jobs}
    horizon = format_timestamp(now + DAY)
    soon = {job["id"]: job["next_run_at"] for job in jobs if job["next_run_at"] and job["next_run_at"] <= horizon}
    failed = {job_id for (job_id, _), counts in cells.items() if counts["failed"]}
    order = sorted(
        {job_id for job_id, _ in cells} | soon.keys(),
        key=lambda job_id: (job_id not in failed, soon.get(job_id, "9"), job_id),
    )
    coming = upcoming(order[:LANES], now + DAY, CELL)
    lanes = tuple(
        Lane(
            job_id,
            _short(known[job_id]["name"] if job_id in known else job_id[:8]),
            TOP + LANE * index + LANE / 2,
            (*_past_marks(now, job_id, cells), *_upcoming_marks(now, coming.get(job_id, ()), paused.get(job_id, 0))),
        )
        for index, job_id in enumerate(order[:LANES])
    )
    ticks = tuple((x_of(now, now + hours * 3600), _hours(hours)) for hours in range(-24, 25, 6))
    counts = Counter(run["status"] for run in runs)
    return Timeline(
        lanes, max(0, len(order) - LANES), counts, ticks, now, x_of(now, now), x_of(now, now + DAY) - x_of(now, now),
        WIDTH, TOP + LANE * max(1, len(lanes)) + 6,
    )  # fmt: skip


def x_of(now: int, at: int) -> float:
    """Return the x of an instant; both in epoch seconds."""
    inner = WIDTH - LEFT - 30
    return round(LEFT + 6 + inner * (min(max(at, now - DAY), now + DAY) - now + DAY) / (2 * DAY), 1)


def instant(run: Mapping[str, Any]) -> int:
    """Return when a run started, or would have started, in epoch seconds."""
    return parse_timestamp(run["started_at"] or run.get("not_before") or run["scheduled_for"] or run["queued_at"], "at")


Cells = Mapping[tuple[str, int], Counter[str]]


def _past(now: int, runs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Counter[str]]:
    cells: dict[tuple[str, int], Counter[str]] = {}
    for run in runs:
        at = instant(run)
        if at >= now - DAY:
            cells.setdefault((run["job_id"], at // CELL), Counter())[run["status"]] += run["occurrences"]
    return cells


def _past_marks(now: int, job_id: str, cells: Cells) -> Iterable[Mark]:
    for (owner, cell), counts in sorted(cells.items()):
        if owner == job_id:
            worst = next(status for status in WORST_FIRST if counts[status])
            counted = ", ".join(f"{counts[status]} {status}" for status in WORST_FIRST if counts[status])
            yield Mark(x_of(now, min(cell * CELL + CELL // 2, now - CLEAR)), worst, f"{_ago(now, cell)}: {counted}")


def _upcoming_marks(now: int, coming: Iterable[Comes], paused_until: int) -> Iterable[Mark]:
    for at, occurrence, is_moved in coming:
        is_paused = at < paused_until
        told = f"{'paused, ' if is_paused else ''}due in {_span(max(0, at - now))}{', moved' if is_moved else ''}"
        yield Mark(
            x_of(now, max(at, now + CLEAR)), "paused" if is_paused else "upcoming", told, format_timestamp(occurrence)
        )


def _ago(now: int, cell: int) -> str:
    return f"{_span(max(0, now - cell * CELL - CELL // 2))} ago"


def _span(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else plural(minutes, "minute")


def _hours(hours: int) -> str:
    return "now" if hours == 0 else f"{hours:+d} h".replace("-", "−")


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"
