"""A run that its bot skips: it ran, it is no failure and no success, and it stays a run of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot_scheduler import Skip
from service.bots.support.secrets import Vault
from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import Scope
from service.domain.run_records import Claim, Outcome
from service.store.counters import read
from service.usecases.access.side_doors import WITHHELD
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig
from tests.support.work_horse import carry_out, tame_horse

NOTHING_NEW = Outcome("skipped", None, None, reason="nothing new")
WORKER, LEASE_MS = "worker-1", 30_000


class Idle:
    """A bot that finds nothing to do, and says so as the test wants."""

    name = "echo"
    Config = EchoConfig
    says: Any = "nothing new"
    result: dict[str, Any] | None = None
    stops = False

    def run(self, context: Any) -> dict[str, Any]:
        context.log.info("looked")
        if self.stops:
            context.stop.raised = True
            assert context.cancelled
        raise Skip(self.says, self.result)


def skipped_by(rig: Rig, server: ValkeyServer, secrets: dict[str, str] | None = None, **wishes: Any) -> dict[str, Any]:
    """The run of a bot that skips it."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    bot = type("Idle", (Idle,), wishes)
    carry_out(tame_horse(server.client(), rig.keys, bot, Vault(secrets or {})), run_id)
    return rig.use.run(job_id, run_id).data


def end(rig: Rig, job_id: str, outcome: Outcome, body: dict[str, Any] | None = None) -> str:
    """Runs the job once by hand, to this end."""
    run_id = rig.use.run_now(job_id, body)
    assert rig.runs.finish(run_id, rig.start(run_id), outcome)
    return run_id


def end_quickly(rig: Rig, job_id: str, outcome: Outcome) -> str:
    """The same, by the script that also claims the next run."""
    run_id = rig.use.run_now(job_id)
    assert rig.client.lpop(rig.keys.rq_queue) == run_id.encode()
    claim = rig.runs.claim(run_id, f"token of {run_id}", WORKER, LEASE_MS)
    assert isinstance(claim, Claim)
    rig.runs.finish_and_claim(claim, outcome, None, (), "next", WORKER, LEASE_MS)
    return run_id


ENDS = pytest.mark.parametrize("end", [end, end_quickly])


def test_a_skipped_run_is_kept_as_a_run_that_ran(rig: Rig, valkey_server: ValkeyServer) -> None:
    """With its times, its log, its result, and what its bot says."""
    run = skipped_by(rig, valkey_server, result={"looked_at": 3})
    assert (run["status"], run["reason"], run["error"], run["result"]) == (
        "skipped", "nothing new", None, {"looked_at": 3},
    )  # fmt: skip
    assert run["started_at"] is not None and run["finished_at"] is not None and run["duration_ms"] is not None
    assert [line["message"] for line in rig.log(run["id"])] == ["looked", "Skipped: nothing new"]


@pytest.mark.parametrize(
    ("says", "kept"),
    [
        ("two\nlines\r\nof it", "two lines of it"),
        ("x" * 301, "x" * 299 + "…"),
        ("", "its bot gave no reason"),
        (" \n", "its bot gave no reason"),
        (404, "404"),
        ("caf\udce9", r"caf\udce9"),
        ("the key is 0123456789abcdef, is it not", "the key is [BOT_SECRET_LONG], is it not"),
        ("x" * 290 + "0123456789abcdef", "x" * 290 + "[BOT_SECR…"),
    ],
)
def test_a_reason_is_one_line_without_secrets(rig: Rig, valkey_server: ValkeyServer, says: Any, kept: str) -> None:
    """Cut after the secrets are removed, so that no half of one is left."""
    run = skipped_by(rig, valkey_server, {"BOT_SECRET_LONG": "0123456789abcdef"}, says=says)
    assert (run["status"], run["reason"]) == ("skipped", kept)


def test_a_bot_that_skips_since_it_was_asked_to_stop_has_only_broken_off(rig: Rig, valkey_server: ValkeyServer) -> None:
    """Its run is not taken for one that had nothing to do."""
    run = skipped_by(rig, valkey_server, stops=True)
    assert (run["status"], run["error"], run["reason"]) == ("failed", "worker stopped", None)


def test_a_cancel_wins_over_a_skip(rig: Rig) -> None:
    """As it does over any other outcome."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    rig.use.cancel(job_id, run_id)
    assert rig.runs.finish(run_id, token, NOTHING_NEW)
    run = rig.use.run(job_id, run_id).data
    assert (run["status"], run["error"], run["reason"]) == ("cancelled", "cancelled by request", None)


@ENDS
def test_a_skip_is_the_jobs_last_run_and_nobody_is_told(rig: Rig, end: Any) -> None:
    """It is the run that finished last among those that started; its slot is free again."""
    job_id = rig.make_job(options={"max_retries": 2, "alert_urls": ["env:BOT_SECRET_X"]})
    for _ in range(3):
        run_id = end(rig, job_id, NOTHING_NEW)
    run, job = rig.use.run(job_id, run_id).data, rig.jobs.get(job_id).data
    assert (job["last_run_status"], job["last_run_at"], job["last_run_error"]) == ("skipped", run["started_at"], None)
    assert rig.counts(job_id) == (0, 0)
    assert rig.told() == []
    assert {entry["status"] for entry in rig.history(job_id)} == {"skipped"}


@ENDS
def test_a_skip_neither_counts_as_a_failure_nor_ends_their_row(rig: Rig, end: Any) -> None:
    """Two failures switch the job off, with a skip between them as without; a success is a recovery all the same."""
    job_id = rig.make_job(options={"disable_after_failures": 2})
    end(rig, job_id, Outcome("failed", "no answer"))
    end(rig, job_id, NOTHING_NEW)
    assert rig.jobs.get(job_id).data["last_run_error"] is None
    end(rig, job_id, NOTHING_NEW)
    end(rig, job_id, Outcome("failed", "no answer"))
    assert [alert["kind"] for alert in rig.told()] == ["failed", "switched_off"]
    assert rig.jobs.get(job_id).data["state_reason"] == "switched off after 2 failures in a row"

    other = rig.make_job()
    for outcome in (Outcome("failed", "no answer"), NOTHING_NEW, Outcome("success", None, {})):
        end(rig, other, outcome)
    assert [alert["kind"] for alert in rig.told()] == ["failed", "recovered"]


@ENDS
def test_a_skip_is_counted_and_rq_takes_it_for_finished(rig: Rig, end: Any) -> None:
    """With its duration; RQ knows no skipped jobs."""
    job_id = rig.make_job()
    run_id = end(rig, job_id, NOTHING_NEW)
    if end is end_quickly:
        end(rig, job_id, NOTHING_NEW)  # the worker has summed up none: the queue was empty
    counters = read(rig.scripts)
    assert any("skipped" in str(one) and "manual" in str(one) for one in counters.runs)
    assert rig.client.hget(rig.keys.rq_job(run_id), "status") == b"finished"
    assert rig.client.zscore(rig.keys.rq_finished, run_id) is not None


def test_a_rehearsal_that_is_skipped_says_nothing_about_the_job(rig: Rig) -> None:
    """Like any other rehearsal."""
    job_id = rig.make_job()
    run_id = end(rig, job_id, NOTHING_NEW, {"bot_config": {"dry_run": True}})
    assert rig.use.run(job_id, run_id).data["rehearsal"] is True
    assert rig.jobs.get(job_id).data["last_run_status"] is None


def test_a_skip_of_the_schedule_is_not_folded_into_a_run_that_its_bot_skipped(rig: Rig) -> None:
    """Not even where the bot gives the same reason."""
    job_id = rig.make_job(options={"misfire_grace_seconds": 1})
    end(rig, job_id, Outcome("skipped", None, {}, reason="misfire"))
    for ago in (100, 40):
        rig.pretend_due(job_id, ago)
        rig.scheduler().enqueue_jobs()
    late, own = rig.history(job_id)
    assert (late["reason"], late["started_at"], late["scheduled_for"] is None) == ("misfire", None, False)
    assert late["occurrences"] >= 2
    assert (own["reason"], own["occurrences"], own["started_at"] is None) == ("misfire", 1, False)


def test_its_view_is_remembered_and_its_reason_is_kept_from_those_who_see_no_contacts(rig: Rig) -> None:
    """A bot may write names into it, as into an error; the service's own reasons stay visible."""
    job_id = rig.make_job()
    run_id = end(rig, job_id, Outcome("skipped", None, {}, reason="nothing for Amelia"))
    assert rig.history(job_id)[0]["reason"] == "nothing for Amelia"
    rig.client.hset(rig.keys.job(job_id), "bot_type", "unknown here")
    token = act_for(Caller("key", "a key", frozenset({Scope.READ})))
    try:
        assert rig.use.run(job_id, run_id).data["reason"] == WITHHELD
    finally:
        act_as_before(token)
    rig.client.hset(rig.keys.run(run_id), "reason", "changed by outside hands")
    assert rig.use.history(job_id, limit=5).data[0]["reason"] == "nothing for Amelia"
    assert json.loads(rig.use.history(job_id, limit=5).json)[0]["status"] == "skipped"
