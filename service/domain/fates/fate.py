"""The fate of one instant that a job's schedule named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.domain.edits.edit import Edit
from service.domain.fates.entries import Entry
from service.domain.fates.epochs import Epoch

FateWord = Literal[
    "ran", "skipped", "moved", "closed", "paused", "dropped", "coming", "overdue", "unaccounted", "unknown",
]  # fmt: skip
FATES: tuple[FateWord, ...] = (
    "ran", "skipped", "moved", "closed", "paused", "dropped", "coming", "overdue", "unaccounted", "unknown",
)  # fmt: skip
LOST: tuple[FateWord, ...] = ("overdue", "unaccounted")
"""The fates that count as unaccounted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody has decided about an instant to come, before the schedule's decision.

    Args:
        fate: `skipped`, `moved`, `closed`, `paused` or `coming`; `overdue` if it is due, and not decided.
        reason: why, in the words of whoever decided it; `edited` of one that somebody skips.
        moved_to: when it runs instead, epoch seconds.
        by: who decided it, `{"actor", "name"}`.
        edit: how somebody changed this one.
        closed: the closed day's name.
        pause: what a run's record would say of the pause that covers it.
    """

    fate: FateWord
    reason: str | None = None
    moved_to: int | None = None
    by: Mapping[str, Any] | None = None
    edit: Edit | None = None
    closed: str | None = None
    pause: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became, or is to become, of an instant.

    `ran`: there is a run of it, however that went. `skipped`: decided not to run, for `reason`. `moved`: ran, or is to
    run, at another time. `closed`: the calendar closes it. `paused`: a pause skipped or holds it. `dropped`: it was
    due, but the job was changed before it was decided. `coming`: not due yet, or a moment ago. `overdue`: due, and not
    decided. `unaccounted`: decided, as the job says, but there is no entry. `unknown`: there is no entry any more.

    Args:
        at: the instant, epoch seconds.
        word: see above.
        epoch: by which it was named.
        entry: of the history, if there is one.
        last: the last retry of its run, if there is one.
        reason: of a skip or a drop.
        closed: the closed day's name.
        moved_from: where the schedule has it, if the calendar moved it.
        moved_to: when it runs instead.
        by: who decided so.
        edit: how somebody changed it.
        pause: what is known of the pause that covers it, as a run's record says it.
        made_up: the run of a backfill that has made up for it, or that run's last retry.
        again: the newest run that was made for it later, by hand or, where it ran, by a backfill; or that run's last
            retry.
    """

    at: int
    word: FateWord
    epoch: Epoch
    entry: Entry | None = None
    last: Entry | None = None
    reason: str | None = None
    closed: str | None = None
    moved_from: int | None = None
    moved_to: int | None = None
    by: Mapping[str, Any] | None = None
    edit: Edit | None = None
    pause: Mapping[str, Any] | None = None
    made_up: Entry | None = None
    again: Entry | None = None

    @property
    def is_moved(self) -> bool:
        """Whether somebody has moved it, whatever became of it then."""
        return self.word == "moved" or (self.edit is not None and self.edit.action == "move")
