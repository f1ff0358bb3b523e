"""New plans of jobs whose calendar, or some of whose occurrences, have changed.

They are written one by one, each only if the job is still as it was read.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

import orjson

from service.domain.edits.edit import Edits
from service.domain.records import JobRecord, Plan
from service.store.jobs.job_hashes import delete_after, plan_fields, stored_fields
from service.store.jobs.stored_edits import edit_changes
from service.store.scripts import Scripts

Renewal = tuple[JobRecord, Plan, Edits]
"""A job as it was read, its new plan, and its changed occurrences from now on."""


def replan(scripts: Scripts, renewals: Sequence[Renewal], entry: str = "") -> list[bool]:
    """Store new plans.

    Args:
        scripts: the scripts of this installation.
        renewals: the jobs, in one round trip.
        entry: that of the audit log, JSON; empty if the service acts for itself.

    Returns:
        For each whether it was stored; False if the job or its calendar has changed since it was read, or is gone.
    """
    answers = scripts.run_many("replan_job", [[*_arguments(*renewal), entry] for renewal in renewals])
    return [answer == 1 for answer in answers]


def _arguments(record: JobRecord, plan: Plan, edits: Edits) -> list[str | int | bytes]:
    """Write the arguments of `lua/replan_job.lua`, but the last one."""
    fields = plan_fields(plan) | {"kind": stored_fields(replace(record, plan=plan))["kind"]}
    if plan.state == "broken":
        fields["state"] = "broken"
    present = [part for name, value in fields.items() if value is not None for part in (name, value)]
    absent = [name for name, value in fields.items() if value is None]
    return [
        record.id, record.revision, *(_text(value) for value in (record.last_decided, record.plan.next_due)),
        record.plan.calendar or "", orjson.dumps(present), orjson.dumps(absent), fields["next_due"] or "",
        plan.calendar or "", delete_after(replace(record, plan=plan)), record.edits.stamp,
        edit_changes(record.edits, edits), str(secrets.randbits(31)),
    ]  # fmt: skip


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
