"""A rehearsal, that is a run by hand with `dry_run` laid over, says nothing about how its job does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.domain.run_records import Outcome, Retry
from service.store.counters import read
from tests.support.store_rig import Rig

REHEARSE = {"bot_config": {"dry_run": True}}
RETRY = "0b7f7a1e-0000-4000-8000-000000000001"


def outcome_of(status: str) -> Outcome:
    """An end with an error where there is one."""
    return Outcome(status, None if status == "success" else "no answer", {})


def end(rig: Rig, job_id: str, status: str, body: dict[str, Any] | None = None, retry: Retry | None = None) -> str:
    """Runs the job once by hand, to this end."""
    run_id = rig.use.run_now(job_id, body)
    assert rig.runs.finish(run_id, rig.start(run_id), outcome_of(status), retry=retry)
    return run_id


def told(rig: Rig) -> list[str]:
    """The kinds of the alerts; takes them out of the outbox."""
    return [str(alert["kind"]) for alert in rig.told()]


def last_run(rig: Rig, job_id: str) -> tuple[Any, ...]:
    """What the job says of its last run, and its count of failures."""
    job = rig.jobs.get(job_id).data
    count = rig.client.hget(rig.keys.job(job_id), "failures")
    return job["last_run_at"], job["last_run_status"], job["last_run_error"], job["revision"], count


@pytest.mark.parametrize("before", ["failed", "success", None])
@pytest.mark.parametrize("status", ["success", "failed", "cancelled"])
def test_a_rehearsal_leaves_the_job_as_its_last_real_run_left_it(rig: Rig, before: str | None, status: str) -> None:
    """It neither heals nor fails it, and nobody is told; its own entry has its outcome."""
    job_id = rig.make_job(options={"disable_after_failures": 2})
    if before is not None:
        end(rig, job_id, before)
    expected = last_run(rig, job_id)
    told(rig)
    for _ in range(3):
        run_id = end(rig, job_id, status, REHEARSE)
    assert last_run(rig, job_id) == expected
    assert told(rig) == []
    entry = rig.use.run(job_id, run_id).data
    assert (entry["status"], entry["trigger"], entry["rehearsal"]) == (status, "manual", True)
    assert rig.jobs.get(job_id).data["enabled"]


def test_failures_are_counted_on_across_a_rehearsal(rig: Rig) -> None:
    """A success between two failures that did none of the job's work does not part them."""
    job_id = rig.make_job(options={"disable_after_failures": 2})
    end(rig, job_id, "failed")
    end(rig, job_id, "success", REHEARSE)
    end(rig, job_id, "failed")
    assert rig.jobs.get(job_id).data["state_reason"] == "switched off after 2 failures in a row"
    assert told(rig) == ["failed", "switched_off"]


@pytest.mark.parametrize(
    ("own", "overlay", "rehearsal"),
    [
        ({}, {"dry_run": True}, True),
        ({"dry_run": True}, {"dry_run": True}, True),
        ({"dry_run": True}, None, False),
        ({"dry_run": True}, {"dry_run": False}, False),
        ({}, {}, False),
        ({}, None, False),
    ],
)
def test_what_is_laid_over_makes_a_run_a_rehearsal(
    rig: Rig, own: dict[str, Any], overlay: dict[str, Any] | None, rehearsal: bool
) -> None:
    """Not what the job says itself: a job whose every run is dry has its last run and its failures too."""
    job_id = rig.make_job(bot_config=own)
    run_id = end(rig, job_id, "failed", None if overlay is None else {"bot_config": overlay})
    assert rig.use.run(job_id, run_id).data["rehearsal"] is rehearsal
    assert rig.jobs.get(job_id).data["last_run_status"] == (None if rehearsal else "failed")


def test_a_retry_of_a_rehearsal_is_a_rehearsal(rig: Rig) -> None:
    """Its overlay goes along, and so does what it is."""
    job_id = rig.make_job()
    end(rig, job_id, "failed", REHEARSE, Retry(RETRY, 2, 0))
    assert rig.use.run(job_id, RETRY).data["rehearsal"] is True
    rig.runs.finish(RETRY, rig.start(RETRY), outcome_of("failed"))
    assert (told(rig), rig.jobs.get(job_id).data["last_run_status"]) == ([], None)


def test_a_rehearsal_that_is_cancelled_before_it_starts_is_still_marked(rig: Rig) -> None:
    """In the history, and in what is counted."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, REHEARSE)
    rig.use.cancel(job_id, run_id)
    assert rig.use.run(job_id, run_id).data["rehearsal"] is True
    assert dict(read(rig.scripts).runs) == {("echo", "cancelled", "rehearsal", ""): 1}


def test_rehearsals_are_counted_apart_and_their_times_not_at_all(rig: Rig) -> None:
    """So that a failed one sets off no rule about failures, and quick ones do not flatter the work."""
    job_id = rig.make_job()
    end(rig, job_id, "failed", REHEARSE)
    end(rig, job_id, "success")
    found = read(rig.scripts)
    assert dict(found.runs) == {("echo", "failed", "rehearsal", ""): 1, ("echo", "success", "manual", ""): 1}
    assert found.duration["echo"].counts[-1] == found.lateness["echo"].counts[-1] == 1


@pytest.mark.parametrize("how", ["ends", "is retried", "is cancelled"])
def test_a_rehearsal_that_an_older_release_asked_for_is_known_by_its_overlay(rig: Rig, how: str) -> None:
    """Its record has no mark; the end derives it and writes it down."""
    job_id = rig.make_job()
    end(rig, job_id, "failed")
    told(rig)
    run_id = rig.use.run_now(job_id, REHEARSE)
    rig.client.hdel(rig.keys.run(run_id), "rehearsal")
    assert rig.use.run(job_id, run_id).data["rehearsal"] is False
    if how == "is cancelled":
        rig.use.cancel(job_id, run_id)
    else:
        retry = Retry(RETRY, 2, 0) if how == "is retried" else None
        rig.runs.finish(run_id, rig.start(run_id), outcome_of("failed" if retry else "success"), retry=retry)
    assert [run["rehearsal"] for run in rig.history(job_id)][:-1] == [True] * (2 if how == "is retried" else 1)
    assert (told(rig), rig.jobs.get(job_id).data["last_run_status"]) == ([], "failed")


@pytest.mark.parametrize("overlay", ["", "{", "[]", "null", "7", json.dumps({"dry_run": "true"}), '{"dry_run": 1}'])
def test_a_record_that_outside_hands_damaged_ends_as_a_run_like_any_other(rig: Rig, overlay: str) -> None:
    """Only `true` is true, and what cannot be read holds no end up."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, REHEARSE)
    rig.client.hdel(rig.keys.run(run_id), "rehearsal")
    rig.client.hset(rig.keys.run(run_id), "overlay", overlay)
    assert rig.runs.finish(run_id, rig.start(run_id), outcome_of("success"))
    assert rig.jobs.get(job_id).data["last_run_status"] == "success"


def test_an_entry_of_an_older_release_is_no_rehearsal(rig: Rig) -> None:
    """Its record has no such field."""
    job_id = rig.make_job()
    run_id = end(rig, job_id, "success")
    assert not rig.client.hexists(rig.keys.run(run_id), "rehearsal")
    assert rig.use.run(job_id, run_id).data["rehearsal"] is False
