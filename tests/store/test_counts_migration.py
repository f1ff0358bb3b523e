"""The migration from version 2 to 3, on data of the release before it: counts and a queue of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from service.domain.run_records import Outcome
from service.scheduler.reaper import Reaper
from service.scheduler.take_over import TakeOver
from service.store.keys import Keys
from service.store.schema import ensure_schema
from service.store.server.redis_clock import RedisClock
from tests.support.counts import check_counts, counted, left_by_older, members
from tests.support.dumps import load
from tests.support.migrating import let_one_die_and_two_migrate
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

FIXTURE = Path(__file__).parent / "fixtures" / "version_2.jsonl"
ROWS = {row["key"]: row for row in map(json.loads, FIXTURE.read_text().splitlines())}
KEYS = Keys()
OPEN = ("queued", "running")


@pytest.fixture
def second_version(redis_client: Redis) -> Redis:
    """What an installation of version 2 left behind when it was killed."""
    load(redis_client, FIXTURE.read_text().splitlines())
    return redis_client


def jobs() -> dict[str, str]:
    """Name -> id of the jobs in the fixture."""
    return {str(ROWS[KEYS.job(job_id)]["value"]["name"]): job_id for job_id, _ in ROWS[KEYS.jobs]["value"]}


def old(key: str) -> list[str]:
    """The ids under one key of the fixture."""
    return [one if isinstance(one, str) else one[0] for one in ROWS[key]["value"]] if key in ROWS else []


def test_every_run_keeps_its_state_and_its_place(second_version: Redis) -> None:
    """All that is open is counted, in the place that it had; nothing of the jobs and ended runs changes."""
    ensure_schema(second_version, KEYS)
    check_counts(second_version, KEYS)
    assert members(second_version, KEYS.rq_queue) == old(KEYS.old_queue) != []
    for job_id in jobs().values():
        history = [ROWS[KEYS.run(run_id)]["value"] for run_id in old(KEYS.old_history(job_id))]
        assert members(second_version, KEYS.history(job_id)) == old(KEYS.old_history(job_id))
        assert members(second_version, KEYS.waiting(job_id)) == old(KEYS.old_waiting(job_id))
        held = len(old(KEYS.old_slots(job_id)))
        assert counted(second_version, KEYS, job_id) == (sum(run["status"] in OPEN for run in history), held)
        for run in history:
            found: Any = second_version.hgetall(KEYS.run(run["id"]))
            assert {name.decode(): value.decode() for name, value in found.items() if name != b"slot"} == run
    statuses = {
        row["value"]["status"]
        for key, row in ROWS.items()
        if key.startswith("bot-scheduler:run:") and row["type"] == "hash"
    }
    assert statuses == {"success", "failed", "cancelled", "skipped", "queued", "running"}


def test_jobs_get_their_kind_and_the_enabled_ones_are_counted(second_version: Redis) -> None:
    """Intervals and jittered jobs have none."""
    ensure_schema(second_version, KEYS)
    kinds = {name: second_version.hexists(KEYS.job(job_id), "kind") for name, job_id in jobs().items()}
    assert {name for name, has_one in kinds.items() if has_one} == {"Daily", "Weekly", "Off"}
    assert second_version.get(KEYS.enabled_jobs) == str(len(old(KEYS.old_enabled))).encode()
    assert members(second_version, KEYS.due) == old(KEYS.old_due)


def test_rqs_records_move_to_the_new_queue(second_version: Redis) -> None:
    """Its tools go on seeing ended runs, and no record stays behind that nobody would clear."""
    ensure_schema(second_version, KEYS)
    for name in ("finished", "failed", "canceled"):
        before = dict(ROWS[getattr(KEYS, f"old_{name}")]["value"])
        after: Any = second_version.zrange(getattr(KEYS, f"rq_{name}"), 0, -1, withscores=True)
        assert {run_id.decode(): score for run_id, score in after} == before != {}
    assert not second_version.sismember(KEYS.rq_queues, KEYS.old_queue) or second_version.exists(KEYS.adopted)


def test_runs_whose_workers_are_dead_are_ended_and_all_others_run(second_version: Redis) -> None:
    """The reaper finds their leases over; once all is done, nothing of the older release is left."""
    ensure_schema(second_version, KEYS)
    rig = Rig.on(second_version)
    now = RedisClock(second_version).now_ms()
    second_version.zadd(KEYS.leases, dict.fromkeys(members(second_version, KEYS.leases), now - 1))
    second_version.zadd(KEYS.retries, dict.fromkeys(members(second_version, KEYS.retries), now - 1))
    reaper = Reaper(rig.runs, rig.job_store, KEYS, second_version, TakeOver(rig.scripts, second_version))
    reaper.pass_over(now)
    check_counts(second_version, KEYS)
    done = []
    while queue := rig.queue():
        token = rig.start(queue[0])
        rig.runs.finish(queue[0], token, Outcome("success"))
        done.append(queue[0])
    waited = {
        key.split(":")[2]
        for key, row in ROWS.items()
        if row["type"] == "hash" and row["value"].get("status") == "queued" and ":run:" in key
    }
    assert set(done) == waited and len(done) == len(waited)
    check_counts(second_version, KEYS)
    assert left_by_older(second_version) == []
    assert not second_version.exists(KEYS.leases, KEYS.queued, KEYS.retries) and not second_version.keys(
        "rq:execution*"
    )


def test_migrating_again_changes_nothing(second_version: Redis) -> None:
    """A kill can cut it off anywhere, and it is begun anew."""
    ensure_schema(second_version, KEYS)
    before = {key: second_version.dump(key) for key in second_version.scan_iter()}
    second_version.set(KEYS.schema_version, 2)
    ensure_schema(second_version, KEYS)
    assert {key: second_version.dump(key) for key in second_version.scan_iter()} == before


def test_a_damaged_job_stops_no_other(second_version: Redis) -> None:
    """A hash that became a text, and a schedule that nobody can read."""
    ids = jobs()
    second_version.set(KEYS.job(ids["Daily"]), "damaged")
    second_version.hset(KEYS.job(ids["Weekly"]), "schedule_config", "{")
    ensure_schema(second_version, KEYS)
    assert second_version.get(KEYS.schema_version) == b"5"
    assert not second_version.hexists(KEYS.job(ids["Weekly"]), "kind")
    assert counted(second_version, KEYS, ids["Busy"]) == (5, 3)


@pytest.mark.slow(reason="three processes start")
@pytest.mark.parametrize("dies_at", [1, 2])
def test_of_two_processes_one_migrates_also_if_one_is_killed_within(
    second_version: Redis, valkey_server: ValkeyServer, dies_at: int
) -> None:
    """The other one takes over once the lease has ended, and does all of it."""
    let_one_die_and_two_migrate("count_runs", valkey_server, second_version, KEYS, dies_at)
    assert second_version.get(KEYS.schema_version) == b"3"
    check_counts(second_version, KEYS)
