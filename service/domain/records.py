"""Jobs as they are stored: the definition, the plan, and the part of a due job that a scheduler needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from service.domain.access.labels import stored_labels
from service.domain.edits.edit import NO_EDITS, Edits
from service.domain.job import JobDefinition
from service.domain.options import Options
from service.domain.schedules.definition import Schedule
from service.domain.schedules.workdays import Calendar
from service.domain.timestamps import format_ms

NONE_RUNS = 0
"""Stands in the place of the next occurrence that runs where all are closed or skipped, as far as one looks."""


class UnreadableJob(Exception):
    """A job's hash is damaged: somebody else wrote to it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a job is due next.

    Args:
        anchor: what an interval counts from, epoch seconds.
        next_occurrence: epoch seconds; None after the last.
        next_due: the same with its jitter, ms.
        state: `scheduled`, `disabled` or `ended`.
        reason: for a state that needs one.
        calendar: the calendar by which it was planned, as `name/stamp`; None without one.
        next_run: when the job runs next, ms, if the next occurrence is closed or changed, or `NONE_RUNS`; else None.
        after: its occurrences come after this instant, epoch seconds; None: after the job's creation.
    """

    anchor: int
    next_occurrence: int | None
    next_due: int | None
    state: str
    reason: str | None = None
    calendar: str | None = None
    next_run: int | None = None
    after: int | None = field(default=None, compare=False)

    @property
    def runs_next(self) -> int | None:
        """When an occurrence runs next, with its jitter or where it was moved, ms; None if none does."""
        return None if self.next_run == NONE_RUNS else self.next_run or self.next_due


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is stored: its definition, its plan, and the outcome of its last run. Times are ms.

    `edits`: its changed occurrences; of a record that a hash alone was read for, only their stamp. `edited_until`: when
    the latest of those that are decided was due.
    """

    id: str
    revision: int
    definition: JobDefinition
    plan: Plan
    created_at: int
    updated_at: int
    last_decided: int | None = None
    last_run_at: int | None = None
    last_run_status: str | None = None
    last_run_error: str | None = None
    health: str | None = None
    edits: Edits = NO_EDITS
    edited_until: int | None = None

    def answer(self) -> dict[str, Any]:
        """Return the job as the API shows it, with `ANSWER_FIELDS`."""
        return {
            "id": self.id,
            **self.definition.definition_fields(),
            "created_at": _shown(self.created_at),
            "updated_at": _shown(self.updated_at),
            "last_run_at": _shown(self.last_run_at),
            "last_run_status": self.last_run_status,
            "last_run_error": self.last_run_error,
            "next_run_at": _shown(self.plan.runs_next),
            "state": self.plan.state,
            "state_reason": self.plan.reason,
            "health": self.health or "ok" if self.definition.expects else None,
            "revision": self.revision,
        }


def _shown(ms: int | None) -> str | None:
    return None if ms is None else format_ms(ms)


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A job's schedule and options, parsed. Jobs that were made alike share one: it is compared by identity."""

    schedule: Schedule
    options: Options


@dataclass(slots=True)
class DueJob:
    """A due job, as far as its plan needs it.

    Args:
        id: the job's.
        due: its score in the due index, ms.
        revision: of its definition.
        definition: its schedule and options.
        kind: what `kind_of` says of these, whatever the job's hash says.
        stored_kind: what the job's hash says.
        anchor: what an interval counts from, epoch seconds.
        next_occurrence: the first undecided one, epoch seconds.
        next_due: the same with its jitter, ms; it differs from `due` where outside hands moved the index.
        last_decided: the newest decided occurrence, epoch seconds; None before the first.
        planned_by: the calendar by which it was planned, as `name/stamp`; None without one.
        calendar: that calendar, once it is looked up.
        edits: its changed occurrences.
    """

    id: str
    due: int
    revision: int
    definition: Definition
    kind: str | None
    stored_kind: str | None
    anchor: int
    next_occurrence: int | None
    next_due: int | None
    last_decided: int | None
    planned_by: str | None = None
    calendar: Calendar | None = None
    edits: Edits = NO_EDITS

    @property
    def shares_its_plan(self) -> bool:
        """Whether its plan follows from its kind and due instant alone.

        It does not if the job has no kind, or if outside hands or an older release have changed something.
        """
        occurrence, decided = self.next_occurrence, self.last_decided
        return (
            self.kind is not None
            and self.kind == self.stored_kind
            and occurrence is not None
            and occurrence * 1000 == self.due
            and (decided is None or decided < occurrence)
        )


def read_job(job_id: str, fields: Mapping[bytes, bytes]) -> JobRecord:
    """Read a job from its hash, in which a missing field means its default.

    Args:
        job_id: the job's id, which only the hash's key says.
        fields: the hash.

    Returns:
        The job.

    Raises:
        UnreadableJob: the hash is damaged.
    """
    text = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in fields.items()}
    try:
        return _read(job_id, text)
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadableJob(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=8192)
def stored_options(text: str) -> Options:
    """Parse stored options, and keep them: jobs that were made alike share them, and they are immutable."""
    return Options.model_validate_json(text)


def _read(job_id: str, text: Mapping[str, str]) -> JobRecord:
    def number(name: str) -> int | None:
        return int(text[name]) if name in text else None

    enabled = text["enabled"] == "1"
    definition = JobDefinition(
        name=text["name"],
        description=text.get("description"),
        bot_type=text["bot_type"],
        enabled=enabled,
        schedule_type=text["schedule_type"],
        schedule_config=json.loads(text["schedule_config"]),
        bot_config=json.loads(text["bot_config"]),
        options=stored_options(text["options"]),
        labels=dict(stored_labels(text["labels"].encode())) if "labels" in text else {},
    )
    state = text.get("state", "scheduled") if enabled or text.get("state") == "broken" else "disabled"
    plan = Plan(
        anchor=int(text["anchor"]),
        next_occurrence=number("next_occurrence"),
        next_due=number("next_due"),
        state=state,
        reason=text.get("state_reason"),
        calendar=text.get("calendar"),
        next_run=number("next_run"),
        after=number("since"),
    )
    return JobRecord(
        id=job_id,
        revision=int(text["revision"]),
        definition=definition,
        plan=plan,
        last_decided=number("last_decided"),
        created_at=int(text["created_at"]),
        updated_at=int(text.get("updated_at", text["created_at"])),
        last_run_at=number("last_run_at"),
        last_run_status=text.get("last_run_status"),
        last_run_error=text.get("last_run_error"),
        health=text.get("health"),
        edits=Edits(text["edits"]) if "edits" in text else NO_EDITS,
        edited_until=number("edited_until"),
    )
