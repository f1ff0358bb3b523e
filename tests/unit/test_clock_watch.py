"""Whether a clock has stepped, what becomes of a job after it, and how both are told: pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.alerting.alert_texts import words_of_the_service
from service.domain.clock_watch import STEP_MS, ClockWatch
from service.domain.job import JobDefinition
from service.domain.notices import Step, WentBack, length, stepped, went_back
from service.domain.options import Options
from service.domain.records import JobRecord, Plan
from service.domain.voiding import TRUSTED_SECONDS, renewed

NOW = 1_800_000_000
YEAR = 365 * 86_400


def test_a_watch_that_has_not_looked_yet_expects_nothing() -> None:
    """So the first look finds no step."""
    watch = ClockWatch()
    assert watch.expected_ms(5) is None
    assert not watch.has_stepped(NOW * 1000, 5)


@pytest.mark.parametrize(("off", "stepped"), [(60_000, False), (60_001, True), (-60_000, False), (-60_001, True)])
def test_more_than_a_minute_either_way_is_a_step(off: int, stepped: bool) -> None:
    """Beside the time that passed by the steady clock."""
    watch = ClockWatch()
    watch.note(NOW * 1000, 100)
    assert watch.expected_ms(7_100) == NOW * 1000 + 7_000
    assert watch.has_stepped(NOW * 1000 + 7_000 + off, 7_100) is stepped
    assert STEP_MS == 60_000


def job(**changes: object) -> JobRecord:
    """A job of each minute, whose last occurrence was decided a minute ago."""
    definition = JobDefinition(
        name="a", description=None, bot_type="echo", enabled=True, schedule_type="interval",
        schedule_config={"minutes": 1}, bot_config={}, options=Options(),
    )  # fmt: skip
    record = JobRecord(
        id="0b7f7a1e-0000-4000-8000-000000000001", revision=1, definition=definition,
        plan=Plan(NOW - 600, NOW + 60, (NOW + 60) * 1000, "scheduled"), created_at=0, updated_at=0, last_decided=NOW,
    )  # fmt: skip
    return replace(record, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("sound", [None, NOW * 1000])
def test_a_job_about_which_nothing_to_come_was_decided_stays_as_it_is(sound: int | None) -> None:
    """Also one that is due in years."""
    assert renewed(job(), NOW * 1000, sound) is None
    assert renewed(job(plan=Plan(NOW, NOW + YEAR, (NOW + YEAR) * 1000, "scheduled")), NOW * 1000, sound) is None


@pytest.mark.parametrize(("beyond", "void"), [(TRUSTED_SECONDS, False), (TRUSTED_SECONDS + 1, True)])
def test_unwatched_only_what_lies_over_two_hours_ahead_is_void(beyond: int, void: bool) -> None:
    """It stands up to now then."""
    found = renewed(job(last_decided=NOW + beyond), NOW * 1000, None)
    assert (found is not None) is void
    assert found is None or (found.stands, found.plan.next_occurrence) == (NOW, NOW + 60)
    assert TRUSTED_SECONDS == 7_200


@pytest.mark.parametrize(
    ("landed", "ran", "anchor", "stands"),
    [
        (NOW - 70, None, NOW - YEAR, NOW - 70),
        (NOW + 5, None, NOW - YEAR, NOW),
        (NOW - 70, NOW - 10, NOW - YEAR, NOW - 10),
        (NOW - 70, NOW - 100, NOW - YEAR, NOW - 70),
        (NOW - 70, None, NOW - 30, NOW - 31),
        (NOW - 70, None, NOW + 30, NOW),
        (None, NOW - 10, NOW - YEAR, NOW),
        (NOW - 70, None, NOW + YEAR, NOW),
    ],
)
def test_unwatched_decisions_stand_up_to_the_landing(
    landed: int | None, ran: int | None, anchor: int, stands: int
) -> None:
    """Or the newest that is over and was enqueued, or the job's beginning; never later than now."""
    ahead = job(last_decided=NOW + YEAR, plan=Plan(anchor, NOW + YEAR, (NOW + YEAR) * 1000, "scheduled"))
    landed_ms = None if landed is None else landed * 1000
    found = renewed(ahead, NOW * 1000, None, ran=ran, landed_ms=landed_ms)
    assert found is not None and found.stands == stands


def test_watched_a_job_goes_on_from_the_first_occurrence_that_was_decided_ahead() -> None:
    """Or after the newest that is over and was enqueued."""
    ahead = job(last_decided=NOW + 600)
    found = renewed(ahead, NOW * 1000, (NOW - 300) * 1000, first=NOW - 240)
    assert found is not None and found.plan.next_occurrence == NOW - 240
    found = renewed(ahead, NOW * 1000, (NOW - 300) * 1000, first=NOW - 240, ran=NOW - 120)
    assert found is not None and found.plan.next_occurrence == NOW - 60


def test_what_was_decided_before_a_step_back_that_stands_is_not_void() -> None:
    """Though it lies ahead; and a job that was put right is passed over."""
    assert renewed(job(last_decided=NOW + 600), NOW * 1000, (NOW + 600) * 1000) is None
    assert renewed(job(last_decided=NOW + 599), NOW * 1000, NOW * 1000, first=NOW + 600) is None


def test_lengths_are_told_in_their_two_largest_units() -> None:
    """Either way."""
    told = [length(ms) for ms in (0, 999, 61_000, -3_600_000, 86_400_000 + 7_000, YEAR * 1000 - 1, 86_399_000)]
    assert told == ["0 s", "0 s", "1 min 1 s", "1 h", "1 d", "365 d", "1 d"]


def test_steps_and_losses_are_told_in_a_sentence_and_an_alert() -> None:
    """When, which way, how far, and what to do."""
    step = Step(-3_600_000, NOW * 1000, (NOW - 3_600) * 1000)
    assert stepped(step) == (
        "Redis' clock was set back by 1 h: at 2027-01-15T08:00:00 UTC it went to 2027-01-15T07:00:00 UTC"
    )
    subject, body = words_of_the_service(
        {"kind": "clock_stepped", "by": step.by_ms, "before": step.before_ms, "at": step.landed_ms}
    )
    assert subject == "Redis' clock was set back by 1 h" and stepped(step) in body and "acknowledge" in body
    subject, body = words_of_the_service({"kind": "data_went_back", "at": NOW * 1000, "seen": "older", "beats": 2})
    assert subject == "The data in Redis went back"
    assert went_back(WentBack(NOW * 1000, "older", 2)) in body and "about 4 s" in body
