"""Coming occurrences of a job, the changed ones where they will be."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.edits.edit import Edit, Edits
from service.domain.options import Options
from service.domain.schedules.closed.closed_days import Coming, coming
from service.domain.schedules.definition import Schedule
from service.domain.schedules.workdays import Calendar


@dataclass(frozen=True, slots=True)
class Shown:
    """A coming occurrence.

    Args:
        at: where it is shown: where it comes, or would have come, epoch seconds.
        scheduled_for: its own instant, epoch seconds.
        moved_from: where the schedule has it, if a closed day moved it.
        closed: why the calendar closes it; None if it does not.
        edit: how somebody changed it; None if nobody did.
    """

    at: int
    scheduled_for: int
    moved_from: int | None = None
    closed: str | None = None
    edit: Edit | None = None

    @property
    def runs(self) -> bool:
        """Whether it will run there."""
        is_off = self.edit is not None and (self.edit.action == "skip" or self.edit.decided is not None)
        return self.closed is None and not is_off


def coming_with_edits(
    schedule: Schedule, options: Options, after: int, count: int, anchor: int, calendar: Calendar | None,
    closed_at_most: int, edits: Edits,
) -> list[Shown]:  # fmt: skip
    """List the next occurrences strictly after an instant, those that do not run among them.

    Args:
        schedule: the job's.
        options: of the same job; jitter does not count.
        after: epoch seconds.
        count: how many that run, at most.
        anchor: epoch seconds from which an interval counts.
        calendar: the job's, if it has one.
        closed_at_most: closed ones that are listed; further ones are left out.
        edits: the job's changed ones.

    Returns:
        In the order in which they come, up to the last one that runs.
    """
    found = coming(schedule, options, after, count + len(edits.each), anchor, calendar, closed_at_most)
    shown = [one for one in (_shown(one, edits) for one in found) if one is not None]
    shown += [
        Shown(edit.moved_to, edit.instant, edit=edit)
        for edit in edits.pending
        if edit.moved_to is not None and edit.moved_to > after
    ]
    runs = 0
    listed: list[Shown] = []
    for one in sorted(shown, key=lambda one: (one.at, one.scheduled_for)):
        if runs == count:
            break
        listed.append(one)
        runs += one.runs
    return listed


def _shown(one: Coming, edits: Edits) -> Shown | None:
    """Return an occurrence at its own place; None if it was moved away, and is still to come."""
    edit = edits.each.get(one.at)
    if edit is not None and edit.action == "move" and edit.decided is None:
        return None
    return Shown(one.at, one.at, one.moved_from, one.closed, edit)
