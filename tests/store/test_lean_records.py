"""Records leave out what has its default; every reader takes a missing field for it, and reads older records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.job import JobDefinition
from service.domain.run_records import Outcome
from service.scheduler.reaper import Reaper
from service.store.jobs.enabled_count import EnabledCount
from service.store.runs.run_filter import RunFilter
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from tests.support.browsing import Browser, installation, words
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig

OPTIONS = {"max_concurrent_runs": (1, 3), "overlap": ("skip", "queue"), "disable_after_failures": (0, 5)}
"""The options that stand in the hash a second time, for the scripts; each with its default and another value."""
DAILY = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
OWN = ("created_at", "updated_at", "revision", "writer", "author", "anchor", "since")
"""Fields that tell jobs apart which have one definition."""
RUN_DEFAULTS: dict[Any, Any] = {"attempt": "1", "occurrences": "1", "messages_sent": "0", "profiles_visited": "0"}


def stored(rig: Rig, job_id: str) -> dict[str, str]:
    """A job's hash."""
    fields: Any = rig.client.hgetall(rig.keys.job(job_id))
    return {name.decode(): value.decode() for name, value in fields.items()}


def answers(rig: Rig, job_id: str) -> Iterator[Mapping[str, Any]]:
    """A job in every answer: one, a page of a list, a whole list, a list with a filter; parsed; exported."""
    yield rig.jobs.get(job_id).data
    yield from (job for job in rig.jobs.list(limit=100).data if job["id"] == job_id)
    yield from (json.loads(job) for some in rig.jobs.all() for job in some if json.loads(job)["id"] == job_id)
    yield from (job for job in rig.jobs.list(bot_type="echo", limit=100).data if job["id"] == job_id)
    record = rig.job_store.get(job_id)
    assert record is not None
    yield record.answer()
    export = Definitions(rig.jobs, rig.job_store, RedisClock(rig.client), {"echo": EchoConfig}).export()
    yield from ({**record.answer(), **job} for job in export if job["id"] == job_id)


def one_answer(rig: Rig, job_id: str) -> Mapping[str, Any]:
    """The job, which is the same in all answers."""
    first, *others = answers(rig, job_id)
    assert len(others) == 5
    assert all(other == first for other in others)
    return first


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_stored_while_it_differs_from_its_default(rig: Rig, option: str) -> None:
    """Absent, set, and absent again; every answer agrees at each step."""
    default, other = OPTIONS[option]
    job_id = rig.make_job()
    assert option not in stored(rig, job_id)
    assert one_answer(rig, job_id)["options"][option] == default

    rig.jobs.update(job_id, {"options": {option: other}})
    assert stored(rig, job_id)[option] == str(other)
    assert one_answer(rig, job_id)["options"][option] == other

    rig.jobs.update(job_id, {"options": {}})
    assert option not in stored(rig, job_id)
    assert one_answer(rig, job_id)["options"][option] == default


def test_the_time_of_the_last_change_is_stored_once_there_was_a_change(rig: Rig) -> None:
    """Until then it is the time of the creation."""
    job_id = rig.make_job()
    assert "updated_at" not in stored(rig, job_id)
    created = rig.job_store.get(job_id)
    assert created is not None and created.updated_at == created.created_at
    assert one_answer(rig, job_id)["updated_at"] == one_answer(rig, job_id)["created_at"]

    rig.pass_ms(1)
    rig.jobs.update(job_id, {"name": "another"})
    changed = rig.job_store.get(job_id)
    assert changed is not None and changed.updated_at > changed.created_at == created.created_at
    assert stored(rig, job_id)["updated_at"] == str(changed.updated_at)
    one_answer(rig, job_id)


def test_a_state_is_stored_if_it_does_not_follow_from_whether_the_job_is_enabled(rig: Rig) -> None:
    """`ended` and `broken` do not."""
    job_id = rig.make_job()
    assert "state" not in stored(rig, job_id)
    assert one_answer(rig, job_id)["state"] == "scheduled"
    rig.jobs.toggle(job_id, {"enabled": False})
    assert "state" not in stored(rig, job_id)
    assert one_answer(rig, job_id)["state"] == "disabled"
    rig.jobs.toggle(job_id, {"enabled": True})
    rig.scripts.run("set_aside", job_id, "", "why")
    assert (stored(rig, job_id)["state"], one_answer(rig, job_id)["state"]) == ("broken", "broken")
    rig.jobs.update(job_id, {"name": "another"})
    assert "state" not in stored(rig, job_id)
    assert one_answer(rig, job_id)["state"] == "scheduled"


def test_a_job_has_its_id_in_its_key_alone(rig: Rig) -> None:
    """And in every answer."""
    job_id = rig.make_job()
    assert "id" not in stored(rig, job_id)
    assert job_id not in stored(rig, job_id).values()
    assert one_answer(rig, job_id)["id"] == job_id


def test_the_fields_that_scripts_read_for_each_occurrence_stand_first(rig: Rig) -> None:
    """Redis looks for a field from the start of a small hash."""
    job_id = rig.make_job(**DAILY, description="words", options={"max_concurrent_runs": 2})
    names = list(stored(rig, job_id))
    assert names[:8] == [
        "enabled", "kind", "next_due", "next_occurrence", "created_at", "bot_type", "name", "revision",
    ]  # fmt: skip
    assert names[8] == "max_concurrent_runs"
    assert rig.client.object("encoding", rig.keys.job(job_id)) == b"listpack"


OLDER: dict[Any, Any] = {
    "state": "scheduled", "max_concurrent_runs": "1", "overlap": "skip", "disable_after_failures": "0",
    "writer": "0d99a0c805cb60ae", "schedule_config": '{"hour": 8, "minute": 0}', "bot_config": '{"dry_run": false}',
}  # fmt: skip
"""Fields as older releases stored them, beside `id` and `updated_at`."""


def test_a_job_of_an_older_release_reads_the_same_and_becomes_lean_with_its_next_change(rig: Rig) -> None:
    """It has every default, and blanks in its JSON."""
    job_id, twin = rig.make_job(**DAILY), rig.make_job(**DAILY)
    before = one_answer(rig, job_id)
    created = stored(rig, job_id)["created_at"]
    rig.client.hset(rig.keys.job(job_id), mapping={**OLDER, "id": job_id, "updated_at": created})
    assert one_answer(rig, job_id) == before

    rig.jobs.update(job_id, {"name": "another"})
    rig.jobs.update(twin, {"name": "another"})
    assert definition_of(rig, job_id) == definition_of(rig, twin)


def definition_of(rig: Rig, job_id: str) -> dict[str, str]:
    """A job's hash without what tells it from others of the same definition."""
    return {name: value for name, value in stored(rig, job_id).items() if name not in OWN}


CHANGES = st.fixed_dictionaries({}, optional={
    "name": st.sampled_from(["a job", "another"]),
    "description": st.sampled_from([None, "", "words"]),
    "enabled": st.booleans(),
    "schedule_config": st.sampled_from([{"hour": 8, "minute": 0}, {"hour": 9, "minute": 30, "timezone": "Asia/Tokyo"}]),
    "bot_config": st.sampled_from([{}, {"dry_run": True}]),
    "options": st.fixed_dictionaries({}, optional={
        **{name: st.sampled_from(values) for name, values in OPTIONS.items()},
        "jitter_seconds": st.just(5), "ends_at": st.just("2199-01-01T00:00:00"), "timeout_seconds": st.just(60),
    }),
})  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, min_size=1, max_size=4))
def test_a_changed_job_is_stored_as_one_that_was_made_so(rig: Rig, changes: list[dict[str, Any]]) -> None:
    """Whatever the changes on the way: no field is left behind, and none is missing."""
    job_id = rig.make_job(**DAILY)
    for change in changes:
        rig.jobs.update(job_id, change)
    definition = rig.jobs.get(job_id).data
    twin = rig.make_job(**{name: definition[name] for name in JobDefinition.__slots__})
    theirs, own = definition_of(rig, twin), definition_of(rig, job_id)
    if definition["options"]["jitter_seconds"]:
        for fields in (theirs, own):
            fields.pop("next_due", None)  # drawn from the job's id
    assert own == theirs
    one_answer(rig, job_id)


# runs


def run_answers(rig: Rig, job_id: str, run_id: str) -> list[Mapping[str, Any]]:
    """A run in every answer: one, its job's history, all jobs' runs, followed."""
    history = type(rig.use)(rig.scripts, {})._history
    page, everything = history.of_job(job_id, 100), history.of_all(100, None, RunFilter())
    one = history.one(job_id, run_id)
    assert page is not None and one is not None
    found = [json.loads(one), *(json.loads(run) for run in (*page[0], *everything[0]))]
    followed, _ = history.follow(run_id, 0, 10)
    assert followed is not None
    return [*(run for run in found if run["id"] == run_id), followed]


@pytest.mark.parametrize("missing", [(), *[(name,) for name in RUN_DEFAULTS], tuple(RUN_DEFAULTS), ("id",)])
def test_a_run_reads_the_same_with_its_defaults_and_without(rig: Rig, missing: tuple[str, ...]) -> None:
    """In every answer, and for whoever retries it."""
    job_id = rig.make_job(options={"max_retries": 3})
    run_id = rig.use.run_now(job_id)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success", None, {}))
    rig.client.hset(rig.keys.run(run_id), mapping={**RUN_DEFAULTS, "id": run_id})
    if missing:
        rig.client.hdel(rig.keys.run(run_id), *missing)
    found = run_answers(rig, job_id, run_id)
    assert len(found) == 4
    for answer in found:
        assert answer["id"] == run_id
        assert {name: answer[name] for name in RUN_DEFAULTS} == {n: int(v) for n, v in RUN_DEFAULTS.items()}
    run = rig.runs.get(run_id)
    assert run is not None and run["id"] == run_id


def test_a_new_run_and_an_outcome_without_counts_store_no_defaults(rig: Rig) -> None:
    """Counts above 0 are stored."""
    job_id = rig.make_job()
    lean, counting = rig.use.run_now(job_id), rig.use.run_now(job_id)
    rig.runs.finish(lean, rig.start(lean), Outcome("success", None, {"messages_sent": 0, "profiles_visited": "many"}))
    assert not set(RUN_DEFAULTS) & {name.decode() for name in rig.client.hkeys(rig.keys.run(lean))}  # type: ignore[union-attr]
    rig.runs.finish(counting, rig.start(counting), Outcome("success", None, {"messages_sent": 2}))
    assert [run["messages_sent"] for run in run_answers(rig, job_id, counting)] == [2] * 4


def test_the_first_retry_of_a_run_without_an_attempt_is_the_second(rig: Rig) -> None:
    """When its worker has died."""
    job_id = rig.make_job(options={"max_retries": 2})
    run_id = rig.use.run_now(job_id)
    rig.start(run_id, lease_ms=1)
    rig.client.hdel(rig.keys.run(run_id), "attempt")
    rig.pass_ms(1)
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(RedisClock(rig.client).now_ms())
    assert [run["attempt"] for run in rig.history(job_id)] == [2, 1]


def test_the_console_shows_a_lean_run_and_its_job(rig: Rig, valkey_server: ValkeyServer) -> None:
    """Their defaults and their ids."""
    browser = Browser(installation(valkey_server.url))
    browser.sign_in()
    job_id = rig.make_job(bot_type="birthday")
    run_id = rig.use.run_now(job_id)
    rig.client.hdel(rig.keys.run(run_id), "id", *RUN_DEFAULTS)
    page = words(browser.get(f"/jobs/{job_id}/runs/{run_id}"))
    assert "Attempt 1" in page and run_id in page
    job, fields = words(browser.get(f"/jobs/{job_id}")), rig.jobs.get(job_id).data
    assert job.count(fields["updated_at"].replace("T", " ")[:16]) >= 2 and "revision 1" in job


# the count of enabled jobs


def sweep(count: EnabledCount, *pages: list[str]) -> None:
    """One round over the jobs."""
    for number, page in enumerate(pages, 1):
        count.take_in(page, ends=number == len(pages))


def test_every_change_counts_the_enabled_jobs(rig: Rig) -> None:
    """Made on and off, switched, saved as it was, deleted, deleted while off."""
    on, off = rig.make_job(), rig.make_job(enabled=False)
    assert rig.job_store.counts() == (2, 1)
    for change in ({"enabled": True}, {"enabled": True, "name": "b"}, {"enabled": False}, {"name": "c"}):
        rig.jobs.update(off, change)
        assert rig.job_store.counts() == (2, 2 if change.get("enabled") else 1)
    assert rig.health.now()["enabled_jobs"] == 1
    rig.jobs.delete(off)
    assert rig.job_store.counts() == (1, 1)
    rig.jobs.delete(on)
    assert rig.job_store.counts() == (0, 0)


def test_a_job_that_its_failures_switch_off_is_no_longer_counted(rig: Rig) -> None:
    """By the end of its run."""
    job_id = rig.make_job(options={"disable_after_failures": 1})
    run_id = rig.use.run_now(job_id)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no"))
    assert one_answer(rig, job_id)["enabled"] is False
    assert rig.job_store.counts() == (1, 0)


@pytest.mark.parametrize("damage", ["wrong", "gone", "no number", "no string", "the job"])
def test_the_sweep_mends_a_count_that_outside_hands_have_changed(rig: Rig, damage: str) -> None:
    """Meanwhile jobs can be made and deleted all the same."""
    jobs = [rig.make_job() for _ in range(3)]
    key = rig.keys.enabled_jobs
    if damage == "wrong":
        rig.client.set(key, 40)
    elif damage == "no number":
        rig.client.set(key, "many")
    elif damage == "the job":
        rig.client.hset(rig.keys.job(jobs[0]), "enabled", "0")
    else:
        rig.client.delete(key)
    if damage == "no string":
        rig.client.rpush(key, "one")
    jobs += [rig.make_job()]
    rig.health.now()
    count = EnabledCount(rig.scripts)
    sweep(count, jobs[:2], jobs[2:])
    sweep(count, jobs[:2], jobs[2:])
    assert rig.job_store.counts() == (4, 3 if damage == "the job" else 4)


@pytest.mark.parametrize("place", range(6))
def test_changes_during_a_sweep_never_make_the_count_wrong(rig: Rig, place: int) -> None:
    """One job goes off and another on, in pages of which the sweep has seen the one and not the other."""
    first, second = rig.make_job(), rig.make_job(enabled=False)
    count = EnabledCount(rig.scripts)
    for step in range(6):
        if step == place:
            rig.jobs.toggle(first, {"enabled": False})
            rig.jobs.toggle(second, {"enabled": True})
        if step == place + 2:
            rig.jobs.toggle(first, {"enabled": True})
        count.take_in([[first], [second]][step % 2], ends=step % 2 == 1)
        enabled = sum(bool(job["enabled"]) for job in rig.jobs.list(limit=10).data)
        assert rig.job_store.counts() == (2, enabled)


def test_the_schedulers_sweep_reaches_the_count(rig: Rig) -> None:
    """In two rounds."""
    rig.make_job()
    rig.client.set(rig.keys.enabled_jobs, 7)
    index = rig.scheduler()._due
    for _ in range(2):
        index._round_started = index._next_step = float("-inf")
        index.mend()
    assert rig.job_store.counts() == (1, 1)
