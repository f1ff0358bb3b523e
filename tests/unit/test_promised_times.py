"""Numbers that the documents promise, each in a table: who changes one changes a promise."""

from __future__ import annotations

import random
from statistics import mean

import pytest
from pydantic import BaseModel

from service.domain.job_requests import parse_create
from service.domain.options import Options
from service.domain.planning import new_record
from service.domain.retries import follow_up, rerun_of, retry_of
from service.domain.run_records import Claim, JobFields, Outcome, Retry
from service.domain.status import count_up

RUN = "0b7f7a1e-0000-4000-8000-000000000001"
NOW = 1_764_115_200_000
JOB = {"name": "J", "bot_type": "any", "schedule_type": "interval", "schedule_config": {"hours": 1}}


class Config(BaseModel):
    """A bot's that has no settings."""


def retry(attempt: int, chance: float, **options: int) -> Retry:
    """The retry after this attempt, by this throw of the dice."""
    found = retry_of(RUN, attempt, Options.model_validate({"max_retries": 10, **options}), lambda: chance)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("base", "seconds"),
    [
        (None, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]),
        (1, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
        (1000, [1000, 2000, 3600, 3600, 3600, 3600, 3600, 3600, 3600, 3600]),
        (3600, [3600] * 10),
    ],
)
def test_a_retry_waits_at_most_its_delay_doubled_at_each_attempt_and_never_over_an_hour(
    base: int | None, seconds: list[int]
) -> None:
    """retry_delay_seconds, 60 unless told, × 2ⁿ."""
    options = {} if base is None else {"retry_delay_seconds": base}
    assert [retry(attempt, 1.0, **options).delay_ms for attempt in range(1, 11)] == [each * 1000 for each in seconds]


@pytest.mark.parametrize(("chance", "ms"), [(0.0, 1), (0.25, 30_000), (0.5, 60_000), (0.999, 119_880), (1.0, 120_000)])
def test_the_jitter_is_full(chance: float, ms: int) -> None:
    """Anything from nothing to the whole delay, evenly; a millisecond at least, since none at all is a rerun's."""
    assert retry(2, chance).delay_ms == ms


def test_what_chance_makes_of_it_is_spread_over_the_whole_delay() -> None:
    """As the workers and the reaper draw it, by `random.random`."""
    dice = random.Random(7)
    drawn = [one.delay_ms for _ in range(2000) if (one := retry_of(RUN, 1, Options(max_retries=1), dice.random))]
    assert len(drawn) == 2000
    assert min(drawn) < 600 and max(drawn) > 59_400
    assert 28_500 < mean(drawn) < 31_500


def test_attempts_are_counted_to_the_last_one() -> None:
    """max_retries 2 are three attempts; without any there is one. A run has the same retry, whoever reckons it."""
    for most in (0, 1, 2, 10):
        options = Options(max_retries=most)
        made = [retry_of(RUN, attempt, options, lambda: 1.0) for attempt in range(1, 13)]
        assert [one.attempt for one in made if one is not None] == list(range(2, most + 2))
    assert retry(1, 0.1).run_id == retry(1, 0.9).run_id != RUN


@pytest.mark.parametrize(
    ("wait", "chance", "ms"),
    [(7.0, 0.0, 7_000), (7.0, 0.5, 37_000), (7.0, 1.0, 67_000), (3600.0, 0.5, 3_600_000), (86_400.0, 0.0, 3_600_000),
     (0.0, 0.5, 30_000)],
)  # fmt: skip
def test_a_retry_comes_after_what_its_failure_asks_to_wait_for(wait: float, chance: float, ms: int) -> None:
    """Its own delay begins then, so that nobody comes early and not everybody at once; an hour at most in all."""
    found = retry_of(RUN, 1, Options(max_retries=1), lambda: chance, wait)
    assert found is not None and found.delay_ms == ms


def test_a_rerun_waits_for_nothing_and_is_no_attempt() -> None:
    """What a stopping worker cut short costs no attempt."""
    again = rerun_of(RUN, 3)
    assert (again.attempt, again.delay_ms) == (3, 0)


@pytest.mark.parametrize(
    ("outcome", "rerun", "attempt"),
    [
        (Outcome("failed", "no"), False, 3),
        (Outcome("failed", "no"), True, 2),
        (Outcome("failed", "no", final=True), False, None),
        (Outcome("failed", "no", final=True), True, None),
        (Outcome("success"), False, None),
        (Outcome("cancelled", "by hand"), True, None),
    ],
)
def test_only_a_failure_that_is_not_final_is_followed_by_a_run(
    outcome: Outcome, rerun: bool, attempt: int | None
) -> None:
    """Its retry is the next attempt; a run that was cut short is the same attempt again."""
    definition = parse_create(JOB | {"options": {"max_retries": 5}}, {"any": Config})
    claim = Claim(RUN, "token", NOW, {"id": RUN, "attempt": "2"}, JobFields())
    claim.job.__dict__["record"] = new_record("job", definition, NOW)
    following = follow_up(claim, outcome, lambda: 1.0, rerun=rerun)
    assert (following and following.attempt) == attempt


@pytest.mark.parametrize("rerun", [False, True])
def test_a_damaged_job_has_no_retry_but_its_cut_run_is_made_again(rerun: bool) -> None:
    """The delay cannot be read; a run that follows at once needs none."""
    claim = Claim(RUN, "token", NOW, {"id": RUN, "attempt": "2"}, JobFields("job", {b"name": b"n"}))
    assert (follow_up(claim, Outcome("failed", "no"), lambda: 1.0, rerun=rerun) is not None) == rerun


@pytest.mark.parametrize(
    ("age_ms", "alive"), [(0, 1), (14_999, 1), (15_000, 1), (15_001, 0), (3_600_000, 0), (-15_000, 1), (-15_001, 0)]
)
def test_a_heartbeat_is_a_sign_of_life_for_fifteen_seconds(age_ms: int, alive: int) -> None:
    """Also one from the future, which was written before the clock was set back."""
    assert count_up([NOW - age_ms], NOW) == alive
