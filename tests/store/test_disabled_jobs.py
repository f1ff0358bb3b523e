"""A job that is switched off can still be run by hand, and such a run is tried again as the job's options say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from service.domain.options import Options
from service.domain.retries import retry_of
from service.domain.run_records import Outcome, Retry
from service.scheduler.reaper import Reaper
from service.store.server.redis_clock import RedisClock
from tests.support.store_rig import Rig

RETRY = "0b7f7a1e-0000-4000-8000-000000000001"
FAILED = Outcome("failed", "no answer", {})
SWITCH_OFF: dict[str, Callable[[Rig, str], object]] = {
    "toggled": lambda rig, job_id: rig.jobs.toggle(job_id, {"enabled": False}),
    "changed": lambda rig, job_id: rig.jobs.update(job_id, {"enabled": False, "name": "another"}),
    "after failures": lambda rig, job_id: end(rig, rig.use.run_now(job_id)),
}


def end(rig: Rig, run_id: str, retry: Retry | None = None, outcome: Outcome = FAILED) -> None:
    """Carries a run out, to this end."""
    assert rig.runs.finish(run_id, rig.start(run_id), outcome, retry=retry)


def make_job(rig: Rig) -> str:
    """One that its first failure switches off."""
    return rig.make_job(options={"disable_after_failures": 1, "max_retries": 3, "max_concurrent_runs": 5})


def released(rig: Rig, run_id: str) -> bool:
    """Whether a retry is in the queue once its delay is over."""
    rig.client.zadd(rig.keys.retries, {run_id: 1}, xx=True)
    rig.runs.release_delayed(run_id)
    return run_id in rig.queue()


def told(rig: Rig) -> list[str]:
    """The kinds of the alerts; takes them out of the outbox."""
    return [str(alert["kind"]) for alert in rig.told()]


@pytest.mark.parametrize("off", SWITCH_OFF.values(), ids=SWITCH_OFF)
@pytest.mark.parametrize(
    ("by_hand", "when"),
    [
        (True, "before it is asked for"),
        *product((True, False), ("while it waits", "while it runs", "during the delay")),
    ],
)
def test_a_run_by_hand_is_tried_again_though_its_job_is_off(
    rig: Rig, off: Callable[[Rig, str], object], when: str, by_hand: bool
) -> None:
    """However, and whenever, it was switched off; a run of an occurrence is not."""
    job_id = make_job(rig)
    if when == "before it is asked for":
        off(rig, job_id)
    run_id = rig.use.run_now(job_id) if by_hand else rig.run_due(job_id)
    if when == "while it waits":
        off(rig, job_id)
    token = rig.start(run_id)
    if when == "while it runs":
        off(rig, job_id)
    assert rig.runs.finish(run_id, token, FAILED, retry=Retry(RETRY, 2, 60_000))
    if when == "during the delay":
        off(rig, job_id)
    assert rig.jobs.get(job_id).data["enabled"] is False
    assert released(rig, RETRY) is by_hand
    if by_hand:
        end(rig, RETRY, outcome=Outcome("success", None, {}))
        assert rig.use.run(job_id, RETRY).data["status"] == "success"
    assert rig.jobs.get(job_id).data["next_run_at"] is None
    assert not rig.client.exists(rig.keys.retries) and rig.counts(job_id) == (0, 0)


def test_its_retries_are_tried_again_until_the_last_which_is_told(rig: Rig) -> None:
    """As often as `max_retries` says; then its failure is one for good."""
    job_id = rig.make_job(enabled=False, options={"max_retries": 2, "retry_delay_seconds": 5})
    options = Options.model_validate(rig.jobs.get(job_id).data["options"])
    run_id = rig.use.run_now(job_id)
    for attempt in (1, 2):
        retry = retry_of(run_id, attempt, options, lambda: 1.0)
        assert retry is not None
        end(rig, run_id, retry)
        assert (told(rig), released(rig, retry.run_id)) == ([], True)
        run_id = retry.run_id
    assert retry_of(run_id, 3, options, lambda: 1.0) is None
    end(rig, run_id)
    assert told(rig) == ["failed"]
    assert [run["attempt"] for run in rig.history(job_id)] == [3, 2, 1]
    assert {run["scheduled_for"] for run in rig.history(job_id)} == {None}


def test_a_success_by_hand_of_a_job_that_is_off_is_told_as_its_recovery(rig: Rig) -> None:
    """Whoever heard of the failure hears of its end."""
    job_id = make_job(rig)
    end(rig, rig.run_due(job_id))
    assert told(rig) == ["failed", "switched_off"]
    run_id = rig.use.run_now(job_id)
    end(rig, run_id, Retry(RETRY, 2, 60_000))
    assert released(rig, RETRY)
    end(rig, RETRY, outcome=Outcome("success", None, {}))
    assert told(rig) == ["recovered"]


@pytest.mark.parametrize("change", [{"name": "another"}, {"description": "x"}, {"schedule_config": {"hours": 2}}])
def test_a_change_of_a_job_that_is_off_leaves_its_retries(rig: Rig, change: dict[str, object]) -> None:
    """It was off before; nothing is called off by it."""
    job_id = rig.make_job(enabled=False)
    run_id = rig.use.run_now(job_id)
    end(rig, run_id, Retry(RETRY, 2, 60_000))
    rig.jobs.update(job_id, change)
    rig.jobs.toggle(job_id, {"enabled": False})
    assert released(rig, RETRY)


def test_a_worker_that_dies_in_a_run_by_hand_fails_it_and_it_is_tried_again(rig: Rig) -> None:
    """By the reaper, as by the worker itself."""
    job_id = rig.make_job(enabled=False, options={"max_retries": 1})
    run_id = rig.use.run_now(job_id)
    rig.start(run_id, lease_ms=1)
    rig.pass_ms(1)
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(RedisClock(rig.client).now_ms())
    retry, first = rig.history(job_id)
    assert (first["id"], first["status"], retry["retry_of"], retry["attempt"]) == (run_id, "failed", run_id, 2)
    assert released(rig, retry["id"])


@pytest.mark.parametrize("way", ["cancel", "delete"])
def test_its_retry_can_still_be_called_off(rig: Rig, way: str) -> None:
    """By a cancel, or with the job."""
    job_id = rig.make_job(enabled=False)
    end(rig, rig.use.run_now(job_id), Retry(RETRY, 2, 60_000))
    if way == "cancel":
        rig.use.cancel(job_id, RETRY)
    else:
        rig.jobs.delete(job_id)
    assert not released(rig, RETRY)
    assert rig.client.zcard(rig.keys.retries) == 0


def test_disabling_calls_off_the_retries_of_occurrences_alone(rig: Rig) -> None:
    """Those by hand beside them stay, a rehearsal's too."""
    job_id = rig.make_job(options={"max_concurrent_runs": 5})
    ids = {kind: f"0b7f7a1e-0000-4000-8000-00000000000{n}" for n, kind in enumerate(("due", "hand", "rehearsal"))}
    end(rig, rig.run_due(job_id), Retry(ids["due"], 2, 60_000))
    end(rig, rig.use.run_now(job_id), Retry(ids["hand"], 2, 60_000))
    end(rig, rig.use.run_now(job_id, {"bot_config": {"dry_run": True}}), Retry(ids["rehearsal"], 2, 60_000))
    rig.jobs.toggle(job_id, {"enabled": False})
    assert {kind for kind in ids if released(rig, ids[kind])} == {"hand", "rehearsal"}
    called_off = rig.use.run(job_id, ids["due"]).data
    assert (called_off["status"], called_off["error"]) == ("cancelled", "cancelled: the job was disabled")
