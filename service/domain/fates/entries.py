"""Entries of a job's history, as far as they say what became of occurrences. The schedule is not asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.edits.edit import Edit

FIELDS = (
    "status", "trigger", "scheduled_for", "last_scheduled_for", "occurrences", "reason", "closed", "queued_at", "due",
    "started_at", "finished_at", "revision", "attempt", "error", "retry_of", "pause", "held_by", "edit",
    "requested_by", "rehearsal", "members", "again_of", "backfill_id",
)  # fmt: skip
"""The fields of a run's hash that are read. The last ones are there only where somebody paused, changed or asked."""
OPEN = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry.

    Args:
        run_id: the run's id.
        status: the run's.
        trigger: the run's: `schedule` where the schedule's decision made it.
        first: its occurrence, epoch seconds; of neighbours that were skipped together, the first.
        last: the last of these.
        occurrences: how many these are.
        reason: of a skip.
        closed: the closed day's name.
        queued_at: ms, when it was decided.
        due: ms, with its jitter.
        started_at: ms.
        finished_at: ms.
        revision: of the job, when the run started.
        attempt: 1, and more of a retry.
        error: why it failed, or was cancelled.
        retry_of: the id of the run that it repeats.
        pause: the pause that covered it, with `reason` and `by`; None if none did.
        held_by: the id of the pause that holds its run now, mostly the same; None if none does.
        edit: how somebody changed this one occurrence; None if nobody did.
        by: who asked for it or cancelled it, `{"actor", "name"}`.
        is_rehearsal: whether it is a rehearsal, which stands for nothing.
        members: of a union, as a run keeps them.
        again_of: the run that it does again; also of a retry of such a run.
        backfill_id: the backfill whose run it is; also of a retry of such a run.
    """

    run_id: str
    status: str
    trigger: str
    first: int
    last: int
    occurrences: int = 1
    reason: str | None = None
    closed: str | None = None
    queued_at: int | None = None
    due: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    revision: int | None = None
    attempt: int = 1
    error: str | None = None
    retry_of: str | None = None
    pause: Mapping[str, Any] | None = None
    held_by: str | None = None
    edit: Edit | None = None
    by: Mapping[str, str] | None = None
    is_rehearsal: bool = False
    members: str | None = None
    again_of: str | None = None
    backfill_id: str | None = None

    @property
    def moved_to(self) -> int | None:
        """When it was to run instead, epoch seconds, because somebody moved it."""
        return None if self.edit is None else self.edit.moved_to

    @property
    def is_decision(self) -> bool:
        """Whether it records the one decision about its occurrences."""
        return self.trigger == "schedule"

    @property
    def is_repair(self) -> bool:
        """Whether it was made later for an occurrence that was decided before, by hand or by a backfill."""
        return self.again_of is not None or self.backfill_id is not None or self.trigger == "backfill"

    @property
    def is_held(self) -> bool:
        """Whether a pause holds its run now."""
        return self.held_by is not None

    @property
    def is_void(self) -> bool:
        """Whether its decision came from a clock that was ahead: its occurrences are decided anew."""
        return self.reason == "clock"

    @property
    def is_ahead(self) -> bool:
        """Whether somebody has moved it to before its own time."""
        return self.edit is not None and self.edit.moved_to is not None and self.edit.due < self.first * 1000

    @property
    def is_folded(self) -> bool:
        """Whether it stands for several occurrences."""
        return self.occurrences > 1 or self.last > self.first

    @property
    def ran(self) -> bool:
        """Whether a run was made, whatever became of that; its bot may have skipped it once it had started."""
        return self.status != "skipped" or self.started_at is not None

    @property
    def counts(self) -> bool:
        """Whether something ran for its occurrence, or still will: not if it was withdrawn before it began."""
        is_withdrawn = self.status in ("skipped", "cancelled") and self.started_at is None
        return not (is_withdrawn or self.is_rehearsal)


def read_entry(run_id: str, values: Sequence[bytes | None]) -> Entry | None:
    """Read an entry from the values of `FIELDS`; None if it is about no occurrence, gone or damaged."""
    text = {
        name: value.decode(errors="replace") for name, value in zip(FIELDS, values, strict=True) if value is not None
    }
    if "status" not in text or "scheduled_for" not in text:
        return None

    def number(name: str) -> int | None:
        return int(text[name]) if name in text else None

    try:
        first = int(text["scheduled_for"])
        return Entry(
            run_id, text["status"], text.get("trigger", "schedule"), first,
            int(text.get("last_scheduled_for", first)), int(text.get("occurrences", 1)), text.get("reason"),
            text.get("closed"), number("queued_at"), number("due"), number("started_at"), number("finished_at"),
            number("revision"), int(text.get("attempt", 1)), text.get("error"), text.get("retry_of"),
            _object(text.get("pause")), text.get("held_by"), _edit(first, text.get("edit")),
            _object(text.get("requested_by")), text.get("rehearsal") == "1", text.get("members"),
            text.get("again_of"), text.get("backfill_id"),
        )  # fmt: skip
    except ValueError:
        return None


def _object(text: str | None) -> Mapping[str, Any] | None:
    """Read an object; None for nothing, or what outside hands have damaged."""
    try:
        found = None if text is None else json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _edit(instant: int, text: str | None) -> Edit | None:
    try:
        return None if text is None else Edit.read(instant, text)
    except (ValueError, TypeError, KeyError):
        return None
