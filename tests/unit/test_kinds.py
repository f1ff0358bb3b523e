"""Which jobs share their plans."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from service.domain.kinds import kind_of
from service.domain.options import Options, parse_options

DAILY = {"hour": 8, "minute": 0}

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("daily", DAILY),
    ("daily", {**DAILY, "hour": 9}),
    ("daily", {**DAILY, "minute": 1}),
    ("daily", {**DAILY, "timezone": "Europe/Vienna"}),
    ("weekly", {**DAILY, "day_of_week": "mon"}),
    ("weekly", {**DAILY, "day_of_week": "mon,tue"}),
    ("cron", {"cron_expression": "0 8 * * *"}),
    ("cron", {"cron_expression": "0 8 * * 1"}),
    ("cron", {"cron_expression": "0 8 * * *", "timezone": "Europe/Vienna"}),
]

CHANGES: dict[str, Any] = {
    "max_concurrent_runs": 2,
    "overlap": "queue",
    "misfire_grace_seconds": 60,
    "catch_up": "all",
    "timeout_seconds": 5,
    "max_retries": 1,
    "retry_delay_seconds": 1,
    "starts_at": "2030-01-01T00:00:00",
    "ends_at": "2031-01-01T00:00:00",
    "disable_after_failures": 3,
    "alert_urls": ["env:BOT_SECRET_A"],
    "delete_after_seconds": 60,
    "calendar": "office",
    "on_closed": "next_open",
    "ping_urls": ["env:BOT_SECRET_A"],
    "expect": {"success_within_seconds": 60},
}
NEEDED = {"on_closed": {"calendar": "office"}}
"""Options without which another one is refused."""


def test_schedules_and_options_that_differ_in_any_one_field_are_of_different_kinds() -> None:
    """Crossed: no two of them share a kind."""
    assert set(CHANGES) == set(Options.model_fields) - {"jitter_seconds"}, "a new option belongs here"
    every = [Options(), *(parse_options({**NEEDED.get(name, {}), name: value}) for name, value in CHANGES.items())]
    crossed = itertools.product(SCHEDULES, every)
    kinds = [kind_of(schedule_type, config, options) for (schedule_type, config), options in crossed]
    assert None not in kinds
    assert len(set(kinds)) == len(SCHEDULES) * len(every)


def test_a_calendar_that_has_changed_makes_another_kind() -> None:
    options = Options(calendar="office")
    kinds = {kind_of("daily", DAILY, options, planned_by) for planned_by in (None, "office/one", "office/two")}
    assert len(kinds) == 3


def test_the_order_of_a_config_and_defaults_that_are_written_out_make_no_other_kind() -> None:
    assert kind_of("daily", DAILY, Options()) == kind_of("daily", dict(reversed(DAILY.items())), Options(max_retries=0))


@pytest.mark.parametrize(
    ("schedule", "options"),
    [(("interval", {"minutes": 1}), {}), (("daily", DAILY), {"jitter_seconds": 1})],
)
def test_an_interval_and_a_jitter_have_no_kind(schedule: tuple[str, dict[str, Any]], options: dict[str, Any]) -> None:
    """The one counts from its own anchor, the other draws from its id."""
    assert kind_of(*schedule, parse_options(options)) is None
