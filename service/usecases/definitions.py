"""Use cases of definitions: export all jobs as one document, and apply such a document.

A document describes whole jobs: a field that it leaves out gets its default. Everything is checked before anything is
written. The writes are made job by job. If Redis goes away in between, applying the same document again completes them.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from service.batches import batched
from service.clock import Clock
from service.domain import schedules
from service.domain.access.labels import JobChoice
from service.domain.edits.edit import NO_EDITS, Edits
from service.domain.input.refusals import Refusals, echo, require_object
from service.domain.job import JobDefinition
from service.domain.job_fields import Configs
from service.domain.planning import new_record
from service.domain.records import JobRecord, UnreadableJob, read_job
from service.errors import ConcurrentChange, NotFound, ValidationFailed
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.job_marks import marks_of
from service.store.jobs.stored_edits import with_edits
from service.usecases.access.side_doors import require_bound_secrets
from service.usecases.access.sight import choice, is_limited
from service.usecases.documents.document_alerts import DocumentAlerts, exported_alerts
from service.usecases.documents.document_calendars import DocumentCalendars, exported
from service.usecases.documents.document_jobs import Item, parse_document, refuse_beyond_limits, within
from service.usecases.edits.document_edits import FIELD, DocumentEdits, exported_edits
from service.usecases.edits.occurrence_edits import OccurrenceEdits
from service.usecases.foresight.calendar_jobs import Known, differs, jobs_of
from service.usecases.foresight.dry_runs import DAYS, JobChange, described
from service.usecases.jobs import Jobs

READ_AT_ONCE = 200
"""Jobs to delete that a dry run reads at a time."""


class Definitions:
    """Export and apply.

    Args:
        jobs: the use cases of single jobs.
        store: where jobs are kept.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, jobs: Jobs, store: JobStore, clock: Clock, configs: Configs) -> None:
        self._jobs = jobs
        self._store = store
        self._clock = clock
        self._configs = configs
        self._edits = DocumentEdits(OccurrenceEdits(store.scripts, clock, configs), clock)

    def export(self) -> Iterator[dict[str, Any]]:
        """Read every job's definition, id and changed occurrences in the order of their creation, in bounded memory.

        Jobs whose stored definitions cannot be read are left out, as in lists.
        """
        return self._exported(choice())

    def sections(self) -> dict[str, list[dict[str, Any]]]:
        """Read what a document has beside jobs: calendars, and channels and rules for who may see them."""
        return {"calendars": exported(self._jobs.calendars), **exported_alerts(self._store.scripts)}

    def _exported(self, wanted: JobChoice) -> Iterator[dict[str, Any]]:
        for chunk in self._store.scan():
            for job_id, fields in chunk:
                try:
                    record = with_edits(self._store.scripts, read_job(job_id, fields))
                except UnreadableJob:
                    continue
                definition, edits = record.definition, exported_edits(record.edits)
                if wanted.takes(definition.labels, definition.bot_type):
                    more = {FIELD: edits} if edits else {}
                    yield {"id": job_id, **definition.definition_fields(), **more}

    def apply(
        self, document: object, *, prune: bool = False, dry_run: bool = False, days: int = DAYS
    ) -> dict[str, Any]:  # fmt: skip
        """Create and change what is stored as a document says: calendars, channels, then jobs, and rules last.

        A job of the document is the stored job with the same id. Without one, it is the stored job with the same name,
        if neither side has another job with that name. Otherwise it is new, under the id that the document gives it.

        A caller with limits touches only the jobs within them. It cannot choose the id of a new job, because that
        would tell whether others have a job with this id.

        Args:
            document: the parsed document.
            prune: whether to delete the jobs that the document does not have, and so of each list of channels or rules.
            dry_run: whether to write nothing and only report the changes.
            days: how far a dry run looks ahead.

        Returns:
            `{"dry_run", "changes": [{"action", "id", "name", "fields"}]}`, without what stays as it is; what is no job
            has a `kind`. In a dry run, a job that would get a new id has none, and each change of a job has its
            `occurrences`. There the jobs follow that stay as they are, but gain or lose occurrences by a changed
            calendar; `jobs` tells at how many it looked.

        Raises:
            ValidationFailed: the document is invalid. The error names the fields of every invalid job, and nothing was
                written.
            Forbidden: the caller may not change channels or rules, or occurrences that differ; or has limits, and a new
                or changed job names a secret that may go anywhere.
            Conflict: it would create more jobs than `MAX_JOBS` allows, and nothing was written.
            StoreFull: Redis is nearly full.
            ConcurrentChange: others changed a job meanwhile. The changes before it in the document are done.
        """
        items, fields = parse_document(document, self._configs, prune), require_object(document, "")
        calendars = DocumentCalendars(self._jobs.calendars, fields)
        steps = self._plan(items, prune, calendars)
        coming = {step.id for step in steps if step.action == "create" and step.id is not None}
        alerts = DocumentAlerts(self._store.scripts, fields, prune, coming, self._configs)
        if dry_run:
            told = self._told(steps, calendars, days)
            return {**told, "changes": [*told["changes"], *alerts.answers()]}
        of_calendars = [step.answer() for step in calendars.steps]
        calendars.save(self._clock.now_ms())
        alerts.save_channels(self._clock.now_ms())
        of_jobs = [self._carry_out(self._foreseen(step, calendars)).answer() for step in steps]
        alerts.save_rules(self._clock.now_ms())
        return {"dry_run": False, "changes": [*of_calendars, *of_jobs, *alerts.answers()]}

    def _told(self, steps: list[JobChange], calendars: DocumentCalendars, days: int) -> dict[str, Any]:
        stored, now_ms, now = self._jobs.calendars, self._clock.now_ms(), calendars.closing_otherwise()
        others = jobs_of(stored, self._store, now, now_ms, {step.id for step in steps if step.id is not None})
        every, total = chain(self._with_records(steps), others.changes), len(steps) + len(others.changes)
        told = described(every, total, now_ms, days, Known(now, stored), calendars)
        told[len(steps) :] = filter(differs, told[len(steps) :])
        return {
            "dry_run": True,
            "changes": [*(step.told(now_ms) for step in calendars.steps), *told],
            "jobs": others.count(),
        }

    # planning

    def _plan(self, items: list[Item], prune: bool, calendars: DocumentCalendars) -> list[JobChange]:
        matched, others = self._match(items, prune)
        records = self._records(list(matched.values()))
        now = self._clock.now_ms() // 1000
        least = self._store.limits.min_interval
        refusals = Refusals()
        steps = []
        for item in items:
            if refusals.full:
                break
            before = records.get(matched.get(item.field, ""))
            definition = item.definition
            refusals.attempt(lambda item=item: refuse_beyond_limits(item, item.field not in matched))  # type: ignore[misc]
            if before is not None and before.definition.bot_type != definition.bot_type:
                refusals.add(f"{item.field}.bot_type", f"cannot change: it is {echo(before.definition.bot_type)}")
                continue
            edits = self._edits.to_make(item.edits, NO_EDITS if before is None else before.edits)
            is_same = before is not None and before.definition == definition and before.plan.state != "broken"
            if is_same and edits is None:
                continue
            require_bound_secrets(definition, None if before is None else before.definition)
            refusals.attempt(lambda item=item, before=before: _checked(item, before, now, least, calendars))  # type: ignore[misc]
            if before is None:
                steps.append(JobChange("create", item.id, None, definition, definition.name, edits))
            else:
                steps.append(JobChange("update", before.id, before, definition, definition.name, edits))
        refusals.raise_any()
        self._store.require_room(sum(step.before is None for step in steps))
        return steps + [JobChange("delete", job_id, None, None, name) for job_id, name in others]

    def _match(self, items: list[Item], prune: bool) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """Match items with stored jobs.

        Returns:
            The stored job's id by the item's place, and to prune, ids and names of all other stored jobs.
        """
        ids = [item.id for item in items if item.id is not None]
        stored = {job_id for job_id, fields in zip(ids, self._store.get_many(ids), strict=True) if _is_seen(fields)}
        matched = {item.field: item.id for item in items if item.id in stored and item.id is not None}
        unmatched = [item for item in items if item.field not in matched]
        if not unmatched and not prune:
            return matched, []
        rivals = Counter(item.definition.name for item in unmatched)
        namesakes: dict[str, list[str]] = {}
        others: dict[str, str] = {}
        for job_id, name in self._names():
            if job_id in stored:
                continue
            if name in rivals:
                namesakes.setdefault(name, []).append(job_id)
            if prune:
                others[job_id] = name
        refusals = Refusals()
        for item in unmatched:
            found = namesakes.get(item.definition.name, [])
            if len(found) == 1 and rivals[item.definition.name] == 1:
                matched[item.field] = found[0]
                others.pop(found[0], None)
            elif found and item.id is None:
                refusals.add(f"{item.field}.name", "is the name of several jobs; give the id of one instead")
        refusals.raise_any()
        return matched, list(others.items())

    def _names(self) -> Iterator[tuple[str, str]]:
        for chunk in self._store.scan():
            for job_id, fields in chunk:
                if _is_seen(fields):
                    yield job_id, fields.get(b"name", b"").decode(errors="replace")

    def _records(self, ids: list[str]) -> dict[str, JobRecord]:
        found = {}
        for job_id, fields in zip(ids, self._store.get_many(ids), strict=True):
            try:
                found[job_id] = with_edits(self._store.scripts, read_job(job_id, fields))
            except UnreadableJob as error:
                raise ConcurrentChange(
                    f"Job {job_id} was deleted in the meantime, or is broken; nothing was changed"
                ) from error
        return found

    def _with_records(self, steps: list[JobChange]) -> Iterator[JobChange]:
        """Read the jobs to delete, some at a time. A damaged one has no record."""
        yield from (step for step in steps if step.action != "delete")
        for some in batched([step for step in steps if step.action == "delete"], READ_AT_ONCE):
            stored = self._store.get_many([step.id or "" for step in some])
            for step, fields in zip(some, stored, strict=True):
                try:
                    yield replace(step, before=read_job(step.id or "", fields))
                except UnreadableJob:
                    yield step

    # doing

    def _foreseen(self, step: JobChange, calendars: DocumentCalendars) -> JobChange:
        """Note which changed occurrences a job loses, if it has any."""
        if step.before is None or not step.before.edits.each:
            return step
        return step.foreseen(self._clock.now_ms(), calendars)[0]

    def _carry_out(self, step: JobChange) -> JobChange:
        if step.after is None:
            assert step.id is not None
            try:
                self._jobs.delete(step.id)
            except NotFound:
                pass  # others have deleted it, as we wanted to
            return step
        if step.before is None:
            job_id, now_ms = step.id or str(uuid.uuid4()), self._clock.now_ms()
            record = new_record(job_id, step.after, now_ms, self._jobs.calendars.of(step.after.options))
            if step.id is not None:
                # An earlier job may have had this id; its revisions began at 1 or at an earlier time.
                record = replace(record, revision=now_ms)
            if not self._store.add(record):
                raise _changed(job_id)
            return self._change_occurrences(replace(step, id=job_id), NO_EDITS)
        try:
            self._jobs.change(step.before.id, lambda current: _replacement(current, step))
        except NotFound as error:
            raise _changed(step.before.id) from error
        return self._change_occurrences(step, step.before.edits)

    def _change_occurrences(self, step: JobChange, stored: Edits) -> JobChange:
        if step.edits is None or step.id is None:
            return step
        return replace(step, left_out=self._edits.carry_out(step.id, step.edits, stored))


def _replacement(current: JobDefinition, step: JobChange) -> JobDefinition:
    assert step.after is not None
    if current.bot_type != step.after.bot_type:
        raise _changed(step.id or "")
    return step.after


def _changed(job_id: str) -> ConcurrentChange:
    return ConcurrentChange(f"Job {job_id} was changed by others in the meantime; apply the document again")


def _is_seen(fields: Mapping[bytes, bytes]) -> bool:
    """Tell whether there is such a job, to the caller."""
    marks = marks_of(fields.get(b"bot_type"), fields.get(b"labels"))
    return bool(fields) and (not is_limited() or (marks is not None and choice().takes(*marks)))


def _checked(item: Item, before: JobRecord | None, now: int, least: int, calendars: DocumentCalendars) -> None:
    stored = None if before is None else before.definition.schedule
    try:
        calendar = calendars.of(item.definition.options)
        if before is None or before.definition.schedule != item.definition.schedule:
            schedules.refuse_short_interval(item.definition.schedule, least)
        schedules.validate_schedule(item.definition.schedule, item.definition.options, now, stored, calendar)
    except ValidationFailed as refusal:
        raise within(item.field, refusal) from None
