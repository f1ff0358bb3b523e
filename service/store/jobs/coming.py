"""Reader of enabled jobs with all that their coming occurrences follow from, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from service.domain.access.labels import JobChoice, Labels
from service.domain.edits.edit import NO_EDITS
from service.domain.foresight.occurrence_changes import Course
from service.domain.job import understood_schedule
from service.domain.options import Options
from service.domain.records import UnreadableJob, stored_options
from service.domain.schedules import Calendar
from service.domain.schedules.definition import Schedule
from service.errors import ScheduleError, ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.jobs.job_hashes import AT_ONCE, JobStore
from service.store.jobs.job_marks import marks_of
from service.store.jobs.stored_edits import edits_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields

_FIELDS = (
    "bot_type", "labels", "enabled", "state", "name", "schedule_type", "schedule_config", "options", "anchor",
    "next_occurrence", "updated_at", "created_at", "edits",
)  # fmt: skip


class ComingJob(NamedTuple):
    """An enabled job that is due some time.

    Args:
        id: the job's.
        name: the job's.
        bot_type: the job's.
        labels: the job's.
        course: its coming occurrences.
        changed_at: when its definition was changed last, epoch seconds.
    """

    id: str
    name: str
    bot_type: str
    labels: Labels
    course: Course
    changed_at: int


def coming_jobs(scripts: Scripts, choice: JobChoice) -> Iterator[ComingJob]:
    """Read the jobs that a choice takes, in the order of their creation and in bounded memory.

    Jobs that are disabled, ended, broken or damaged are left out.

    Args:
        scripts: the scripts of this installation.
        choice: among all jobs.
    """
    store, calendars, position = JobStore(scripts), _Calendars(CalendarStore(scripts)), None
    while places := store.ids_after(position, AT_ONCE):
        yield from _read(scripts, choice, [place.job_id for place in places], calendars)
        position = places[-1]


def coming_of(scripts: Scripts, choice: JobChoice, job_ids: Sequence[str]) -> Iterator[ComingJob]:
    """Read some jobs as `coming_jobs` does; those that the choice does not take are left out.

    Args:
        scripts: the scripts of this installation.
        choice: among all jobs.
        job_ids: the jobs.
    """
    if job_ids:
        yield from _read(scripts, choice, job_ids, _Calendars(CalendarStore(scripts)))


def _read(scripts: Scripts, choice: JobChoice, job_ids: Sequence[str], calendars: _Calendars) -> Iterator[ComingJob]:
    keys = [scripts.keys.job(job_id) for job_id in job_ids]
    rows = list(zip(job_ids, ask_packed(scripts, hash_fields(keys, _FIELDS)), strict=True))
    edited = [job_id for job_id, values in rows if isinstance(values, list) and values[-1] is not None]
    answers = ask(scripts, *(("HGETALL", scripts.keys.edits(job_id)) for job_id in edited)) if edited else []
    edits = dict(zip(edited, answers, strict=True))
    for job_id, values in rows:
        try:
            job = _job(job_id, values, choice, calendars, edits.get(job_id))
        except (ArithmeticError, LookupError, TypeError, ValueError, ScheduleError, UnreadableJob, ValidationFailed):
            continue
        if job is not None:
            yield job


def _job(job_id: str, values: Any, choice: JobChoice, calendars: _Calendars, stored: Any) -> ComingJob | None:
    (bot, labels, enabled, state, name, kind, config, options, anchor, first, updated, created, stamp) = values
    marks = marks_of(bot, labels)
    if marks is None or not choice.takes(*marks) or enabled != b"1" or state not in (None, b"scheduled"):
        return None
    edits = NO_EDITS if stamp is None else edits_of(stamp.decode(), stored)
    if not first and not edits.pending:
        return None
    schedule, parsed = _understood(kind, config, options)
    course = Course(schedule, parsed, int(anchor), int(first) if first else None, calendars.of(parsed), edits)
    changed_at = int(updated or created) // 1000
    return ComingJob(job_id, name.decode(errors="replace"), marks[1], marks[0], course, changed_at)


class _Calendars:
    """The calendars of one reading, each of which is asked for once."""

    def __init__(self, store: CalendarStore) -> None:
        self._store = store
        self._known: dict[str, Calendar | None] = {}

    def of(self, options: Options) -> Calendar | None:
        """Return the calendar that a job's options name; None if they name none, or one that is gone."""
        name = options.calendar
        if name is None:
            return None
        if name not in self._known:
            self._known[name] = self._store.at_work(name)
        return self._known[name]


@lru_cache(maxsize=8192)
def _understood(kind: bytes, config: bytes, options: bytes) -> tuple[Schedule, Options]:
    """Parse a stored schedule and its options, and keep them: many jobs share them."""
    return understood_schedule(kind.decode(), orjson.loads(config)), stored_options(options.decode())


def names_of(scripts: Scripts, job_ids: Iterable[str]) -> dict[str, str]:
    """Read the names of jobs: id -> name, without jobs that are gone."""
    ids = sorted(job_ids)
    questions = hash_fields([scripts.keys.job(job_id) for job_id in ids], ("name",))
    answers = ask_packed(scripts, questions) if questions else []
    return {
        job_id: values[0].decode(errors="replace")
        for job_id, values in zip(ids, answers, strict=True)
        if isinstance(values, list) and values[0] is not None
    }
