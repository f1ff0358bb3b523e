"""Metrics of single jobs: opt-in, of 500 jobs at the most, and none is left out silently."""

from __future__ import annotations

import time
import uuid
from typing import Any

import falcon.testing
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.asgi import assemble
from service.domain.run_records import Outcome
from service.settings import Settings
from service.store.jobs import numbers
from tests.support.store_rig import Rig

HOSTILE = 'a "quoted" name\\ with {job_id="x"} ünd 🎂'


def samples(url: str, **settings: Any) -> list[Any]:
    """Those of single jobs."""
    app = assemble(Settings.model_validate({"redis_url": url, "api_key": "k", **settings}))
    answer = falcon.testing.TestClient(app, headers={"Authorization": "Bearer k"}).simulate_get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return [one for family in families if family.name.startswith("bot_scheduler_job") for one in family.samples]


def of(found: list[Any], name: str, job_id: str, /, **labels: str) -> float | None:
    asked = {"job_id": job_id, **labels}
    values = [
        one.value for one in found
        if one.name == f"bot_scheduler_job_{name}" and asked.items() <= one.labels.items()
    ]  # fmt: skip
    assert len(values) <= 1
    return values[0] if values else None


def end(rig: Rig, job_id: str, status: str, took_ms: int) -> float:
    """A run that ends so. Returns when it ended, in seconds."""
    run_id = str(uuid.uuid4())
    assert rig.runs.request(job_id, run_id, None) == "queued"
    token = rig.start(run_id)
    key = rig.keys.run(run_id)
    assert rig.runs.finish(run_id, token, Outcome(status, None if status == "success" else "broken", {}))
    ended = int(rig.client.hget(key, "finished_at") or 0)
    rig.client.hset(key, "started_at", ended - took_ms)
    return ended / 1000


def test_nothing_of_single_jobs_is_told_unless_it_is_wanted(rig: Rig, valkey_server: Any) -> None:
    rig.make_job(name="secret")
    assert {one.name for one in samples(valkey_server.url)} == {"bot_scheduler_jobs"}


def test_a_job_tells_its_last_success_duration_failures_and_health(rig: Rig, valkey_server: Any) -> None:
    job_id, fresh = rig.make_job(name=HOSTILE, options={"expect": {"longest_seconds": 60}}), rig.make_job(name="fresh")
    succeeded = end(rig, job_id, "success", 1_500)
    end(rig, job_id, "failed", 2_500)
    end(rig, job_id, "failed", 3_500)
    found = samples(valkey_server.url, metrics_per_job=True)
    assert of(found, "last_success_timestamp_seconds", job_id, name=HOSTILE) == succeeded
    assert of(found, "last_duration_seconds", job_id) == 3.5
    assert of(found, "failures", job_id) == 2
    assert [of(found, "health", job_id, health=word) for word in ("ok", "late", "slow", "empty")] == [1, 0, 0, 0]
    rig.client.hset(rig.keys.job(job_id), "health", "slow")
    found = samples(valkey_server.url, metrics_per_job=True)
    assert [of(found, "health", job_id, health=word) for word in ("ok", "late", "slow", "empty")] == [0, 0, 1, 0]
    absent = ("last_success_timestamp_seconds", "last_duration_seconds")
    assert [of(found, name, fresh) for name in absent] == [None, None]
    assert of(found, "failures", fresh) == 0 and of(found, "health", fresh, health="ok") is None


def test_the_last_success_is_looked_for_among_its_newest_runs(
    rig: Rig, valkey_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "MOST_RUNS", 3)
    job_id = rig.make_job()
    succeeded = end(rig, job_id, "success", 10)
    for _ in range(2):
        end(rig, job_id, "failed", 10)
    assert of(samples(valkey_server.url, metrics_per_job=True), "last_success_timestamp_seconds", job_id) == succeeded
    end(rig, job_id, "failed", 10)
    found = samples(valkey_server.url, metrics_per_job=True)
    assert of(found, "last_success_timestamp_seconds", job_id) is None and of(found, "failures", job_id) == 3


def test_those_that_were_created_first_are_told_and_the_others_counted(
    rig: Rig, valkey_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "MOST_JOBS", 2)
    jobs = []
    for number in range(4):
        jobs.append(rig.make_job(name=str(number)))
        time.sleep(0.002)
    found = samples(valkey_server.url, metrics_per_job=True)
    assert {one.labels["job_id"] for one in found if "job_id" in one.labels} == set(jobs[:2])
    assert [one.value for one in found if one.name == "bot_scheduler_jobs_left_out"] == [2]


def test_a_damaged_job_is_no_obstacle(rig: Rig, valkey_server: Any) -> None:
    whole, broken = rig.make_job(name="whole"), rig.make_job(name="broken")
    rig.client.hset(rig.keys.job(broken), mapping={"failures": "x", "name": b"\xff"})
    found = samples(valkey_server.url, metrics_per_job=True)
    assert of(found, "failures", whole) == of(found, "failures", broken) == 0
