"""Events of calendar feeds: coming occurrences, and past runs with their outcome.

An occurrence keeps its UID when it becomes a run, so that calendars replace the one by the other (RFC 5545, 3.8.4.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge, nsmallest
from itertools import islice, takewhile
from typing import Any, Literal

from service.domain.foresight.occurrence_changes import Course
from service.domain.timestamps import format_timestamp, parse_timestamp

JOBS = 5_000
"""The most jobs of a feed, those that are due soonest."""
OF_ONE_JOB = 200
"""The most coming occurrences of one job, so that a frequent one leaves room for others."""
COMING = 5_000
"""The most coming occurrences of a feed."""
_NOT_HELD = ("skipped", "cancelled")


@dataclass(frozen=True, slots=True)
class FeedJob:
    """A job of a feed.

    Args:
        id: the job's.
        name: the job's.
        course: its coming occurrences.
        changed_at: when its definition was changed last, epoch seconds.
        paused_until: what is due before is paused, epoch seconds; 0 if nothing is.
    """

    id: str
    name: str
    course: Course
    changed_at: int
    paused_until: int = 0


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event. Times are epoch seconds.

    Args:
        uid: the same for one occurrence at all times.
        summary: its title.
        description: its text; empty for none.
        status: whether it takes place.
        start: when it is due, or began.
        end: when it ended; None if that is unknown.
        changed_at: when this was last changed.
    """

    uid: str
    summary: str
    description: str
    status: Literal["CONFIRMED", "CANCELLED"]
    start: int
    end: int | None
    changed_at: int


@dataclass(frozen=True, slots=True)
class Coming:
    """Coming occurrences of jobs.

    Args:
        events: the soonest, in order.
        is_whole: whether they are all.
        crowded: the number of jobs of which only the first `OF_ONE_JOB` are among them.
    """

    events: list[FeedEvent]
    is_whole: bool
    crowded: int


def coming_events(jobs: Iterable[FeedJob], now: int, until: int) -> Coming:
    """Make events of coming occurrences, in bounded time and memory.

    Args:
        jobs: the jobs.
        now: epoch seconds; the events begin after this.
        until: epoch seconds, inclusive.
    """
    due = (job for job in jobs if job.course.soonest <= until)
    soonest = nsmallest(JOBS + 1, due, key=lambda job: (job.course.soonest, job.id))
    crowded: set[str] = set()

    def occurrences(job: FeedJob, place: int) -> Iterator[tuple[int, int, int]]:
        within = takewhile(lambda one: one[0] <= until, job.course.coming(now, until))
        for number, (at, occurrence) in enumerate(within):
            if number == OF_ONE_JOB:
                crowded.add(job.id)
                return
            yield at, place, occurrence

    merged = merge(*(occurrences(job, place) for place, job in enumerate(soonest[:JOBS])))
    found = list(islice(merged, COMING + 1))
    events = [_coming(soonest[place], at, occurrence) for at, place, occurrence in found[:COMING]]
    return Coming(events, len(found) <= COMING and len(soonest) <= JOBS, len(crowded))


def _coming(job: FeedJob, at: int, occurrence: int) -> FeedEvent:
    edit = job.course.edits.each.get(occurrence)
    changed_at = job.changed_at if edit is None else max(job.changed_at, edit.at // 1000)
    uid = _uid(job.id, occurrence)
    told = "" if at == occurrence else f"Moved from {format_timestamp(occurrence)} UTC."
    if at < job.paused_until:
        return FeedEvent(uid, f"{job.name}: paused", told, "CANCELLED", at, None, changed_at)
    return FeedEvent(uid, job.name, told, "CONFIRMED", at, None, changed_at)


def past_events(runs: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[FeedEvent]:
    """Make events of runs, as the API shows them; of several runs of one occurrence, of the first one given.

    Args:
        runs: newest first.
        names: job id -> the job's name; runs of other jobs are left out.
    """
    found: dict[str, FeedEvent] = {}
    for run in runs:
        if run["job_id"] in names and not run["rehearsal"]:
            event = _past(run, names[run["job_id"]])
            found.setdefault(event.uid, event)
    return list(found.values())


def _past(run: Mapping[str, Any], name: str) -> FeedEvent:
    times = {field: _seconds(run[field]) for field in ("scheduled_for", "started_at", "queued_at", "finished_at")}
    occurrence, finished = times["scheduled_for"], times["finished_at"]
    moved_to, asked_for = _seconds(run.get("moved_to")), _seconds(run.get("not_before"))
    start = moved_to or occurrence or times["started_at"] or asked_for or times["queued_at"] or 0
    uid = f"{run['id']}@bot-scheduler" if occurrence is None else _uid(run["job_id"], occurrence)
    return FeedEvent(
        uid, f"{name}: {run['status']}", " ".join(_told(run)),
        "CANCELLED" if run["status"] in _NOT_HELD and not _was_skipped_by_its_bot(run) else "CONFIRMED",
        start, finished if finished is not None and finished > start else None,
        finished or times["started_at"] or times["queued_at"] or start,
    )  # fmt: skip


def _told(run: Mapping[str, Any]) -> Iterator[str]:
    """Say what is known of a run. Its error and its result may be about persons, and stay out."""
    if _was_skipped_by_its_bot(run):
        yield f"Skipped: {run['reason']}."
    elif run["reason"]:
        yield f"Reason: {run['reason']}."
    if run["occurrences"] > 1:
        yield f"Stands for {run['occurrences']} occurrences."
    if run.get("moved_to"):
        yield f"Moved from {run['scheduled_for']} UTC."
    if run["started_at"]:
        yield f"Started at {run['started_at']} UTC."
    if run["finished_at"] and run["started_at"]:
        yield f"Ended at {run['finished_at']} UTC."
    if run["trigger"] != "schedule":
        yield f"Trigger: {run['trigger']}."


def _was_skipped_by_its_bot(run: Mapping[str, Any]) -> bool:
    return bool(run["status"] == "skipped" and run["started_at"])


def _uid(job_id: str, occurrence: int) -> str:
    return f"{job_id}-{occurrence}@bot-scheduler"


def _seconds(timestamp: str | None) -> int | None:
    return None if timestamp is None else parse_timestamp(timestamp, "")
