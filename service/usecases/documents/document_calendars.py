"""Calendars of a document of definitions: checked, compared with the stored ones, and saved before its jobs.

A document may leave out calendars. `prune` deletes none: jobs are what a document is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from service.domain.access.differences import differences
from service.domain.calendars.definition import CalendarDefinition, parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.foresight.closed_day_changes import closed_day_changes
from service.domain.input.refusals import Refusals
from service.domain.options import Options
from service.errors import ConcurrentChange, Forbidden, ValidationFailed
from service.store.calendars.calendar_store import CalendarRecord, CalendarStore
from service.usecases.access.sight import is_limited
from service.usecases.documents.document_jobs import within


@dataclass(frozen=True, slots=True)
class CalendarStep:
    """A calendar to create or change. `before`: the stored one; None for a new one."""

    before: CalendarRecord | None
    after: CalendarDefinition

    def answer(self) -> dict[str, Any]:
        """Describe the change as the API shows it."""
        old = {} if self.before is None else self.before.definition.answer()
        changed = differences(old, self.after.answer())
        action = "create" if self.before is None else "update"
        fields = {path: {"from": was, "to": now} for path, (was, now) in changed.items()}
        return {"kind": "calendar", "action": action, "id": None, "name": self.after.name, "fields": fields}

    def told(self, now_ms: int) -> dict[str, Any]:
        """Describe the change before it is made: with the days that it closes and opens."""
        today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
        before = None if self.before is None else self.before.definition
        return {**self.answer(), "closed_days": closed_day_changes(before, self.after, today)}


class DocumentCalendars:
    """The calendars of one document.

    Args:
        store: where calendars are kept.
        document: the document, a JSON object.

    Raises:
        ValidationFailed: naming the fields of every invalid calendar.
        Forbidden: it has calendars to change, and the caller is limited to some jobs.
    """

    def __init__(self, store: CalendarStore, document: dict[str, Any]) -> None:
        self._store = store
        named = {one.name: one for one in _parsed(document.get("calendars", []))}
        stored = {record.definition.name: record for record in store.many(list(named))}
        every = (CalendarStep(stored.get(name), definition) for name, definition in named.items())
        self.steps = [step for step in every if step.before is None or step.before.definition != step.after]
        if self.steps and is_limited():
            raise Forbidden("This key is limited to some jobs; changing a calendar needs a key without limits")
        self._new = {step.after.name: WorkCalendar(step.after) for step in self.steps}

    def closing_otherwise(self) -> dict[str, WorkCalendar]:
        """Return the stored calendars of which the document changes what is closed, as they are, by their names."""
        stored = (WorkCalendar(step.before.definition) for step in self.steps if step.before is not None)
        return {now.definition.name: now for now in stored if now != self._new[now.definition.name]}

    def of(self, options: Options) -> WorkCalendar | None:
        """Return the calendar that a job's options name, as it will be; None if they name none.

        Raises:
            ValidationFailed: there is no such calendar, and the document has none.
        """
        planned = self._new.get(options.calendar or "")
        return planned if planned is not None else self._store.of(options)

    def save(self, now_ms: int) -> None:
        """Store the calendars that differ.

        Raises:
            ConcurrentChange: others changed one meanwhile.
        """
        for step in self.steps:
            if step.before is None:
                record = CalendarRecord(step.after, now_ms, now_ms, now_ms)
            else:
                revision = step.before.revision + 1
                record = replace(step.before, definition=step.after, revision=revision, updated_at=now_ms)
            if not self._store.save(record, step.before):
                raise ConcurrentChange(
                    f"Calendar {step.after.name} was changed by others in the meantime; apply the document again"
                )


def exported(store: CalendarStore) -> list[dict[str, Any]]:
    """Return all calendars' definitions, in the order of their names."""
    return [record.definition.answer() for record in store.many(store.names())]


def _parsed(calendars: object) -> list[CalendarDefinition]:
    if not isinstance(calendars, list):
        raise ValidationFailed.of("calendars", "must be a list of calendars")
    refusals, found, names = Refusals(), list[CalendarDefinition](), set[str]()

    def one(index: int, body: object) -> CalendarDefinition:
        field = f"calendars[{index}]"
        try:
            definition = parse_calendar(body)
        except ValidationFailed as refusal:
            raise within(field, refusal) from None
        if definition.name in names:
            raise ValidationFailed.of(f"{field}.name", "is in the document twice")
        names.add(definition.name)
        return definition

    for index, body in enumerate(calendars):
        if refusals.full:
            break
        definition = refusals.attempt(lambda index=index, body=body: one(index, body))  # type: ignore[misc]
        found += [] if definition is None else [definition]
    refusals.raise_any()
    return found
