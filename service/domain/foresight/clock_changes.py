"""Coming changes of clocks: which jobs meet one, and what becomes of their occurrences.

No type of schedule is looked into. The occurrences around the change are compared with those of the same schedule on a
wall clock that never changes, so that the report holds for whatever the engine does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any, Literal

from service.domain.edits.edit import NO_EDITS
from service.domain.foresight.occurrence_changes import Course
from service.domain.foresight.zone_changes import DAY, ZoneChange, changes_of, on_wall_clock, wall_clock
from service.domain.input.refusals import listed
from service.domain.schedules.definition import Interval
from service.domain.timestamps import format_timestamp

Outcome = Literal["moved", "skipped", "first", "both"]
NAMED = 3
"""The most local times that a sentence names one by one."""
LOOKED_AT = 1500
"""The most local times of one change that are looked at: each minute of a day, the longest change there ever was."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A schedule's meeting with a change of clocks.

    Args:
        change: the change.
        times: the local times that are skipped or come twice, at which the schedule would be due.
        outcome: `moved`: they run once, right after the gap. `skipped`: they do not run. `first`: they run the first
            time only. `both`: they run both times.
    """

    change: ZoneChange
    times: tuple[int, ...]
    outcome: Outcome

    @property
    def sentence(self) -> str:
        """The meeting, in words."""
        change, several = self.change, len(self.times) > 1
        times = _listed([_clock(time) for time in self.times])
        day = wall_clock(self.times[0]).date()
        if change.skips:
            does = "do not exist" if several else "does not exist"
        else:
            does = "come twice" if several else "comes twice"
        return f"{times} {does} on {day} in {change.timezone}: {self._consequence()}"

    def _consequence(self) -> str:
        several = len(self.times) > 1
        match self.outcome:
            case "moved":
                return f"runs {'once, ' if several else ''}at {_clock(self.change.at + self.change.after)}"
            case "skipped":
                return f"not run, {len(self.times)} runs fewer" if several else "not run, one run fewer"
            case "first":
                return "runs the first time"
            case "both":
                return "runs both times"

    def answer(self) -> dict[str, Any]:
        """Return the meeting as the API shows it."""
        return {
            "at": format_timestamp(self.change.at),
            "timezone": self.change.timezone,
            "from_offset": _offset(self.change.before),
            "to_offset": _offset(self.change.after),
            "local_times": [wall_clock(time).isoformat() for time in self.times[:NAMED]],
            "count": len(self.times),
            "outcome": self.outcome,
            "sentence": self.sentence,
        }


def meetings(course: Course, now: int, until: int) -> Iterator[Meeting]:
    """Find the changes of clocks at which a job's occurrences are not what its schedule says.

    Args:
        course: the job's.
        now: epoch seconds; the changes come after this.
        until: epoch seconds, inclusive.

    Raises:
        ScheduleError: the zone is not known (any more).
    """
    for part in _parts(course):
        if isinstance(part.schedule, Interval):
            continue
        for change in changes_of(part.schedule.timezone, now, until):
            unchanged = _on_unchanged_clock(part, change)
            if times := _between(unchanged, *change.span):
                yield Meeting(change, times, _outcome(part, unchanged, change, times))


def _parts(course: Course) -> list[Course]:
    """Return the courses of the members of a schedule that has some, each of which has its own zone."""
    members: tuple[Any, ...] = getattr(course.schedule, "members", ())
    whole = replace(course, edits=NO_EDITS)  # what people have changed is no matter of the clocks
    return [replace(whole, schedule=member.schedule) for member in members] or [whole]


def _on_unchanged_clock(course: Course, change: ZoneChange) -> Course:
    """Return the course that a job would have on a clock that never changes and shows its zone's local times."""
    options = course.options
    bounds = {
        name: None if instant is None else format_timestamp(_local(change, instant))
        for name, instant in (("starts_at", options.starts_at_s), ("ends_at", options.ends_at_s))
    }
    schedule: Any = course.schedule
    return Course(
        replace(schedule, timezone="UTC"), options.model_copy(update=bounds),
        anchor=_local(change, course.anchor), first=0, calendar=course.calendar,
    )  # fmt: skip


def _local(change: ZoneChange, instant: int) -> int:
    """Return the local time of an instant so that the times of the change stay on the same side of it.

    Skipped times count as the instant of the change, and times that come twice as their first pass.
    """
    last = change.at if change.skips else change.at + DAY
    return instant + change.before if change.at <= instant <= last else on_wall_clock(change.timezone, instant)


def _between(course: Course, start: int, end: int) -> tuple[int, ...]:
    return tuple(islice(takewhile(lambda instant: instant < end, course.after(start - 1, end)), LOOKED_AT))


def _outcome(course: Course, unchanged: Course, change: ZoneChange, times: tuple[int, ...]) -> Outcome:
    """Tell what becomes of these local times, by the occurrences that there are."""
    if change.skips:
        end = change.span[1]
        # Where it is due right after the gap anyway, nothing tells whether others have moved there.
        is_due_anyway = _between(unchanged, end, end + 1)
        return "moved" if _between(course, change.at, change.at + 1) and not is_due_anyway else "skipped"
    again = [time - change.after for time in times]
    return "both" if any(_between(course, instant, instant + 1) for instant in again) else "first"


def _listed(times: list[str]) -> str:
    if len(times) > NAMED:
        return f"{times[0]} to {times[-1]}"
    return listed(times, "and")


def _clock(seconds: int) -> str:
    return f"{wall_clock(seconds):%H:%M:%S}".removesuffix(":00")


def _offset(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{rest // 60:02}"
