"""The decision about a changed occurrence that is due, as `lua/decide_edit.lua` takes it.

It is a decision of its own: it is never coalesced with others, and no other one runs for it. How late it is counts from
when it is due, so from the time to which it was moved. Beyond `misfire_grace_seconds` it is skipped (`misfire`); within
it, it runs, unless `catch_up` is `none` and it is more than 30 s late (`missed`). A moved one waits for its turn
whatever `overlap` says: it may have been moved onto another one, and both are to run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.domain import schedules
from service.domain.edits.edit import Edit, Edits
from service.domain.edits.edited_plans import closed_by, next_run_of
from service.domain.options import SUPERSEDING, Options
from service.domain.plain_json import dumps
from service.domain.planning import why_ended
from service.domain.records import JobRecord
from service.domain.schedules.decisions import ON_TIME_MS
from service.domain.schedules.run_members import overlay_in, stored_members


def plan_of_edit(
    record: JobRecord, edit: Edit, now_ms: int, stamp: str, calendar: schedules.Calendar | None
) -> dict[str, Any]:
    """Decide one changed occurrence.

    Args:
        record: its job, with all of its changed occurrences.
        edit: this one, which is due.
        now_ms: the time.
        stamp: what stands for the job's changed occurrences after this decision.
        calendar: the job's, if it has one.

    Returns:
        The plan, worded for the script.

    Raises:
        ArithmeticError, LookupError, ValueError, ValidationFailed: it cannot be decided.
    """
    definition, plan = record.definition, record.plan
    schedule, options = definition.schedule, definition.options
    left = record.edits.without(edit.instant)
    found: dict[str, Any] = {
        "as_of": max(now_ms, edit.due), "revision": str(record.revision), "edits": record.edits.stamp, "stamp": stamp,
        "next_due": "" if plan.next_due is None else str(plan.next_due), "calendar": plan.calendar or "",
        "due": str(edit.due), "limit": options.max_concurrent_runs,
        **_fate(edit, options, now_ms, closed_by(edit, schedule, options, calendar)),
    }  # fmt: skip
    if "reason" not in found:
        found |= _run(record, edit, calendar)
    if plan.next_occurrence is None and not left.pending:
        found["ended"] = why_ended(options)
        if options.delete_after_seconds is not None:
            found["delete_after"] = options.delete_after_seconds * 1000
        return found
    next_run = next_run_of(
        record.id, schedule, options, plan.next_occurrence, plan.anchor, calendar, _decided(left, edit, now_ms)
    )
    return found if next_run is None else found | {"next_run": str(next_run)}


def _decided(left: Edits, edit: Edit, now_ms: int) -> Edits:
    """Return a job's changed occurrences once this one is decided."""
    return left.with_one(replace(edit, decided=now_ms))


def _fate(edit: Edit, options: Options, now_ms: int, closed: str | None) -> dict[str, Any]:
    late = now_ms - edit.due
    if edit.action == "skip":
        return {"reason": "edited"}
    if closed is not None:
        return {"reason": "closed", "closed": closed}
    if late > options.misfire_grace_seconds * 1000:
        return {"reason": "misfire"}
    if options.catch_up == "none" and late > ON_TIME_MS:
        return {"reason": "missed"}
    catches_up = options.catch_up == "all" and late > ON_TIME_MS
    waits = edit.action == "move" or options.overlap != "skip" or catches_up
    told: dict[str, Any] = {"waits": True} if waits else {}
    # Of those that catch up, none takes another's place, as in `service.domain.due_plans`.
    return told | {"overlap": options.overlap} if options.overlap in SUPERSEDING and not catches_up else told


def _run(record: JobRecord, edit: Edit, calendar: schedules.Calendar | None) -> dict[str, Any]:
    """Return what its run is given beside the job's own."""
    definition = record.definition
    found: dict[str, Any] = {}
    members = schedules.members_due(definition.schedule, definition.options, edit.instant, record.plan.anchor, calendar)
    told = stored_members(members) if members else None
    if edit.bot_config is not None:
        overlay = overlay_in(members) | dict(edit.bot_config)
        found["overlay"] = dumps(overlay).decode()
        if overlay.get("dry_run") is True:
            found["rehearsal"] = "1"
        if edit.bound:
            found["bound"] = "1"
        told = told or "{}"  # claims.lua looks for an overlay of an occurrence only beside its members
    if told:
        found["members"] = told
    return found
