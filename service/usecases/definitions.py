"""Use cases of definitions: export all jobs as one document, and apply such a document.

A document describes whole jobs: a field that it leaves out gets its default. Everything is checked before anything is
written. The writes are made job by job. If Redis goes away in between, applying the same document again completes them.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.clock import Clock
from service.domain import schedules
from service.domain.input.refusals import Refusals, echo, joined
from service.domain.job import JobDefinition
from service.domain.job_fields import Configs
from service.domain.planning import new_record
from service.domain.records import JobRecord, UnreadableJob, read_job
from service.errors import ConcurrentChange, NotFound, ValidationFailed
from service.store.jobs.job_hashes import JobStore
from service.usecases.document_jobs import Item, parse_document, within
from service.usecases.jobs import Jobs


@dataclass(frozen=True, slots=True)
class _Step:
    """A change to one job.

    Args:
        action: `create`, `update` or `delete`.
        id: the job's id; None for a new job without one.
        before: the stored job; None for a new job, and for one to delete.
        after: the new definition; None for a job to delete.
        name: the job's name.
    """

    action: str
    id: str | None
    before: JobRecord | None
    after: JobDefinition | None
    name: str

    def answer(self) -> dict[str, Any]:
        """Describe the change as the API shows it."""
        old = {} if self.before is None else _leaves(self.before.definition)
        new = {} if self.after is None else _leaves(self.after)
        fields = {
            field: {"from": old.get(field), "to": new.get(field)}
            for field in dict.fromkeys([*old, *new])
            if (field in old, old.get(field)) != (field in new, new.get(field))
        }
        return {"action": self.action, "id": self.id, "name": self.name, "fields": fields}


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

    def export(self) -> Iterator[dict[str, Any]]:
        """Read every job's definition and id in the order of their creation, in bounded memory.

        Jobs whose stored definitions cannot be read are left out, as in lists.
        """
        for chunk in self._store.scan():
            for job_id, fields in chunk:
                try:
                    definition = read_job(fields).definition
                except UnreadableJob:
                    continue
                yield {"id": job_id, **definition.definition_fields()}

    def apply(self, document: object, *, prune: bool = False, dry_run: bool = False) -> dict[str, Any]:
        """Create and change the stored jobs as a document says.

        A job of the document is the stored job with the same id. Without one, it is the stored job with the same name,
        if neither side has another job with that name. Otherwise it is new, under the id that the document gives it.

        Args:
            document: the parsed document.
            prune: whether to delete the jobs that the document does not have.
            dry_run: whether to write nothing and only report the changes.

        Returns:
            `{"dry_run", "changes": [{"action", "id", "name", "fields"}]}`, without jobs that stay as they are. In a
            dry run, a job that would get a new id has none.

        Raises:
            ValidationFailed: the document is invalid. The error names the fields of every invalid job, and nothing was
                written.
            ConcurrentChange: others changed a job meanwhile. The changes before it in the document are done.
        """
        steps = self._plan(parse_document(document, self._configs), prune)
        if not dry_run:
            steps = [self._carry_out(step) for step in steps]
        return {"dry_run": dry_run, "changes": [step.answer() for step in steps]}

    # planning

    def _plan(self, items: list[Item], prune: bool) -> list[_Step]:
        matched, others = self._match(items, prune)
        records = self._records(list(matched.values()))
        now = self._clock.now_ms() // 1000
        refusals = Refusals()
        steps = []
        for item in items:
            if refusals.full:
                break
            before = records.get(matched.get(item.field, ""))
            definition = item.definition
            if before is not None and before.definition.bot_type != definition.bot_type:
                refusals.add(f"{item.field}.bot_type", f"cannot change: it is {echo(before.definition.bot_type)}")
                continue
            if before is not None and before.definition == definition and before.plan.state != "broken":
                continue
            refusals.attempt(lambda item=item, before=before: _checked(item, before, now))  # type: ignore[misc]
            if before is None:
                steps.append(_Step("create", item.id, None, definition, definition.name))
            else:
                steps.append(_Step("update", before.id, before, definition, definition.name))
        refusals.raise_any()
        return steps + [_Step("delete", job_id, None, None, name) for job_id, name in others]

    def _match(self, items: list[Item], prune: bool) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """Match items with stored jobs.

        Returns:
            The stored job's id by the item's place, and to prune, ids and names of all other stored jobs.
        """
        ids = [item.id for item in items if item.id is not None]
        stored = {job_id for job_id, fields in zip(ids, self._store.get_many(ids), strict=True) if fields}
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
                yield job_id, fields.get(b"name", b"").decode(errors="replace")

    def _records(self, ids: list[str]) -> dict[str, JobRecord]:
        found = {}
        for job_id, fields in zip(ids, self._store.get_many(ids), strict=True):
            try:
                found[job_id] = read_job(fields)
            except UnreadableJob as error:
                raise ConcurrentChange(
                    f"Job {job_id} was deleted in the meantime, or is broken; nothing was changed"
                ) from error
        return found

    # doing

    def _carry_out(self, step: _Step) -> _Step:
        if step.after is None:
            assert step.id is not None
            try:
                self._jobs.delete(step.id)
            except NotFound:
                pass  # others have deleted it, as we wanted to
            return step
        if step.before is None:
            job_id, now_ms = step.id or str(uuid.uuid4()), self._clock.now_ms()
            record = new_record(job_id, step.after, now_ms)
            if step.id is not None:
                # An earlier job may have had this id; its revisions began at 1 or at an earlier time.
                record = replace(record, revision=now_ms)
            if not self._store.add(record):
                raise _changed(job_id)
            return replace(step, id=job_id)
        try:
            self._jobs.change(step.before.id, lambda current: _replacement(current, step))
        except NotFound as error:
            raise _changed(step.before.id) from error
        return step


def _replacement(current: JobDefinition, step: _Step) -> JobDefinition:
    assert step.after is not None
    if current.bot_type != step.after.bot_type:
        raise _changed(step.id or "")
    return step.after


def _changed(job_id: str) -> ConcurrentChange:
    return ConcurrentChange(f"Job {job_id} was changed by others in the meantime; apply the document again")


def _checked(item: Item, before: JobRecord | None, now: int) -> None:
    stored = None if before is None else before.definition.cron_expression
    try:
        schedules.validate_schedule(item.definition.schedule, item.definition.options, now, stored)
    except ValidationFailed as refusal:
        raise within(item.field, refusal) from None


def _leaves(definition: JobDefinition) -> dict[str, Any]:
    """Return the definition's fields, those of nested objects by their paths."""
    found: dict[str, Any] = {}
    for field, value in definition.definition_fields().items():
        if isinstance(value, Mapping):
            found |= {joined(field, name): item for name, item in value.items()}
        else:
            found[field] = value
    return found
