"""A trouble that lasts fills no log."""

from __future__ import annotations

import logging

import pytest

from service.outage import REPEAT_SECONDS, Outage

LOG = logging.getLogger("service.test")
AWAY, FULL = ConnectionError("Redis cannot be reached"), ConnectionError("Redis is out of memory")


def test_the_same_trouble_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is met: at 0 s and at 60 s of 119."""
    assert REPEAT_SECONDS == 60
    now = 1000.0
    outage = Outage(lambda: now)
    with caplog.at_level(logging.INFO):
        for second in range(120):
            now = 1000.0 + second
            outage.tell(LOG, AWAY, "The worker waits")
    assert [record.getMessage() for record in caplog.records] == ["The worker waits: Redis cannot be reached"] * 2


def test_another_trouble_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """And the first one, when it comes back, not again within its minute."""
    outage = Outage(lambda: 0.0)
    for trouble in (AWAY, FULL, AWAY, FULL):
        outage.tell(LOG, trouble, "Waiting")
    assert [record.getMessage() for record in caplog.records] == [f"Waiting: {AWAY}", f"Waiting: {FULL}"]


def test_one_part_of_a_process_does_not_use_up_the_minute_of_another(caplog: pytest.LogCaptureFixture) -> None:
    """The alerts' thread meets it first; the scheduler's own line comes all the same, once."""
    outage = Outage(lambda: 0.0)
    for _ in range(2):
        outage.tell(logging.getLogger("service.alerting.alerts"), FULL, "Alerts wait")
        outage.tell(logging.getLogger("service.scheduler.scheduler"), FULL, "The scheduler waits")
    assert [record.getMessage() for record in caplog.records] == [
        f"Alerts wait: {FULL}",
        f"The scheduler waits: {FULL}",
    ]


def test_that_it_is_over_is_told_once_and_only_after_a_trouble(caplog: pytest.LogCaptureFixture) -> None:
    """A service that is well says nothing."""
    outage = Outage(lambda: 0.0)
    with caplog.at_level(logging.INFO):
        outage.over(LOG)
        outage.tell(LOG, AWAY, "Waiting")
        outage.over(LOG)
        outage.over(LOG)
    assert [record.getMessage() for record in caplog.records] == [f"Waiting: {AWAY}", "Redis answers again"]
