"""Backfills: each instant gets one run, a few at a time, behind the live runs, whoever dies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.run_records import Outcome, Retry
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import Conflict, Forbidden, NotFound, ValidationFailed
from service.scheduler.backfill_feed import BackfillFeed
from service.store.presence import Presence
from service.store.runs.backfills import FATES
from service.store.server.redis_clock import RedisClock
from service.usecases.backfilling.backfills import Backfills
from service.usecases.fates.occurrences import Occurrences
from tests.support.counts import check_counts
from tests.support.store_rig import EchoConfig, Rig

RETRY = "0b7f7a1e-0000-4000-8000-000000000001"
SPAN = {"since": "2025-03-01T00:00:00", "until": "2025-03-11T00:00:00", "only": "all"}
DAYS = [f"2025-03-{day:02}T08:00:00" for day in range(1, 11)]
DAILY: dict[str, Any] = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}


def use(rig: Rig) -> Backfills:
    """The use cases."""
    return Backfills(rig.scripts, Occurrences(rig.scripts), {"echo": EchoConfig, "birthday": EchoConfig})


def workers(rig: Rig, number: int) -> None:
    """So many workers beat."""
    rig.client.delete(rig.keys.workers)
    for index in range(number):
        Presence(rig.scripts).beat_worker(f"worker-{index}")


def feed(rig: Rig) -> None:
    """One look of the leading scheduler."""
    BackfillFeed(rig.scripts).step()
    check_counts(rig.client, rig.keys)


def end(rig: Rig, run_id: str, outcome: Outcome | None = None, retry: Retry | None = None) -> None:
    """Carry a run out."""
    outcome = outcome or Outcome("success", None, {})
    assert rig.runs.finish(run_id, rig.start(run_id), outcome, retry=retry)
    check_counts(rig.client, rig.keys)


def agrees(rig: Rig, job_id: str, backfill_id: str) -> dict[str, Any]:
    """A backfill whose counts are those of its runs' fates by instant."""
    shown = use(rig).get(job_id, backfill_id)
    newest: dict[str, str] = {}
    for run in rig.history(job_id):
        if run.get("backfill_id") == backfill_id:
            newest.setdefault(run["scheduled_for"], run["status"])
    fates = list(newest.values())
    assert shown["open"] == fates.count("queued") + fates.count("running")
    for fate in ("success", "failed", "cancelled", "skipped"):
        assert shown[fate] == fates.count(fate), fate
    assert shown["total"] == shown["left"] + shown["open"] + sum(shown[fate] for fate in FATES)
    return shown


@pytest.mark.usefixtures("ada")
def test_each_instant_gets_one_run_in_order(rig: Rig) -> None:
    """With its trigger, its occurrence, and who asked; then the backfill is done."""
    job_id = rig.make_job(**DAILY)
    workers(rig, 2)
    asked = use(rig).start(job_id, {**SPAN, "bot_config": {"dry_run": True}})
    assert (asked["state"], asked["total"], asked["left"], asked["rehearsal"]) == ("active", 10, 10, True)
    for _ in range(12):
        feed(rig)
        feed(rig)
        for run_id in rig.queue():
            end(rig, run_id)
        agrees(rig, job_id, asked["backfill_id"])
    runs = rig.history(job_id)[::-1]
    assert [run["scheduled_for"] for run in runs] == DAYS
    assert {(run["trigger"], run["backfill_id"], run["rehearsal"]) for run in runs} == {
        ("backfill", asked["backfill_id"], True)
    }
    assert runs[0]["requested_by"] == {"actor": "k1", "name": "Ada's key"}
    done = use(rig).get(job_id, asked["backfill_id"])
    assert (done["state"], done["success"], done["left"], done["open"]) == ("done", 10, 0, 0)
    assert rig.client.hget(rig.keys.job(job_id), "backfill") is None
    assert not rig.client.exists(rig.keys.active_backfills)
    noted: Any = rig.client.xrange(rig.keys.audit)
    assert [json.loads(fields[b"entry"])["action"] for _, fields in noted][-1:] == ["backfill.start"]


@pytest.mark.parametrize(
    ("limit", "parallel", "number", "handed_out"),
    [(1, 5, 9, 1), (5, 3, 9, 3), (5, 9, 9, 4), (5, 9, 3, 2), (5, 9, 1, 1), (5, 9, 0, 0)],
)  # fmt: skip
def test_the_last_slot_and_the_last_worker_are_left_to_live_runs(
    rig: Rig, limit: int, parallel: int, number: int, handed_out: int
) -> None:
    """Unless there is only one; and no more than were asked for at a time."""
    job_id = rig.make_job(**DAILY, options={"max_concurrent_runs": limit})
    workers(rig, number)
    use(rig).start(job_id, {**SPAN, "max_parallel": parallel})
    feed(rig)
    assert len(rig.queue()) == handed_out


def test_nothing_is_handed_out_while_live_runs_wait(rig: Rig) -> None:
    """For a worker, or for a slot of the job."""
    job_id, other = rig.make_job(**DAILY), rig.make_job()
    workers(rig, 1)
    live = rig.use.run_now(other)
    use(rig).start(job_id, SPAN)
    feed(rig)
    assert rig.queue() == [live]
    end(rig, live)
    feed(rig)
    (run_id,) = rig.queue()
    assert rig.use.run(job_id, run_id).data["trigger"] == "backfill"
    by_hand = rig.use.run_now(job_id)
    end(rig, run_id)
    feed(rig)
    assert rig.queue() == [by_hand]


@pytest.mark.parametrize("overlap", ["skip", "queue", "latest", "replace"])
def test_an_occurrence_that_meets_a_backfill_waits_and_comes_next(rig: Rig, overlap: str) -> None:
    """It is not skipped, and cancels no run of the backfill."""
    job_id = rig.make_job(options={"overlap": overlap}, **DAILY)
    workers(rig, 1)
    use(rig).start(job_id, SPAN)
    feed(rig)
    (run_id,) = rig.queue()
    token = rig.start(run_id)
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    assert rig.history(job_id)[0]["status"] == "queued"
    assert rig.runs.renew(run_id, token, 1000) == "kept"
    rig.runs.finish(run_id, token, Outcome("success"))
    feed(rig)
    (live,) = rig.queue()
    assert rig.use.run(job_id, live).data["trigger"] == "schedule"


def test_a_retry_takes_the_place_of_its_run_and_stands_in_nobodys_way(rig: Rig) -> None:
    """The instant is counted once, by the last of them; a retry without room awaits it."""
    job_id = rig.make_job(**DAILY)
    workers(rig, 1)
    backfill_id = use(rig).start(job_id, SPAN)["backfill_id"]
    feed(rig)
    end(rig, rig.queue()[0], Outcome("failed", "no"), Retry(RETRY, 2, 60_000))
    assert agrees(rig, job_id, backfill_id)["open"] == 1
    feed(rig)
    assert rig.queue() == []
    live = rig.use.run_now(job_id)
    rig.client.zadd(rig.keys.retries, {RETRY: 1})
    rig.runs.release_delayed(RETRY)
    assert rig.queue() == [live] and rig.client.zscore(rig.keys.retries, RETRY) > 1  # type: ignore[operator]
    rig.jobs.toggle(job_id, {"enabled": False})
    end(rig, live)
    rig.client.zadd(rig.keys.retries, {RETRY: 1})
    rig.runs.release_delayed(RETRY)
    end(rig, RETRY, Outcome("failed", "no"))
    assert agrees(rig, job_id, backfill_id)["failed"] == 1


def test_the_short_way_out_counts_a_backfills_run(rig: Rig) -> None:
    """A horse that ends a run and takes the next one."""
    job_id = rig.make_job(**DAILY)
    workers(rig, 1)
    backfill_id = use(rig).start(job_id, SPAN)["backfill_id"]
    feed(rig)
    claim = rig.runs.claim(rig.queue()[0], "t", "w", 30_000)
    rig.client.delete(rig.keys.rq_queue)
    assert claim is not None
    rig.runs.finish_and_claim(claim, Outcome("success", None, {}), None, (), "t2", "w", 30_000)
    assert agrees(rig, job_id, backfill_id)["success"] == 1


def test_a_cancelled_backfill_hands_out_no_more(rig: Rig) -> None:
    """The run that is open goes on; the others are counted as dropped. Then another may start."""
    job_id = rig.make_job(**DAILY)
    workers(rig, 1)
    backfill_id = use(rig).start(job_id, SPAN)["backfill_id"]
    feed(rig)
    with pytest.raises(Conflict, match="under way"):
        use(rig).start(job_id, SPAN)
    for _ in range(2):
        shown = use(rig).cancel(job_id, backfill_id)
    assert (shown["state"], shown["left"], shown["open"], shown["dropped"]) == ("cancelled", 0, 1, 9)
    end(rig, rig.queue()[0])
    feed(rig)
    assert rig.queue() == [] and agrees(rig, job_id, backfill_id)["success"] == 1
    another = use(rig).start(job_id, SPAN)["backfill_id"]
    assert [one["backfill_id"] for one in use(rig).list(job_id)] == [another, backfill_id]


def test_cancelling_one_run_counts_its_instant(rig: Rig) -> None:
    """And the next one is handed out."""
    job_id = rig.make_job(**DAILY)
    workers(rig, 1)
    backfill_id = use(rig).start(job_id, SPAN)["backfill_id"]
    feed(rig)
    rig.use.cancel(job_id, rig.queue()[0])
    assert agrees(rig, job_id, backfill_id)["cancelled"] == 1
    feed(rig)
    assert agrees(rig, job_id, backfill_id)["open"] == 1


def test_deleting_the_job_removes_its_backfill(rig: Rig) -> None:
    """And restoring the job does not bring it back."""
    job_id = rig.make_job(**DAILY)
    workers(rig, 1)
    backfill_id = use(rig).start(job_id, SPAN)["backfill_id"]
    feed(rig)
    rig.jobs.delete(job_id)
    left: Any = rig.client.keys(f"*{backfill_id}*")
    assert left == [] and not rig.client.exists(rig.keys.active_backfills)
    assert rig.client.hget(rig.keys.deleted_job(job_id), "backfill") is None
    assert rig.scripts.run("feed_backfill", backfill_id, RETRY) == 0
    with pytest.raises(NotFound):
        use(rig).list(job_id)


def test_a_dry_run_lists_the_instants_and_changes_nothing(rig: Rig) -> None:
    """Byte for byte."""
    job_id = rig.make_job(**DAILY)
    before = {key: rig.client.dump(key) for key in rig.client.keys("*")}
    told = use(rig).start(job_id, {**SPAN, "dry_run": True})
    assert (told["backfill_id"], told["dry_run"], told["total"], told["instants"]) == (None, True, 10, DAYS)
    assert {key: rig.client.dump(key) for key in rig.client.keys("*")} == before


def test_missing_are_the_instants_without_a_run(rig: Rig) -> None:
    """Skipped ones, and ones whose run was cancelled before it began; not those that ran, however they ended."""
    job_id = rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "0 * * * *"})
    now = RedisClock(rig.client).now_ms() // 1000
    hours = [now // 3600 * 3600 - back * 3600 for back in range(6, 0, -1)]
    rig.client.hset(rig.keys.job(job_id), mapping={
        "anchor": hours[0] - 60, "created_at": (hours[0] - 60) * 1000, "next_occurrence": hours[0],
        "next_due": hours[0] * 1000,
    })  # fmt: skip
    rig.client.zadd(rig.keys.due, {job_id: hours[0] * 1000})
    rig.scheduler().enqueue_jobs()
    (run_id,) = rig.queue()
    span = {"since": format_timestamp(hours[0]), "until": format_timestamp(now)}
    newest = rig.use.run(job_id, run_id).data["scheduled_for"]
    expected = [format_timestamp(at) for at in [*hours, hours[-1] + 3600] if format_timestamp(at) < newest]
    assert use(rig).start(job_id, {**span, "dry_run": True})["instants"] == expected
    assert len(expected) >= 5
    end(rig, run_id, Outcome("failed", "no"))
    assert use(rig).start(job_id, {**span, "dry_run": True})["instants"] == expected
    failed = use(rig).start(job_id, {**span, "only": "failed", "dry_run": True})["instants"]
    assert failed == ([newest] if newest < span["until"] else [])
    workers(rig, 1)
    asked = use(rig).start(job_id, span)
    while use(rig).get(job_id, asked["backfill_id"])["state"] == "active":
        feed(rig)
        for run in rig.queue():
            end(rig, run)
    assert use(rig).start(job_id, span)["total"] == 0


def test_what_is_not_known_is_refused(rig: Rig) -> None:
    """Before the job, or its present schedule, began; and where older entries are gone."""
    job_id = rig.make_job(**DAILY)
    with pytest.raises(ValidationFailed, match="only from then on it is known"):
        use(rig).start(job_id, {**SPAN, "only": "missing"})
    tomorrow = format_timestamp(RedisClock(rig.client).now_ms() // 1000 + 86_400)
    with pytest.raises(ValidationFailed, match="future"):
        use(rig).start(job_id, {**SPAN, "until": tomorrow})
    with pytest.raises(ValidationFailed, match="10,000"):
        use(rig).start(
            rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "* * * * *"}),
            {**SPAN, "since": "2025-01-01T00:00:00"},
        )


def test_a_union_tells_its_runs_which_of_its_schedules_made_them(rig: Rig) -> None:
    """With what those lay over the job's bot_config, as for a live run."""
    schedules = [
        {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}, "name": "early"},
        {"schedule_type": "daily", "schedule_config": {"hour": 9, "minute": 0}, "name": "late",
         "bot_config": {"dry_run": True}},
    ]  # fmt: skip
    job_id = rig.make_job(schedule_type="any", schedule_config={"schedules": schedules})
    workers(rig, 1)
    use(rig).start(job_id, SPAN)
    for _ in range(4):
        feed(rig)
        end(rig, rig.queue()[0])
    runs = rig.history(job_id)[::-1]
    assert [run["names"] for run in runs] == [["early"], ["late"], ["early"], ["late"]]
    assert json.loads(rig.client.hget(rig.keys.run(runs[1]["id"]), "members"))["bot_config"] == {"dry_run": True}  # type: ignore[arg-type]


def test_an_overlay_needs_write(rig: Rig) -> None:
    """As for a run by hand."""
    from service.domain.access.callers import Caller, act_as_before, act_for
    from service.domain.access.scopes import Scope

    job_id = rig.make_job(**DAILY)
    token = act_for(Caller("op", "operator", frozenset({Scope.READ, Scope.RUN})))
    try:
        with pytest.raises(Forbidden, match="write"):
            use(rig).start(job_id, {**SPAN, "bot_config": {"dry_run": False}})
        use(rig).start(job_id, {**SPAN, "bot_config": {"dry_run": True}})
    finally:
        act_as_before(token)


def test_an_idempotency_key_counts_once(rig: Rig) -> None:
    """The same backfill for a repetition, even if it is done by then."""
    job_id = rig.make_job(**DAILY)
    first = use(rig).start(job_id, SPAN, "once")
    assert use(rig).start(job_id, SPAN, "once")["backfill_id"] == first["backfill_id"]
    assert datetime.fromtimestamp(parse_timestamp(first["since"], ""), UTC).year == 2025
