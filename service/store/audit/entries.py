"""Entries of the audit log, made before the script that writes them, and told to the process' log after it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service import logs
from service.domain.access.callers import SERVICE, caller
from service.domain.access.changes import Change, remark
from service.domain.access.differences import Differences, differences, leaves
from service.domain.job import DEFINITION_FIELDS, JobDefinition
from service.domain.plain_json import dumps, plain_text
from service.domain.timestamps import format_timestamp
from service.logs import frequent
from service.secrecy import redaction

log = logging.getLogger("service.audit")

ROOT = "root"
"""The actor, and the name, of an author that names none."""
LONGEST_VALUE = 500
"""A longer value, in characters of JSON, is cut."""
LONGEST_FIELDS = 8_000
"""Once the values of an entry are longer together, further changed fields stand there by their names alone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, as an argument of a script.

    Args:
        text: JSON for `audit.note`; empty if the service acts for itself.
        change: what it notes.
    """

    text: str
    change: Change

    def log(self, **more: object) -> None:
        """Write the log line of an entry that a script has written: all but the values.

        Args:
            more: further fields, such as the new revision.
        """
        if self.text:
            who, change = caller(), self.change
            fields = {
                "event": "audit", "actor": who.actor, "action": change.action, "object": change.object_id,
                "job_id": change.job_id, "session": who.session, "address": who.address,
                "note": change.note or remark(), "fields": list(change.fields), **more,
            }  # fmt: skip
            told = {name: value for name, value in fields.items() if value is not None}
            frequent.event(log, f"{change.action} {change.object_id} by {who.name}", told)


def entry_of(
    action: str, object_id: str, fields: Mapping[str, tuple[Any, Any] | None] | None = None, job_id: str | None = None,
    note: str | None = None,
) -> Entry:  # fmt: skip
    """Make the entry of a change by the present caller.

    Args:
        action: a kind of object and a verb.
        object_id: the changed object's.
        fields: the changed fields, see `Change`.
        job_id: the job that the object belongs to, if it is not itself a job.
        note: a remark of the service's, where the caller has made none.
    """
    change = Change(action, object_id, fields or {}, remark() or note, job_id)
    return Entry(change.entry(logs.request_id()), change)


def job_entry(
    action: str,
    job_id: str,
    before: JobDefinition | None,
    after: JobDefinition,
    note: str | None = None,
    dropped: Sequence[str] = (),
) -> Entry:
    """Make the entry of a new or changed job.

    Args:
        action: `job.update` becomes `job.enable` or `job.disable` if nothing else changes.
        job_id: the job's.
        before: its definition as it was; None for a new job, of which the fields count that are not at their default.
        after: its definition from now on.
        note: a remark of the service's, where the caller has made none.
        dropped: occurrences whose changes this drops, timestamps.
    """
    if caller() == SERVICE:
        return entry_of(action, job_id)
    if before is None:
        return entry_of(action, job_id, recorded(_made(after)))
    changed = differences(before.definition_fields(), after.definition_fields())
    if action == "job.update" and list(changed) == ["enabled"]:
        action = "job.enable" if after.enabled else "job.disable"
    if dropped:
        changed = {**changed, "changed_occurrences": (list(dropped), None)}
    return entry_of(action, job_id, recorded(changed), note=note)


def _made(definition: JobDefinition) -> Differences:
    """Return the fields of a new job that are not at their default."""
    fields = {name: getattr(definition, name) for name in DEFINITION_FIELDS if name != "options"}
    fields["options"] = definition.options.model_dump(exclude_defaults=True)
    return {path: (None, value) for path, value in leaves(fields).items() if value is not None}


def run_entry(
    run_id: str, job_id: str, overlay: Mapping[str, Any], not_before: int | None = None, again_of: str | None = None
) -> Entry:
    """Make the entry of a run by hand.

    Args:
        run_id: the run's.
        job_id: its job's.
        overlay: laid over the job's `bot_config`.
        not_before: when it is to start, epoch seconds; None for now.
        again_of: the run that it does again.
    """
    told = {"not_before": None if not_before is None else format_timestamp(not_before), "again_of": again_of}
    asked = {"bot_config": overlay} | {name: value for name, value in told.items() if value is not None}
    return entry_of("run.request", run_id, recorded(differences({}, asked)), job_id)


def recorded(changed: Differences) -> dict[str, tuple[Any, Any] | None]:
    """Return changed fields as they may stand in an entry: without secrets, and cut visibly."""
    text = dumps(changed).decode()
    is_short = len(text) <= LONGEST_VALUE or (len(text) <= LONGEST_FIELDS and all(map(_is_short, changed.values())))
    if is_short and redaction.redacted(text) == text:
        return dict(changed)
    found: dict[str, tuple[Any, Any] | None] = {}
    room = LONGEST_FIELDS
    for path, (old, new) in changed.items():
        values = _shown(old), _shown(new)
        room -= len(path) + sum(len(dumps(value)) for value in values)
        found[path] = values if room >= 0 else None
    return found


def _is_short(values: tuple[Any, Any]) -> bool:
    return all(
        len(value if isinstance(value, str) else dumps(value)) <= LONGEST_VALUE
        for value in values
        if isinstance(value, str | list | dict)
    )


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    clean = redaction.redacted_json(value)
    text = clean if isinstance(clean, str) else dumps(clean).decode(errors="replace")
    return clean if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text):,} characters)"


def requested_by() -> str:
    """Return who asks, JSON for the history; empty if the service acts for itself."""
    if caller() == SERVICE:
        return ""
    who = caller()
    return orjson.dumps({"actor": plain_text(who.actor), "name": plain_text(who.name)}).decode()


def author(revision: int, restored_from: int | None = None) -> str:
    """Return who makes a revision of a job, as its hash keeps it: the revision, and JSON.

    Args:
        revision: its number.
        restored_from: the revision whose definition it restores; None for none.
    """
    who, said = caller(), remark()
    # The root key makes most jobs, and each has this text.
    by: dict[str, Any] = {} if who.actor == ROOT else {"actor": plain_text(who.actor), "name": plain_text(who.name)}
    by |= {} if said is None else {"note": plain_text(said)}
    by |= {} if restored_from is None else {"restored_from": restored_from}
    return f"{revision} {orjson.dumps(by).decode()}"
