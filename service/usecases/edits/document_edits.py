"""Changed occurrences in documents of definitions: those to come stand beside their job, and are made again."""

from __future__ import annotations

from typing import Any

from service.clock import Clock
from service.domain import schedules
from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.edits.edit import MOST, Edit, Edits
from service.domain.edits.edited_plans import closed_by, is_occurrence
from service.domain.edits.requests import parse_wish
from service.domain.input.refusals import Refusals, echo, joined, require_object
from service.domain.records import JobRecord
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import Conflict, NotFound, ValidationFailed
from service.usecases.edits.occurrence_edits import OccurrenceEdits

FIELD = "changed_occurrences"
"""The field of a document's job."""
_WISHES = ("skip", "move_to", "bot_config")
Wanted = list[dict[str, Any]]
"""Changes as a document has them."""


def exported_edits(edits: Edits) -> Wanted:
    """Write the changes that are to come, in the order of their instants."""
    return [_written(edit) for edit in sorted(edits.pending, key=lambda edit: edit.instant)]


def _written(edit: Edit) -> dict[str, Any]:
    told: dict[str, Any] = {"at": _utc(edit.instant)}
    if edit.moved_to is not None:
        told["move_to"] = _utc(edit.moved_to)
    elif edit.bot_config is not None:
        told["bot_config"] = dict(edit.bot_config)
    else:
        told["skip"] = True
    return told if edit.reason is None else told | {"reason": edit.reason}


def checked_edits(value: object, field: str) -> Wanted:
    """Check the form of a job's changes in a document.

    Args:
        value: a list.
        field: its path, for the refusal.

    Raises:
        ValidationFailed: naming each entry that is refused.
    """
    if not isinstance(value, list) or len(value) > MOST:
        shown = len(value) if isinstance(value, list) else echo(value)
        raise ValidationFailed.of(field, f"must be a list of at most {MOST} changes, not {shown}")
    refusals = Refusals()
    found = [refusals.attempt(lambda i=i, one=one: _checked(one, f"{field}[{i}]")) for i, one in enumerate(value)]  # type: ignore[misc]
    seen = set[str]()
    for i, one in enumerate(found):
        if one is not None and one["at"] in seen:  # which of two wishes counts would be a guess
            refusals.add(f"{field}[{i}].at", f"must not be the instant of another change, {one['at']}")
        elif one is not None:
            seen.add(one["at"])
    refusals.raise_any()
    return [one for one in found if one is not None]


def _checked(value: object, field: str) -> dict[str, Any]:
    given = require_object(value, field)
    refusals = Refusals()
    refusals.unknown(given, ("at", *_WISHES, "reason"), field, "a changed occurrence")
    at = refusals.attempt(lambda: parse_timestamp(given.get("at"), joined(field, "at")))
    if sum(wish in given for wish in _WISHES) != 1:
        refusals.add(field, 'must have one of "skip", "move_to" and "bot_config"')
    refusals.raise_any()
    return {**given, "at": _utc(at or 0)}


def wanted_edits(
    wanted: Wanted, record: JobRecord, now_ms: int, calendar: schedules.Calendar | None
) -> tuple[Edits, list[str]]:
    """Foresee the changed occurrences of a job once a document was applied.

    Args:
        wanted: the changes, as the document has them.
        record: the job as its definition in the document leaves it.
        now_ms: the time.
        calendar: the job's, if it has one.

    Returns:
        The changes, and the instants of those that could not be made.
    """
    now = now_ms // 1000
    # Decided ones stay, and so do those that await their run, and whose own time is over.
    stay = {at: edit for at, edit in record.edits.each.items() if edit.decided is not None or at <= now}
    edits, left_out = Edits(record.edits.stamp, stay), list[str]()
    for one in _to_come(wanted, now):
        edit = _foreseen(one, record, now, calendar)
        if edit is None or edit.instant in stay:
            left_out.append(one["at"][:-1])
        else:
            edits = edits.with_one(edit)
    return edits, left_out


def _foreseen(
    one: dict[str, Any], record: JobRecord, now: int, calendar: schedules.Calendar | None
) -> Edit | None:  # fmt: skip
    """Return a change as it would be made; None if it could not be."""
    plan, schedule, options = record.plan, record.definition.schedule, record.definition.options
    at = parse_timestamp(one["at"], "at")
    try:
        wish = parse_wish({name: one[name] for name in one if name != "at"}, schedule.timezone, now)
    except ValidationFailed:
        return None
    if plan.state != "scheduled" or plan.next_occurrence is None or at < plan.next_occurrence:
        return None
    if not is_occurrence(schedule, options, at, plan.anchor, calendar):
        return None
    due = schedules.due_ms(record.id, at, options) if wish.moved_to is None else wish.moved_to * 1000
    edit = Edit(at, wish.action, due, wish.moved_to, wish.bot_config, reason=wish.reason)
    is_closed = edit.action == "set" and closed_by(edit, schedule, options, calendar) is not None
    return None if is_closed else edit


def _to_come(wanted: Wanted, now: int) -> Wanted:
    return sorted((one for one in wanted if one["at"] > _utc(now)), key=lambda one: str(one["at"]))


class DocumentEdits:
    """Makes the changed occurrences of jobs as a document has them.

    Args:
        edits: the use cases of single occurrences.
        clock: Redis' clock.
    """

    def __init__(self, edits: OccurrenceEdits, clock: Clock) -> None:
        self._edits = edits
        self._clock = clock

    def to_make(self, wanted: Wanted | None, stored: Edits) -> Wanted | None:
        """Return the changes that a document wants, unless the job has them: then None.

        Raises:
            Forbidden: they differ, and the caller may not run jobs, so that it may not change one occurrence either.
        """
        if wanted is None or self._to_come(wanted) == self._to_come(exported_edits(stored)):
            return None
        caller().require(Scope.RUN)
        return wanted

    def _to_come(self, wanted: Wanted) -> Wanted:
        return _to_come(wanted, self._clock.now_ms() // 1000)

    def carry_out(self, job_id: str, wanted: Wanted, stored: Edits) -> list[str]:
        """Change a job's occurrences, and take back what a document does not have.

        Args:
            job_id: the job.
            wanted: the changes; those of past instants do not matter.
            stored: the job's, as they were read.

        Returns:
            The instants that are left out, because the job has no such occurrence to come, or the change is no longer
            possible.
        """
        left_out, has = [], {one["at"]: one for one in exported_edits(stored)}
        to_come = self._to_come(wanted)
        for one in self._to_come(list(has.values())):
            if one["at"] not in {other["at"] for other in to_come}:
                self._take_back(job_id, one["at"])
        for one in to_come:
            if has.get(one["at"]) != one:
                try:
                    self._edits.change(job_id, one["at"], {name: one[name] for name in one if name != "at"})
                except (ValidationFailed, Conflict):
                    left_out.append(one["at"][:-1])
        return left_out

    def _take_back(self, job_id: str, instant: str) -> None:
        try:
            self._edits.take_back(job_id, instant)
        except (NotFound, Conflict):
            pass  # it was decided, or its own time is over


def _utc(seconds: int) -> str:
    return f"{format_timestamp(seconds)}Z"
