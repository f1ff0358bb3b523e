"""Planning epochs in Redis: read as `service.domain.fates` needs them, beside the history, as of one moment.

The scripts that change a job write them (`lua/shared/epochs.lua`). Installation-wide, `note_planning` keeps by which
rules instants are worked out, and since when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.fates.entries import FIELDS, OPEN, Entry, read_entry
from service.domain.fates.epochs import Epoch, first_revisions, with_relabelled
from service.domain.job import understood_schedule
from service.domain.options import Options
from service.domain.pauses.pause import Pause, covering, parse_stored
from service.domain.records import JobRecord, UnreadableJob, read_job, stored_options
from service.domain.schedules.definition import Schedule
from service.errors import ScheduleError, ValidationFailed
from service.store.jobs.stored_edits import edits_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields, pairs

INVALID = (ScheduleError, ValidationFailed, ValueError, KeyError, TypeError)
"""What reading raises where this release understands something no more, or outside hands have damaged it."""


@dataclass(frozen=True, slots=True)
class Books:
    """All that is known about a job's occurrences, as of one moment.

    Args:
        record: the job.
        epochs: newest first; the first one lasts.
        entries: of the history, those about occurrences, newest first.
        now_ms: that moment.
        may_be_trimmed: whether entries may have gone because there were more than are kept.
        epochs_at: since when epochs are kept, ms; 0: since the installation began.
        tzdata_at: when other rules of time zones came, ms; None: never.
        holidays_at: when other rules of holidays came, ms; None: never.
        lost_at: when the data last went back, ms; None: never.
        clock_epochs: how often decisions became void.
        pauses: those in force that are for the job, first the one that decides.
    """

    record: JobRecord
    epochs: Sequence[Epoch]
    entries: Sequence[Entry]
    now_ms: int
    may_be_trimmed: bool
    epochs_at: int
    tzdata_at: int | None
    holidays_at: int | None
    lost_at: int | None
    clock_epochs: int
    pauses: Sequence[Pause] = ()


def note_planning(scripts: Scripts) -> None:
    """Note by which rules this process works out instants, if the last one that acted had others."""
    scripts.run("note_planning", _version("tzdata"), _version("holidays"), scripts.limits.history)


@cache
def _version(package: str) -> str:
    return version(package)


def read_books(scripts: Scripts, job_id: str) -> Books | None:
    """Read all that is known about a job's occurrences; None if there is no such job.

    Raises:
        UnreadableJob: its hash is damaged.
    """
    answer = scripts.run("read_books", job_id)
    if answer is None:
        return None
    if isinstance(answer, int):
        raise UnreadableJob("it is no hash")
    now, hashed, former, listed, rules, lost_at, changed, paused = answer
    fields, now_ms = pairs(hashed), int(now)
    record = read_job(job_id, fields)
    record = replace(record, edits=edits_of(record.edits.stamp, changed))
    calendars = _Calendars(scripts)
    told = [found for one in former if isinstance(found := _parsed(one), dict)]
    calendars.look_up([record.plan.calendar, *(one.get("calendar") for one in told)])
    since = record.created_at // 1000 if record.plan.after is None else record.plan.after
    present = _epoch(record, since, calendars)
    former_ones = [epoch for one in told if (epoch := _former(one, calendars)) is not None]
    epochs = _with_relabelled(scripts, record, [present, *former_ones])
    entries, ended = _entries(scripts, [one.decode(errors="replace") for one in listed])
    epochs_at, tzdata_at, holidays_at, least = (None if one is None else int(one) for one in rules)
    kept = min(scripts.limits.history, least or scripts.limits.history)
    return Books(
        record, epochs, entries, now_ms, ended >= kept,
        now_ms if epochs_at is None else epochs_at, tzdata_at, holidays_at,
        None if lost_at is None else int(lost_at), int(fields.get(b"clock_epoch", 0)),
        _pauses(record, paused, now_ms),
    )  # fmt: skip


def _with_relabelled(scripts: Scripts, record: JobRecord, epochs: list[Epoch]) -> list[Epoch]:
    """Tell the epochs which revisions they had; a job whose every change began an epoch needs no look-up for that."""
    if all(epoch.revision <= first for epoch, first in zip(epochs, first_revisions(epochs), strict=True)):
        return epochs
    (former,) = ask(scripts, ("LRANGE", scripts.keys.revisions(record.id), 0, -1))
    made_at = {record.revision: record.updated_at}
    for text in [] if isinstance(former, Exception) else former:
        one = _parsed(text)
        if isinstance(one, dict) and isinstance(one.get("revision"), int) and isinstance(one.get("at"), int):
            made_at.setdefault(one["revision"], one["at"])
    return with_relabelled(epochs, made_at)


def _pauses(record: JobRecord, stored: Sequence[bytes], now_ms: int) -> list[Pause]:
    definition = record.definition
    found = [pause for text in stored if (pause := parse_stored(text)) is not None]
    return covering(found, now_ms, record.id, definition.labels, definition.bot_type)


def _entries(scripts: Scripts, run_ids: Sequence[str]) -> tuple[list[Entry], int]:
    """Read the entries about occurrences, and count those of all runs that have ended."""
    questions = hash_fields([scripts.keys.run(run_id) for run_id in run_ids], FIELDS)
    entries, ended = [], 0
    for run_id, values in zip(run_ids, ask_packed(scripts, questions) if questions else [], strict=True):
        if isinstance(values, Exception) or values[0] is None:
            continue
        ended += values[0].decode(errors="replace") not in OPEN
        entry = read_entry(run_id, values)
        if entry is not None:
            entries.append(entry)
    return entries, ended


def _parsed(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _epoch(record: JobRecord, since: int, calendars: _Calendars) -> Epoch:
    definition, plan = record.definition, record.plan
    return Epoch(
        since, record.revision, definition.enabled, plan.anchor,
        _schedule(definition.schedule_type, definition.schedule_config), definition.options,
        calendars.get(plan.calendar), calendars.lacks(plan.calendar),
    )  # fmt: skip


def _former(told: Mapping[str, Any], calendars: _Calendars) -> Epoch | None:
    try:
        named = told["calendar"]
        return Epoch(
            int(told["since"]), int(told["revision"]), bool(told["enabled"]), int(told["anchor"]),
            _schedule(told["schedule_type"], told["schedule_config"]), _options(told["options"]),
            calendars.get(named), calendars.lacks(named),
            None if told["decided"] is None else int(told["decided"]), int(told["until"]), told["by"], told["cause"],
        )  # fmt: skip
    except INVALID:
        return None


def _schedule(kind: str, config: object) -> Schedule | None:
    try:
        return understood_schedule(kind, config)
    except INVALID:
        return None


def _options(fields: object) -> Options:
    return stored_options(orjson.dumps(fields).decode())


class _Calendars:
    """Calendars as they were, by `name/stamp`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._known: dict[str, WorkCalendar] = {}

    def look_up(self, references: Sequence[str | None]) -> None:
        """Read the calendars of these names, as they are and were."""
        keys, names = self._scripts.keys, sorted({one.partition("/")[0] for one in references if one})
        questions = [
            question
            for name in names
            for question in (
                ("HGET", keys.calendar(name), "definition"), ("LRANGE", keys.former_calendars(name), 0, -1),
            )
        ]  # fmt: skip
        answers = ask(self._scripts, *questions) if questions else []
        for name, present, former in zip(names, answers[::2], answers[1::2], strict=True):
            texts = [] if isinstance(present, Exception) or present is None else [present]
            for text in texts:
                self._learn(name, text, None)
            for text in [] if isinstance(former, Exception) else former:
                self._learn(name, text, "definition")

    def _learn(self, name: str, text: bytes, part: str | None) -> None:
        try:
            found = orjson.loads(text)
            calendar = WorkCalendar(parse_calendar(found if part is None else found[part]))
            self._known.setdefault(f"{name}/{calendar.stamp}", calendar)
        except INVALID:
            pass

    def get(self, reference: str | None) -> WorkCalendar | None:
        """Return a calendar as it was; None if it is not kept."""
        return None if reference is None else self._known.get(reference)

    def lacks(self, reference: str | None) -> bool:
        """Tell whether a job had a calendar that is not kept any more."""
        return reference is not None and reference not in self._known
