"""Instants of a backfill: those that a job's schedule names and its history lacks, or holds as failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.domain.records import JobRecord
from service.domain.schedules import Calendar, members_due, next_occurrence
from service.domain.schedules.closed.closed_days import next_open
from service.domain.schedules.run_members import stored_members

_OPEN = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant. `at`: epoch seconds. `members`: of a union, as a run keeps them (`stored_members`)."""

    at: int
    members: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a job's history that is for an occurrence.

    Args:
        first: the occurrence, epoch seconds.
        last: the last one of those that the entry counts together.
        status: the run's.
        trigger: the run's.
        started: whether the run has started.
        rehearsal: whether it is a rehearsal, which stands for nothing.
        members: as the run keeps them.
        wanted: whether somebody has skipped or rehearsed this one occurrence.
    """

    first: int
    last: int
    status: str
    trigger: str
    started: bool
    rehearsal: bool
    members: str | None = None
    wanted: bool = False


def named(record: JobRecord, calendar: Calendar | None, since: int, until: int) -> Iterator[Instant]:
    """Yield the instants that a job's present schedule names, and its calendar does not close, in order.

    Args:
        record: the job.
        calendar: the job's, if it has one.
        since: epoch seconds.
        until: epoch seconds, exclusive.

    Raises:
        ScheduleError, ValidationFailed: the schedule is not understood, or an instant is too far away.
    """
    schedule, options, anchor = record.definition.schedule, record.definition.options, record.plan.anchor
    at: int | None = since - 1
    while at is not None:
        if calendar is None:
            at = next_occurrence(schedule, options, at, anchor)
        else:
            found = next_open(schedule, options, at, anchor, calendar)
            at = None if found is None else found.at
        if at is None or at >= until:
            return
        members = members_due(schedule, options, at, anchor, calendar)
        yield Instant(at, stored_members(members) if members else None)


def decided_until(record: JobRecord, now_s: int) -> int:
    """Return up to when a job's occurrences are over, epoch seconds, exclusive: later ones are still to be decided."""
    upcoming = record.plan.next_occurrence
    return now_s + 1 if upcoming is None else min(now_s + 1, upcoming)


def known_since(record: JobRecord, entries: Sequence[Entry], is_trimmed: bool, calendar_changed: int | None) -> int:
    """Return from when on the present schedule and the history tell which instants had no run, epoch seconds.

    Args:
        record: the job.
        entries: its history, newest first.
        is_trimmed: whether older entries are gone.
        calendar_changed: when its calendar was last changed, epoch seconds; None without one.
    """
    bounds = [record.created_at // 1000, record.plan.anchor]
    if calendar_changed is not None:
        bounds.append(calendar_changed)
    if is_trimmed:
        scheduled = [entry.first for entry in entries if entry.trigger == "schedule"]
        bounds.append(min(scheduled, default=record.last_decided or record.plan.anchor))
    return max(bounds)


def missing(instants: Iterable[Instant], entries: Iterable[Entry]) -> Iterator[Instant]:
    """Leave out the instants that have a run: one that has started, or that has not ended. Rehearsals do not count.

    Those that somebody has skipped or rehearsed one by one are left out, too.
    """
    ran = {
        entry.first
        for entry in entries
        if entry.wanted or (not entry.rehearsal and (entry.started or entry.status in _OPEN))
    }
    return (instant for instant in instants if instant.at not in ran)


def failed(entries: Iterable[Entry], since: int, until: int) -> list[Instant]:
    """List the instants whose newest run has failed, in order.

    Args:
        entries: newest first.
        since: epoch seconds.
        until: epoch seconds, exclusive.
    """
    newest: dict[int, Entry] = {}
    for entry in entries:
        if since <= entry.first < until and entry.status != "skipped" and not entry.rehearsal:
            newest.setdefault(entry.first, entry)
    return [Instant(at, entry.members) for at, entry in sorted(newest.items()) if entry.status == "failed"]


def entry_of(fields: Mapping[str, str]) -> Entry | None:
    """Read an entry from a run's fields; None if it is for no occurrence, or damaged."""
    try:
        first = int(fields["scheduled_for"])
        return Entry(
            first, int(fields.get("last_scheduled_for", first)), fields["status"], fields.get("trigger", ""),
            "started_at" in fields, fields.get("rehearsal") == "1", fields.get("members"),
            "edit" in fields and (fields.get("reason") == "edited" or fields.get("rehearsal") == "1"),
        )  # fmt: skip
    except (KeyError, ValueError):
        return None
