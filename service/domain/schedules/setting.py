"""Rules that bind a schedule when it is set; what is stored keeps running, and can be sent back unchanged."""

from __future__ import annotations

from service.domain.options import Options
from service.domain.schedules.closed.closed_days import refuse_jitter_of_moves
from service.domain.schedules.cron_steps import refuse_foreign_letters, refuse_idle_steps
from service.domain.schedules.definition import Interval, Once, Recurrence, Schedule, singles_in
from service.domain.schedules.gaps import shortest_gap
from service.domain.schedules.occurrences import cron_expressions, next_occurrence
from service.domain.schedules.workdays import Calendar
from service.errors import ScheduleError, ValidationFailed


def validate_schedule(
    schedule: Schedule, options: Options, now: int, stored: Schedule | None = None, calendar: Calendar | None = None
) -> None:
    """Check a schedule by its occurrences, and by the rules that bind new schedules alone.

    Args:
        schedule: the job's.
        options: of the same job.
        now: epoch seconds.
        stored: the schedule that the job has already; it may have come to its end, and its cron steps are accepted.
        calendar: the job's, if it has one.

    Raises:
        ValidationFailed: the schedule has a step that never comes round or a letter of another alphabet, never fires
            again, or the jitter could make two occurrences change places.
    """
    known = cron_expressions(stored) if stored is not None else set()
    for expression in sorted(cron_expressions(schedule) - known):
        refuse_foreign_letters(expression, "schedule_config.cron_expression")
        refuse_idle_steps(expression, "schedule_config.cron_expression")
    if schedule != stored:
        _refuse_past(schedule, options, now, calendar)
    refuse_jitter_of_moves(schedule, options)
    if options.jitter_seconds and options.jitter_seconds >= (gap := shortest_gap(schedule)):
        raise ValidationFailed.of(
            "options.jitter_seconds",
            f"must be less than {gap}, the shortest time in seconds between two occurrences of this schedule, "
            f"not {options.jitter_seconds}",
        )


def _refuse_past(schedule: Schedule, options: Options, now: int, calendar: Calendar | None) -> None:
    """Refuse a schedule that never comes; an `ends_at` that is past leaves none either, but is the job's own."""
    whole = options.model_copy(update={"ends_at": None})
    try:
        found = next_occurrence(schedule, whole, now, now, calendar)
        # What is found today must be found at another time of the year, too.
        for later in range(1, 13 if found is not None else 1):
            next_occurrence(schedule, whole, now + later * 30 * 86400, now, calendar)
    except ScheduleError as error:
        raise ValidationFailed.of("schedule_config", f"must not leave so long a time without a run: {error}") from None
    if found is None and isinstance(schedule, Once):
        raise ValidationFailed.of("schedule_config", "must have a time that is still to come")
    if found is None:
        raise ValidationFailed.of("schedule_config", "must be able to fire, but has no occurrence up to the year 9999")


def refuse_short_interval(schedule: Schedule, least: int) -> None:
    """Refuse an interval, or a rule, of less than so many seconds.

    Raises:
        ValidationFailed: it is shorter; names the setting.
    """
    if least == 1:
        return
    for one in singles_in(schedule):
        gap = one.seconds if isinstance(one, Interval) else shortest_gap(one) if isinstance(one, Recurrence) else least
        if gap < least:
            raise ValidationFailed.of(
                "schedule_config",
                f"must {'add up to' if isinstance(one, Interval) else 'come round in'} at least {least} seconds "
                f"(MIN_INTERVAL_SECONDS), not {gap} seconds",
            )
