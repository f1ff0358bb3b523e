"""Expectations of jobs: late, slow and empty are told once, marked, and over once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.pauses.pause import Pause, parse_pause
from service.domain.run_records import Outcome
from service.scheduler.expectations import Expectations
from service.store.jobs.expectations import ExpectationStore
from service.store.pauses.pause_store import PauseStore
from service.store.server.redis_clock import RedisClock
from service.usecases.deleted_jobs import Deleted
from tests.support.store_rig import EchoConfig, Rig


def look(rig: Rig, *job_ids: str) -> None:
    """Lets the scheduler judge jobs now."""
    for job_id in job_ids:
        rig.client.zadd(rig.keys.expect_due, {job_id: 0}, xx=True)
    Expectations(rig.scripts).step()


def ago(rig: Rig, job_id: str, field: str, seconds: int) -> None:
    """Moves a time of a job's facts back."""
    rig.client.hset(rig.keys.expectation(job_id), field, RedisClock(rig.client).now_ms() - seconds * 1000)


def end(rig: Rig, job_id: str, outcome: Outcome, took: int = 0) -> str:
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    if took:
        rig.client.hset(rig.keys.run(run_id), "started_at", RedisClock(rig.client).now_ms() - took * 1000)
    assert rig.runs.finish(run_id, token, outcome, retry=None)
    return run_id


def health(rig: Rig, job_id: str) -> str | None:
    found: str | None = rig.jobs.get(job_id).data["health"]
    return found


def kinds(rig: Rig) -> list[tuple[str, str]]:
    return [(note["kind"], note["expectation"]) for note in rig.told() if note["kind"].startswith("breach")]


SUCCESS = Outcome("success", None, {"messages_sent": 3})


def test_a_job_without_expectations_has_no_health_and_costs_nothing(rig: Rig) -> None:
    job_id = rig.make_job()
    end(rig, job_id, SUCCESS)
    assert health(rig, job_id) is None
    assert not rig.client.exists(rig.keys.expectation(job_id), rig.keys.expect_due)


def test_a_late_job_is_told_once_and_its_success_is_the_end(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"success_within_seconds": 3600}})
    assert health(rig, job_id) == "ok"
    look(rig, job_id)
    assert kinds(rig) == [] and health(rig, job_id) == "ok"
    ago(rig, job_id, "since", 3601)
    look(rig, job_id)
    look(rig, job_id)
    assert kinds(rig) == [("breach", "success_within_seconds")]
    assert health(rig, job_id) == "late"
    assert [one["health"] for one in rig.jobs.list(limit=5).data] == ["late"]
    end(rig, job_id, Outcome("failed", "no"))
    look(rig)
    assert kinds(rig) == []
    end(rig, job_id, SUCCESS)
    look(rig)
    look(rig, job_id)
    assert kinds(rig) == [("breach_over", "success_within_seconds")] and health(rig, job_id) == "ok"


def test_a_slow_run_is_told_while_it_runs_and_marked(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"longest_seconds": 300}})
    look(rig)
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    look(rig)
    assert kinds(rig) == []
    began = RedisClock(rig.client).now_ms() - 720_000
    rig.client.hset(rig.keys.expectation(job_id), f"run:{run_id}", began)
    rig.client.hset(rig.keys.run(run_id), "started_at", began)
    look(rig, job_id)
    look(rig, job_id)
    told = rig.told()
    assert [(note["kind"], note["run_id"]) for note in told] == [("breach", run_id)]
    assert told[0]["said"] == "has run for 12 min; the longest expected is 5 min"
    assert health(rig, job_id) == "slow"
    assert rig.use.run(job_id, run_id).data["breaches"] == [
        {"expectation": "longest_seconds", "said": "has run for 12 min; the longest expected is 5 min"}
    ]
    assert rig.runs.finish(run_id, token, SUCCESS, retry=None)
    look(rig)
    assert kinds(rig) == [] and health(rig, job_id) == "slow"
    assert "took 720 s" in rig.use.run(job_id, run_id).data["breaches"][0]["said"]
    end(rig, job_id, SUCCESS)
    look(rig)
    assert kinds(rig) == [("breach_over", "longest_seconds")] and health(rig, job_id) == "ok"


def test_a_slow_run_that_nobody_looked_at_is_told_after_its_end(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"longest_seconds": 300}})
    look(rig)
    run_id = end(rig, job_id, SUCCESS, took=301)
    assert rig.use.run(job_id, run_id).data["breaches"][0]["expectation"] == "longest_seconds"
    look(rig)
    assert kinds(rig) == [("breach", "longest_seconds")] and health(rig, job_id) == "slow"


def test_an_empty_result_is_marked_where_the_run_ends(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"result": {"messages_sent": {"min": 1}}}})
    said = "messages_sent is 0, at least 1 expected"
    run_id = end(rig, job_id, Outcome("success", None, {"messages_sent": 0}, unmet=said))
    assert rig.use.run(job_id, run_id).data["breaches"] == [{"expectation": "result", "said": said}]
    look(rig)
    assert [(note["kind"], note["said"]) for note in rig.told()] == [("breach", said)]
    assert health(rig, job_id) == "empty"
    end(rig, job_id, SUCCESS)
    look(rig)
    assert kinds(rig) == [("breach_over", "result")] and health(rig, job_id) == "ok"


def test_what_is_not_expected_any_more_is_over_and_leaves_nothing(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"success_within_seconds": 60}})
    ago(rig, job_id, "since", 61)
    look(rig, job_id)
    rig.jobs.update(job_id, {"options": {}})
    look(rig)
    assert kinds(rig) == [("breach", "success_within_seconds"), ("breach_over", "success_within_seconds")]
    assert health(rig, job_id) is None
    assert not rig.client.exists(rig.keys.expectation(job_id), rig.keys.expect_due)


def test_a_disabled_job_is_not_late_and_counts_anew_when_it_is_switched_on(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"success_within_seconds": 60}})
    ago(rig, job_id, "since", 61)
    rig.jobs.toggle(job_id, {"enabled": False})
    look(rig, job_id)
    assert kinds(rig) == []
    rig.jobs.toggle(job_id, {"enabled": True})
    look(rig, job_id)
    assert kinds(rig) == [] and health(rig, job_id) == "ok"
    ago(rig, job_id, "since", 61)
    look(rig, job_id)
    assert kinds(rig) == [("breach", "success_within_seconds")]


def test_a_deleted_job_leaves_nothing_and_a_restored_one_begins_anew(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"success_within_seconds": 60}})
    ago(rig, job_id, "since", 61)
    look(rig, job_id)
    rig.jobs.delete(job_id)
    assert not rig.client.exists(rig.keys.expectation(job_id), rig.keys.expect_due)
    Deleted(rig.scripts, RedisClock(rig.client), {"echo": EchoConfig}).restore(job_id)
    assert health(rig, job_id) == "ok"
    look(rig, job_id)
    assert kinds(rig) == [("breach", "success_within_seconds")]
    ago(rig, job_id, "since", 61)
    look(rig, job_id)
    assert kinds(rig) == [("breach", "success_within_seconds")]


def test_a_pause_stops_the_time_of_a_job(rig: Rig) -> None:
    """What a real pause covers is neither late nor counted."""
    job_id = rig.make_job(options={"expect": {"success_within_seconds": 60}})
    now, asked = RedisClock(rig.client).now_ms(), {"scope": {"job_id": job_id}, "reason": "holidays"}
    store = PauseStore(rig.scripts)
    pause = store.make(parse_pause(asked, now))
    assert isinstance(pause, Pause)
    ago(rig, job_id, "since", 59)
    stored = orjson.loads(rig.client.hget(rig.keys.pauses, pause.id))  # type: ignore[arg-type]
    rig.client.hset(rig.keys.pauses, pause.id, orjson.dumps(stored | {"from": now - 50_000}))
    ago(rig, job_id, "since", 3000)
    rig.client.hset(rig.keys.pauses, pause.id, orjson.dumps(stored | {"from": now - 2_950_000}))
    look(rig, job_id)
    assert kinds(rig) == [] and health(rig, job_id) == "ok"
    score = rig.client.zscore(rig.keys.expect_due, job_id)
    assert isinstance(score, float) and score <= RedisClock(rig.client).now_ms() + 10_100
    store.end(pause)
    look(rig, job_id)
    assert kinds(rig) == []
    ago(rig, job_id, "since", 3020)
    look(rig, job_id)
    assert kinds(rig) == [("breach", "success_within_seconds")]


def test_a_verdict_of_older_facts_changes_nothing(rig: Rig) -> None:
    job_id = rig.make_job(options={"expect": {"success_within_seconds": 60}})
    assert rig.scripts.run("judge_job", job_id, "0", b'{"health": "late"}') == b"stale"
    assert health(rig, job_id) == "ok"


class Killed(Exception):
    """A scheduler is killed here."""


class Mortal:
    """Scripts of a scheduler that dies before or after its verdict is written, or that is frozen just before."""

    def __init__(self, rig: Rig, how: str, frozen: list[Callable[[], Any]]) -> None:
        self._scripts, self._how, self._frozen = rig.scripts, how, frozen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scripts, name)

    def run(self, verb: str, *args: Any) -> Any:
        """Run a script, or die."""
        if self._how == "frozen":
            self._frozen.append(lambda: self._scripts.run(verb, *args))
        if self._how == "after":
            self._scripts.run(verb, *args)
        if self._how != "lives":
            raise Killed
        return self._scripts.run(verb, *args)


steps = st.lists(
    st.sampled_from(
        ["good", "empty", "failed", "slow", "late", "off", "on", "lives", "before", "after", "frozen", "thaw"]
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wish=steps)
def test_whatever_dies_a_breach_is_told_once_and_its_end_once(rig: Rig, wish: list[str]) -> None:
    """Schedulers die before and after the verdict is written, or thaw with old ones; runs end meanwhile."""
    rig.client.flushdb()
    rig = Rig.on(rig.client)
    options = {
        "expect": {"success_within_seconds": 900, "longest_seconds": 300, "result": {"messages_sent": {"min": 1}}}
    }
    job_id = rig.make_job(options=options)
    look(rig, job_id)
    frozen: list[Callable[[], Any]] = []
    for step in [*wish, "lives"]:
        if step == "good":
            end(rig, job_id, SUCCESS)
        elif step == "empty":
            end(rig, job_id, Outcome("success", None, {}, unmet="messages_sent is missing"))
        elif step == "failed":
            end(rig, job_id, Outcome("failed", "no"))
        elif step == "slow":
            end(rig, job_id, SUCCESS, took=400)
        elif step == "late":
            ago(rig, job_id, "since", 1000)
            ago(rig, job_id, "success", 1000)
            rig.client.hincrby(rig.keys.expectation(job_id), "stamp", 1)
            rig.client.zadd(rig.keys.expect_due, {job_id: 0})
        elif step in ("off", "on"):
            rig.jobs.toggle(job_id, {"enabled": step == "on"})
        elif step == "thaw" and frozen:
            frozen.pop()()
        elif step != "thaw":
            store = ExpectationStore(Mortal(rig, step, frozen))  # type: ignore[arg-type]
            now_ms, due, _ = store.due()
            try:
                store.judge(due, now_ms)
            except Killed:
                assert rig.client.zscore(rig.keys.expect_due, job_id) is not None
    for thaw in frozen:
        thaw()
    told = kinds(rig)
    state = rig.client.hget(rig.keys.expectation(job_id), "told")
    open_ = set(orjson.loads(state)) if state else set()
    for expectation in ("success_within_seconds", "longest_seconds", "result"):
        its = [kind for kind, of in told if of == expectation]
        assert its == ["breach", "breach_over"] * (len(its) // 2) + ["breach"] * (len(its) % 2)
        assert (len(its) % 2 == 1) == (expectation in open_)
    last = next((step for step in reversed(wish) if step in ("good", "empty", "slow")), None)
    assert ("result" in open_) == (last == "empty") and (last != "slow" or "longest_seconds" in open_)
    assert (health(rig, job_id) == "ok") == (not open_)
