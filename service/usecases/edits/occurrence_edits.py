"""Use cases of single occurrences: skip one, move it, run it with other settings, and take that back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel

from service.clock import Clock
from service.domain import schedules
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.edit import MOST, Edit, Edits
from service.domain.edits.edited_plans import closed_by, is_occurrence, kept_edits, plan_anew
from service.domain.edits.requests import Wish, no_occurrence, parse_wish
from service.domain.heartbeats.terms import is_watched
from service.domain.job_fields import validate_bot_config
from service.domain.planning import plan_by_calendar, reference, takes_long
from service.domain.records import JobRecord, Plan
from service.domain.schedules.schema_versions import EDITS
from service.domain.timestamps import format_ms, format_timestamp, parse_timestamp
from service.errors import Conflict, NotFound, ValidationFailed
from service.interleaving import leave_loop_if
from service.store.audit.entries import Entry, entry_of, recorded, requested_by
from service.store.calendars.calendar_store import CalendarStore
from service.store.calendars.replanning import replan
from service.store.jobs.job_hashes import JobStore
from service.store.older_schedulers import require_schedulers
from service.store.scripts import Scripts
from service.usecases.access.side_doors import require_bound_run, require_overlay
from service.usecases.ids import keeps_changing, stored_at

CHANGE_TRIES = 20
"""How often a change is tried again when others change the same job in between."""
_ACTIONS = {"skip": "occurrence.skip", "move": "occurrence.move", "set": "occurrence.set"}


@dataclass(frozen=True, slots=True)
class _Place:
    """An occurrence of a job as it is stored.

    `plan`: the job's; another one than it has if its calendar has just changed. `edits`: those that it leaves.
    `now_ms`: the time.
    """

    record: JobRecord
    plan: Plan
    edits: Edits
    calendar: WorkCalendar | None
    instant: int
    now_ms: int

    @property
    def edit(self) -> Edit | None:
        return self.edits.each.get(self.instant)

    @property
    def is_passed(self) -> bool:
        """Whether the job's own plan has passed it."""
        return self.instant <= (self.record.last_decided or 0)

    def require_to_come(self) -> None:
        """Refuse an instant that is no occurrence to come."""
        plan, definition, edit = self.plan, self.record.definition, self.edit
        if is_watched(definition.bot_type):
            raise Conflict(f"Job {self.record.id} is a heartbeat job: others do its work; pause it instead")
        if not definition.enabled or plan.state != "scheduled":
            state = plan.state if definition.enabled else "disabled"
            raise Conflict(f"Job {self.record.id} is {state}; it has no occurrence to come")
        if edit is not None and edit.decided is None:
            return
        schedule, options, first = definition.schedule, definition.options, plan.next_occurrence
        comes = first is not None and edit is None and self.instant >= first
        if not comes or not is_occurrence(schedule, options, self.instant, plan.anchor, self.calendar):
            over = edit is not None
            raise no_occurrence(schedule, options, self.instant, first, plan.anchor, self.calendar, is_decided=over)


class OccurrenceEdits:
    """The use cases of single occurrences.

    Args:
        scripts: the installation's, see `service.store.rq_records.make_scripts`.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, clock: Clock, configs: Mapping[str, type[BaseModel]]) -> None:
        self._scripts = scripts
        self._jobs = JobStore(scripts)
        self._calendars = CalendarStore(scripts)
        self._clock = clock
        self._configs = configs

    def change(self, job_id: str, instant: str, body: object, revisions: Collection[int] = ()) -> dict[str, Any]:
        """Skip, move or set one occurrence that is to come; another change of it before this is replaced.

        Args:
            job_id: the job's id.
            instant: the occurrence's own time, a timestamp.
            body: `{"skip": true}`, `{"move_to": time}` or `{"bot_config": {…}}`, and perhaps a `reason`.
            revisions: the revisions that the job may have (`If-Match`); if empty, any.

        Returns:
            The occurrence, as the API shows it.

        Raises:
            NotFound: there is no such job.
            ValidationFailed: the instant is no occurrence to come, or the body is invalid.
            Forbidden: the settings are more than a rehearsal, and the caller may not change jobs.
            Conflict: the job has no occurrence to come, or as many as allowed are changed already.
            PreconditionFailed: the job is at another revision.
            ConcurrentChange: others change the job all the time.
            StoreUnavailable: a scheduler of an older release is up, which knows no changes; or Redis is away.
        """
        require_schedulers(self._scripts, EDITS, "changed occurrences")
        for _ in range(CHANGE_TRIES):
            place = self._place(job_id, instant, revisions)
            place.require_to_come()
            edit = self._edit(place, body)
            edits = place.edits.with_one(edit)
            if len(edits.each) > MOST:
                raise Conflict(f"Job {job_id} has {MOST} changed occurrences, the most; take some back first")
            if self._write(place, edits, _entry(_ACTIONS[edit.action], place, edit)):
                return _shown(place, edit)
        raise keeps_changing(job_id)

    def take_back(self, job_id: str, instant: str, revisions: Collection[int] = ()) -> None:
        """Let an occurrence be as its job's schedule has it again.

        Args:
            job_id: the job's id.
            instant: the occurrence's own time, a timestamp.
            revisions: as in `change`.

        Raises:
            NotFound: there is no such job, or no such change that is not carried out.
            Conflict: the occurrence's own time is over.
            ServiceError: as `change` does.
        """
        for _ in range(CHANGE_TRIES):
            place = self._place(job_id, instant, revisions)
            edit = place.edit
            if edit is None or edit.decided is not None:
                raise NotFound(f"Occurrence {format_timestamp(place.instant)} of job {job_id} is not changed")
            if place.is_passed:
                raise Conflict(
                    f"{format_timestamp(place.instant)} is over; its run is due at {format_ms(edit.due)} UTC: "
                    "move it, or skip it"
                )
            edits = place.edits.without(place.instant)
            if self._write(place, edits, _entry("occurrence.restore", place, None)):
                return
        raise keeps_changing(job_id)

    def _place(self, job_id: str, instant: str, revisions: Collection[int]) -> _Place:
        record = stored_at(self._jobs, job_id, revisions)
        leave_loop_if(takes_long(record.definition))
        calendar, now_ms = self._calendars.of(record.definition.options), self._clock.now_ms()
        plan, edits = record.plan, record.edits
        if plan.calendar != reference(calendar):
            plan = plan_by_calendar(record, now_ms, calendar)
            edits = kept_edits(
                job_id, record.definition, plan.anchor, edits, now_ms, record.last_decided, calendar
            )  # fmt: skip
        return _Place(record, plan, edits, calendar, parse_timestamp(instant, "instant"), now_ms)

    def _edit(self, place: _Place, body: object) -> Edit:
        record, now_ms, instant = place.record, place.now_ms, place.instant
        definition = record.definition
        wish = parse_wish(body, definition.schedule.timezone, now_ms // 1000)
        bound = self._checked(record, wish)
        due = schedules.due_ms(record.id, instant, definition.options)
        if wish.moved_to is not None:
            due = wish.moved_to * 1000
        if wish.action == "set" and place.is_passed:
            raise ValidationFailed.of(
                "bot_config", "cannot be given: the occurrence's own time is over; move or skip it"
            )
        who = requested_by()
        edit = Edit(
            instant, wish.action, due, wish.moved_to, wish.bot_config, bound, wish.reason,
            orjson.loads(who) if who else None, now_ms,
        )  # fmt: skip
        closed = closed_by(edit, definition.schedule, definition.options, place.calendar)
        if wish.action == "set" and closed is not None:
            raise ValidationFailed.of(
                "instant", f"is closed ({closed}), so it does not run; move it to a time at which it is to run"
            )
        return edit

    def _checked(self, record: JobRecord, wish: Wish) -> bool:
        """Check the settings of a wish. Return whether its run may only use secrets that are bound to hosts."""
        if wish.bot_config is None:
            return False
        definition, overlay = record.definition, dict(wish.bot_config)
        require_overlay(overlay)
        bound = require_bound_run(definition.bot_config, overlay)
        validate_bot_config(definition.bot_type, {**definition.bot_config, **overlay}, self._configs)
        return bound

    def _write(self, place: _Place, edits: Edits, entry: Entry) -> bool:
        record = place.record
        plan = plan_anew(record, place.plan, edits, place.calendar)
        (written,) = replan(self._scripts, [(record, plan, edits)], entry.text)
        if written:
            entry.log()
        return written


def _entry(action: str, place: _Place, edit: Edit | None) -> Entry:
    """Make the entry of the audit log."""
    before, after = _told(place.edit), _told(edit)
    changed = {
        name: (before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    }
    return entry_of(action, format_timestamp(place.instant), recorded(changed), place.record.id)


def _told(edit: Edit | None) -> dict[str, Any]:
    if edit is None or edit.decided is not None:
        return {}
    moved = None if edit.moved_to is None else format_timestamp(edit.moved_to)
    told = {
        "skip": edit.action == "skip" or None,
        "move_to": moved,
        "bot_config": edit.bot_config,
        "reason": edit.reason,
    }
    return {name: value for name, value in told.items() if value is not None}


def _shown(place: _Place, edit: Edit) -> dict[str, Any]:
    local, moved = schedules.local_times(
        place.record.definition.schedule, [place.instant, edit.moved_to or place.instant]
    )
    told = {
        "job_id": place.record.id, "scheduled_for": format_timestamp(place.instant), "local": local,
        "due": format_ms(edit.due), "edit": edit.told(),
    }  # fmt: skip
    if edit.moved_to is not None:
        told |= {"moved_to": format_timestamp(edit.moved_to), "moved_to_local": moved}
    return told if edit.bot_config is None else told | {"bot_config": dict(edit.bot_config)}
