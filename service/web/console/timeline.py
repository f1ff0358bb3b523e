"""Timeline of the last and the next 24 hours as SVG, with a lane for each job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from typing import Any
from urllib.parse import urlencode

from service.domain.heartbeats.terms import is_watched
from service.domain.pauses.pause import Pause, first_covering
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.usecases.foresight.timelines import Comes
from service.web.console.formatting import plural
from service.web.console.history.job_zone import JobZone
from service.web.console.history.repairs import WORDS, repairs
from service.web.console.pauses.paused_job import by_whom

DAY = 86_400
CELL = 1_800
"""Seconds that one mark stands for: the runs of the same half hour share it."""
CLEAR = 900
"""Seconds without marks on both sides of now, to keep past and upcoming marks apart."""
LANES = 12
TOLD = 5
"""Runs of one mark that are told one by one; the others are counted."""
LINKED = 2
"""Runs of one mark with a link: the worst ones."""
WIDTH, LEFT, TOP, LANE = 960, 300, 24, 26
"""In units of the drawing: its width, the room for names and for the scale, the height of a lane."""
Upcoming = Callable[[Sequence[str], int, int], Mapping[str, Sequence[Comes]]]
"""Ids of jobs, the last instant, and how far apart marks are (both s) -> the coming occurrences of each."""
Job = Mapping[str, Any]
"""A job as the API shows it."""
Read = Callable[[Sequence[str]], Mapping[str, Job]]
"""Ids of jobs -> the jobs, by their ids, as far as they exist."""
Paused = Callable[[Sequence[Job]], Mapping[str, Sequence[Pause]]]
"""Jobs -> by their ids, the pauses that cover them now, first the one that decides."""
Runs = Sequence[Mapping[str, Any]]
RunsOf = Callable[[Sequence[str]], Runs]
"""Ids of jobs -> their runs of the last day."""
WORST_FIRST = ("failed", "running", "queued", "cancelled", "skipped", "success")


@dataclass(frozen=True, slots=True)
class Mark:
    """The past or upcoming runs of one half hour.

    Args:
        x: where it stands.
        status: its shape.
        tooltip: how many runs it stands for, which ones, and what became of them.
        occurrence: of upcoming ones, the first one's own time, a timestamp; None of those that nobody can move.
        links: where to see more: words and addresses.
    """

    x: float
    status: str
    tooltip: str
    occurrence: str | None = None
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """One job's marks.

    Args:
        job_id: the job's.
        name: the job's.
        y: where it stands.
        marks: from left to right.
        past: what became of its runs in the last day, in words.
        next: what is due next, in words.
        zone: the job's time zone, its name.
    """

    job_id: str
    name: str
    y: float
    marks: tuple[Mark, ...]
    past: str
    next: str
    zone: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing.

    Args:
        lanes: The jobs' lanes, from top to bottom.
        left_out: How many further jobs have marks but no lane.
        counts: Status -> what the marks of the last day stand for.
        made_good: How many of the failed ones have a later run that succeeded in their place.
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
    made_good: int
    ticks: tuple[tuple[float, str], ...]
    now: int
    now_x: float
    day_width: float
    width: int
    height: float


def timeline(
    now: int, due: Mapping[str, int], runs: Runs, read: Read, upcoming: Upcoming, paused: Paused,
    failing: Collection[str] = (), runs_of: RunsOf | None = None,
) -> Timeline:  # fmt: skip
    """Draw the timeline. Failing jobs are on top, then those that are due next.

    Args:
        now: Epoch seconds.
        due: Id -> when the job is due next, ms: of all jobs that are due within the next day.
        runs: Runs of the last day, of any job, the newest first.
        read: Reads the jobs that have a lane.
        upcoming: Finds the upcoming occurrences of these.
        paused: Finds the pauses in force that cover these.
        failing: Jobs that have failed in the last day, beside those whose failures are among `runs`.
        runs_of: Reads the runs of the jobs that have a lane, if `runs` are only the newest.
    """
    past = _past(now, runs)
    failed = {run["job_id"] for run in runs if run["status"] == "failed" and instant(run) >= now - DAY}.union(failing)
    never = (now + 2 * DAY) * 1000
    lanes_of = past.keys() | due.keys() | failed
    drawn = nsmallest(LANES, lanes_of, key=lambda job_id: (job_id not in failed, due.get(job_id, never), job_id))
    if runs_of is not None:
        runs = runs_of(drawn)
        past = _past(now, runs)
    mended, known = repairs(runs), read(drawn)
    pauses = paused(list(known.values()))
    coming = upcoming(drawn, now + DAY, CELL)
    lanes = tuple(
        _Drawing(now, job_id, known.get(job_id)).lane(
            index, past.get(job_id, {}), mended, coming.get(job_id, ()), pauses.get(job_id, ()),
        )
        for index, job_id in enumerate(drawn)
    )  # fmt: skip
    ticks = tuple((x_of(now, now + hours * 3600), _hours(hours)) for hours in range(-24, 25, 6))
    shown = [run for job_id in drawn for its in past.get(job_id, {}).values() for run in its]
    made_good = sum(run["occurrences"] for run in shown if _is_made_good(run, mended))
    return Timeline(
        lanes, max(0, len(lanes_of) - LANES), _counted(shown), made_good, ticks, now, x_of(now, now),
        x_of(now, now + DAY) - x_of(now, now), WIDTH, TOP + LANE * max(1, len(lanes)) + 6,
    )  # fmt: skip


def x_of(now: int, at: int) -> float:
    """Return the x of an instant; both in epoch seconds."""
    inner = WIDTH - LEFT - 30
    return round(LEFT + 6 + inner * (min(max(at, now - DAY), now + DAY) - now + DAY) / (2 * DAY), 1)


def instant(run: Mapping[str, Any]) -> int:
    """Return when a run started, or would have started, in epoch seconds."""
    return _seconds(run["started_at"] or run.get("not_before") or run["scheduled_for"] or run["queued_at"])


@lru_cache(4096)
def _seconds(timestamp: str) -> int:
    """Read a timestamp, and remember it: an open overview asks for the same runs again and again."""
    return parse_timestamp(timestamp, "at")


Repairs = Mapping[str, Mapping[str, Any]]


class _Drawing:
    """What is drawn of one job.

    Args:
        now: epoch seconds.
        job_id: its id.
        job: as the API shows it; None if it is gone.
    """

    def __init__(self, now: int, job_id: str, job: Mapping[str, Any] | None) -> None:
        self._now, self._job_id, self._job = now, job_id, job
        self._zone = JobZone(job or {"schedule_type": None, "schedule_config": None})
        self._address = f"/jobs/{job_id}"

    def lane(
        self, index: int, cells: Mapping[int, Runs], mended: Repairs, coming: Iterable[Comes], pauses: Sequence[Pause]
    ) -> Lane:
        name = self._job["name"] if self._job is not None else self._job_id[:8]
        past = [self._past(cell, its, mended) for cell, its in sorted(cells.items())]
        upcoming = [self._upcoming(one, pauses) for one in coming]
        return Lane(
            self._job_id, name, TOP + LANE * index + LANE / 2, (*past, *upcoming),
            _in_words(_counted([run for its in cells.values() for run in its])),
            upcoming[0].tooltip if upcoming else "", self._zone.name,
        )  # fmt: skip

    def _past(self, cell: int, its: Runs, mended: Repairs) -> Mark:
        counts = _counted(its)
        worst = next(status for status in WORST_FIRST if counts[status])
        if worst == "failed" and all(_is_made_good(run, mended) for run in its if run["status"] == "failed"):
            worst = "mended"
        ordered = sorted(its, key=lambda run: (WORST_FIRST.index(run["status"]), instant(run)))
        told = [self._told(run, mended) for run in ordered[:TOLD]]
        if len(ordered) > TOLD:
            told.append(f"and {plural(len(ordered) - TOLD, 'more run')}")
        x = x_of(self._now, min(cell * CELL + CELL // 2, self._now - CLEAR))
        tooltip = f"{_ago(self._now, cell)}: {_in_words(counts)}. {'; '.join(told)} ({self._zone.name})"
        return Mark(x, worst, tooltip, None, self._seen(cell, ordered, mended))

    def _told(self, run: Mapping[str, Any], mended: Repairs) -> str:
        last = run.get("last_scheduled_for")
        until = f" to {self._zone.clock(parse_timestamp(last, 'at'))}" if last else ""
        many = f", {run['occurrences']} occurrences" if run["occurrences"] > 1 else ""
        repair = mended.get(run["id"])
        again = "" if repair is None else f", {WORDS[repair['status']]} at {self._zone.clock(instant(repair))}"
        return f"{self._zone.clock(instant(run))}{until} {run['status']}{many}{again}"

    def _seen(self, cell: int, ordered: Runs, mended: Repairs) -> tuple[tuple[str, str], ...]:
        links = []
        for run in ordered[:LINKED]:
            when = self._zone.clock(instant(run))
            links.append((f"The run of {when}, {run['status']}", f"{self._address}/runs/{run['id']}"))
            if (repair := mended.get(run["id"])) is not None:
                links.append((f"The run of {when}, {WORDS[repair['status']]}", f"{self._address}/runs/{repair['id']}"))
        if self._job is not None and not is_watched(self._job["bot_type"]):
            span = {"since": f"{format_timestamp(cell * CELL)}Z", "until": f"{format_timestamp((cell + 1) * CELL)}Z"}
            links.append(("Occurrences of this half hour", f"{self._address}/occurrences?{urlencode(span)}"))
        return tuple(links)

    def _upcoming(self, one: Comes, pauses: Sequence[Pause]) -> Mark:
        pause = first_covering(pauses, one.at * 1000)
        own, x = format_timestamp(one.occurrence), x_of(self._now, max(one.at, self._now + CLEAR))
        told = f"due in {_span(max(0, one.at - self._now))}, at {self._zone.clock(one.at)} ({self._zone.name})"
        told += ", moved" if one.is_moved else ""
        if one.number is None:
            told += "; more follow in this half hour"
        elif one.number > 1:
            told += f"; {one.number} in this half hour, the last at {self._zone.clock(one.last or one.at)}"
        links = [("Coming occurrences", f"{self._address}#next")]
        if self._job is not None and not is_watched(self._job["bot_type"]):
            links.append(("Why?", f"{self._address}/occurrences?at={own}Z#why"))
        if pause is None:
            return Mark(x, "upcoming", told, own, tuple(links))
        by = f", by {name}" if (name := by_whom(pause)) else ""
        links.append(("Pauses", "/pauses"))
        return Mark(x, "paused", f"paused: {pause.reason}{by}. It would be {told}", None, tuple(links))


def _past(now: int, runs: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, list[Mapping[str, Any]]]]:
    """Find the runs of the last day by job, and by half hour."""
    jobs: dict[str, dict[int, list[Mapping[str, Any]]]] = {}
    for run in runs:
        at = instant(run)
        if at >= now - DAY:
            jobs.setdefault(run["job_id"], {}).setdefault(at // CELL, []).append(run)
    return jobs


def _counted(runs: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count occurrences by status: a folded entry stands for several."""
    counts = Counter[str]()
    for run in runs:
        counts[run["status"]] += run["occurrences"]
    return counts


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[status]} {status}" for status in WORST_FIRST if counts.get(status))


def _is_made_good(run: Mapping[str, Any], mended: Repairs) -> bool:
    return run["status"] == "failed" and mended.get(run["id"], {}).get("status") == "success"


def _ago(now: int, cell: int) -> str:
    return f"{_span(max(0, now - cell * CELL - CELL // 2))} ago"


def _span(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else plural(minutes, "minute")


def _hours(hours: int) -> str:
    return "now" if hours == 0 else f"{hours:+d} h".replace("-", "−")
