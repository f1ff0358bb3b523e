"""A run can be done again: with what was laid over its job, for its occurrence, as another run."""

from __future__ import annotations

import pytest

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import Scope
from service.domain.run_records import Outcome, Retry
from service.errors import Conflict, Forbidden, NotFound
from tests.support.counts import check_counts
from tests.support.store_rig import Rig

RETRY = "0b7f7a1e-0000-4000-8000-000000000001"


def ended(rig: Rig, run_id: str, status: str = "failed") -> None:
    """Carry a run out."""
    assert rig.runs.finish(run_id, rig.start(run_id), Outcome(status, None if status == "success" else "no"))


@pytest.mark.parametrize("status", ["success", "failed", "cancelled"])
def test_another_run_for_the_same_occurrence(rig: Rig, status: str) -> None:
    """Its trigger is manual; the occurrence is not decided anew, and the first run stays as it is."""
    job_id = rig.make_job()
    run_id = rig.run_due(job_id)
    ended(rig, run_id, status)
    before = rig.use.run(job_id, run_id).data
    decided = rig.client.hget(rig.keys.job(job_id), "last_decided")
    new_id = rig.use.again(job_id, run_id)
    new = rig.use.run(job_id, new_id).data
    assert new_id != run_id and (new["trigger"], new["again_of"]) == ("manual", run_id)
    assert new["scheduled_for"] == before["scheduled_for"]
    assert rig.client.hget(rig.keys.job(job_id), "last_decided") == decided
    assert rig.use.run(job_id, run_id).data == before
    check_counts(rig.client, rig.keys)
    ended(rig, new_id, "success")
    assert rig.use.run(job_id, rig.use.again(job_id, new_id)).data["again_of"] == new_id


def test_the_overlay_goes_along(rig: Rig) -> None:
    """A rehearsal again is a rehearsal."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, {"bot_config": {"dry_run": True}})
    ended(rig, run_id)
    new_id = rig.use.again(job_id, run_id)
    assert rig.use.run(job_id, new_id).data["rehearsal"] is True
    assert rig.client.hget(rig.keys.run(new_id), "overlay") == rig.client.hget(rig.keys.run(run_id), "overlay")
    assert "scheduled_for" not in rig.runs.get(new_id)  # type: ignore[operator]


def test_only_what_has_ended_is_done_again(rig: Rig) -> None:
    """Neither what is open, nor what was skipped, nor another job's run."""
    job_id = rig.make_job()
    run_id = rig.run_due(job_id)
    with pytest.raises(Conflict, match="queued"):
        rig.use.again(job_id, run_id)
    rig.start(run_id)
    with pytest.raises(Conflict, match="running"):
        rig.use.again(job_id, run_id)
    rig.client.hset(rig.keys.job(job_id), "last_decided", 1)
    rig.pretend_due(job_id, 0)
    rig.scheduler().enqueue_jobs()
    skipped = rig.history(job_id)[0]
    assert skipped["status"] == "skipped"
    with pytest.raises(Conflict, match="skipped"):
        rig.use.again(job_id, skipped["id"])
    with pytest.raises(NotFound):
        rig.use.again(rig.make_job(), run_id)


def test_an_overlay_that_changes_what_a_run_does_needs_write(rig: Rig) -> None:
    """As it did the first time."""
    job_id = rig.make_job()
    plain, overlaid = rig.use.run_now(job_id), rig.use.run_now(job_id, {"bot_config": {"dry_run": False}})
    for run_id in (plain, overlaid):
        ended(rig, run_id)
    token = act_for(Caller("op", "operator", frozenset({Scope.READ, Scope.RUN})))
    try:
        rig.use.again(job_id, plain)
        with pytest.raises(Forbidden, match="write"):
            rig.use.again(job_id, overlaid)
    finally:
        act_as_before(token)


def test_its_retry_outlasts_that_the_job_is_switched_off(rig: Rig) -> None:
    """It was asked for by hand, though it is for an occurrence."""
    job_id = rig.make_job()
    run_id = rig.run_due(job_id)
    ended(rig, run_id)
    new_id = rig.use.again(job_id, run_id)
    retry = Retry(RETRY, 2, 50_000)
    assert rig.runs.finish(new_id, rig.start(new_id), Outcome("failed", "no"), retry=retry)
    rig.jobs.toggle(job_id, {"enabled": False})
    shown = rig.use.run(job_id, RETRY).data
    assert (shown["status"], shown["again_of"]) == ("queued", run_id)
    check_counts(rig.client, rig.keys)


def test_an_idempotency_key_counts_once(rig: Rig) -> None:
    """The same answer to a repetition."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    ended(rig, run_id)
    assert len({rig.use.again(job_id, run_id, "once") for _ in range(3)}) == 1
    assert len(rig.history(job_id)) == 2
