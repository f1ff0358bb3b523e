"""The day for which a run works: its occurrence's, by the clocks of the job's time zone; by hand, that of its start.

A retry, and a run that had to wait, have the occurrence of the first attempt. All instants of a context are in the
job's time zone, in which people read its schedule.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta

from bot_scheduler import Context


def own_day(context: Context) -> date:
    """Return the local day of the run's occurrence."""
    return (context.run.scheduled_for or context.now).date()


def day_now(context: Context) -> date:
    """Return the local day of this moment, which may be later than that of the run's start."""
    moment = context.now.astimezone(UTC) + timedelta(seconds=context.elapsed)
    return moment.astimezone(context.now.tzinfo).date()


def why_not_today(context: Context) -> str | None:
    """Return what is the matter with the run's day if the run did not start on it; else None."""
    day, today = own_day(context), context.now.date()
    if day == today:
        return None
    return f"its day, {day}, {'is over' if day < today else 'has not come yet'}"
