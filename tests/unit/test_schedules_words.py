"""Schedules in words, in local times, and how much jitter they bear."""

from __future__ import annotations

import pytest

from service.domain.options import Options
from service.domain.schedules import describe, local_times, preview, shortest_gap, validate_schedule
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule, Weekly
from service.errors import ValidationFailed

ALL_DAYS = frozenset(range(7))


@pytest.mark.parametrize(
    ("schedule", "options", "sentence"),
    [
        (Daily(8, 0), {}, "Every day at 08:00 (UTC)."),
        (Daily(8, 5, "Europe/Paris"), {}, "Every day at 08:05 (Europe/Paris)."),
        (Weekly(14, 30, frozenset({4, 0, 2})), {}, "Every Monday, Wednesday and Friday at 14:30 (UTC)."),
        (Weekly(14, 30, ALL_DAYS), {}, "Every day at 14:30 (UTC)."),
        (Interval(3600), {}, "Every hour."),
        (Interval(7200), {}, "Every 2 hours."),
        (Interval(90_061), {}, "Every 1 day, 1 hour, 1 minute and 1 second."),
        (Interval(1), {}, "Every second."),
        (Interval(5400), {}, "Every 1 hour and 30 minutes."),
        (Interval(86_400), {}, "Every day."),
        (Interval(7 * 86_400), {"jitter_seconds": 1}, "Every 7 days, each delayed by up to 1 second."),
        (Cron("*/5 * * * *"), {}, "Every 5 minutes (UTC)."),
        (Cron("0 0 * * 7", "Asia/Kolkata"), {}, "Every Sunday at 00:00 (Asia/Kolkata)."),
        (
            Daily(8, 0),
            {"starts_at": "2025-02-01T00:00:00", "ends_at": "2025-03-01T00:00:00", "jitter_seconds": 90},
            (
                "Every day at 08:00 (UTC), from 2025-02-01T00:00:00 UTC on, before 2025-03-01T00:00:00 UTC, "
                "each delayed by up to 1 minute and 30 seconds."
            ),
        ),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, options: dict[str, object], sentence: str) -> None:
    """A schedule reads as one plain sentence with its zone, window and jitter."""
    assert describe(schedule, Options(**options)) == sentence  # type: ignore[arg-type]


def test_a_preview_ends_where_the_job_ends() -> None:
    """A preview gives as many occurrences as asked for, or as there are."""
    assert len(preview(Daily(8, 0), Options(), 0, 1000, 0)) == 1000
    assert preview(Daily(8, 0), Options(ends_at="1970-01-03T00:00:00"), 0, 10, 0) == [28_800, 115_200]


def test_local_times_carry_their_offset() -> None:
    """Local times are ISO 8601 with the offset of the instant; intervals are shown in UTC."""
    assert local_times(Daily(8, 0, "Asia/Kolkata"), [0]) == ["1970-01-01T05:30:00+05:30"]
    assert local_times(Interval(60), [60]) == ["1970-01-01T00:01:00+00:00"]


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        (Interval(90), 90),
        (Daily(8, 0), 86400),
        (Daily(8, 0, "Asia/Kolkata"), 86400),
        (Daily(8, 0, "Europe/Paris"), 82800),
        (Weekly(8, 0, frozenset({0, 3})), 3 * 86400),
        (Weekly(8, 0, frozenset({0, 6}), "Europe/Paris"), 86400),
        (Weekly(8, 0, frozenset({5, 6}), "Europe/Paris"), 82800),
        (Cron("* * * * *"), 60),
        (Cron("*/40 * * * *"), 1200),
        (Cron("59 23 * * *"), 86400),
        (Cron("0,59 * * * *"), 60),
        (Cron("0 8-18 * * 1-5", "America/New_York"), 3600),
        (Cron("0 0 28,1 * *"), 86400),
        (Cron("0 0 29 2 *"), 1461 * 86400),
        # 01:59, then 02:59 made up for at 03:00, one minute later.
        (Cron("59 1,2 * * *", "America/New_York"), 60),
        (Cron("59 1,2 * * *"), 3600),
        # 01:45 comes twice within half an hour.
        (Cron("45 * * * *", "Australia/Lord_Howe"), 1800),
    ],
    ids=str,
)
def test_the_shortest_gap(schedule: Schedule, gap: int) -> None:
    """The shortest gap is that of ordinary days or, where it is shorter, of a change of the clocks."""
    assert shortest_gap(schedule) == gap


@pytest.mark.parametrize(
    ("schedule", "jitter", "bound"),
    [(Interval(60), 60, 60), (Cron("*/5 * * * *"), 300, 300), (Daily(8, 0, "Europe/Paris"), 82_800, 82_800)],
)
def test_jitter_stays_below_the_gap(schedule: Schedule, jitter: int, bound: int) -> None:
    """A jitter as long as the shortest gap is refused, saying the bound; a second less is taken."""
    validate_schedule(schedule, Options(jitter_seconds=jitter - 1), 0)
    with pytest.raises(ValidationFailed) as refused:
        validate_schedule(schedule, Options(jitter_seconds=jitter), 0)
    assert [error.field for error in refused.value.errors] == ["options.jitter_seconds"]
    assert str(refused.value).startswith(f"options.jitter_seconds must be less than {bound},")


def test_a_schedule_must_have_a_future() -> None:
    """A schedule without any further occurrence is refused."""
    with pytest.raises(ValidationFailed, match="schedule_config must be able to fire"):
        validate_schedule(Daily(8, 0), Options(), 253_402_300_799)
