"""The metrics: counted by the scripts, read by any web process."""

from __future__ import annotations

import math
from typing import Any

import falcon.testing
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.asgi import assemble
from service.domain.run_records import Outcome
from service.settings import Settings
from service.store.counters import add_loop_lag
from service.store.presence import Presence
from tests.support.processes import until
from tests.support.store_rig import Rig

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def api(rig: Rig, valkey_server: Any) -> falcon.testing.TestClient:
    """Its API, asked with the key as a bearer's."""
    settings = Settings.model_validate({"redis_url": valkey_server.url, "api_key": "k", "api_key_previous": "old"})
    return falcon.testing.TestClient(assemble(settings), headers={"Authorization": "Bearer k"})


def measured(api: falcon.testing.TestClient) -> Samples:
    """Every sample, by its name without the prefix and its labels."""
    answer = api.simulate_get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name.removeprefix("bot_scheduler_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """One sample; None if it is absent."""
    return samples.get((name, frozenset(labels.items())))


def end(rig: Rig, run_id: str, status: str = "success", late_ms: int = 0, took_ms: int = 0) -> None:
    """Carries a run out, as if it had been late and taken its time."""
    token = rig.start(run_id)
    started = int(rig.client.hget(rig.keys.run(run_id), "started_at") or 0) - took_ms
    rig.client.hset(rig.keys.run(run_id), mapping={"started_at": started, "due": started - late_ms})
    assert rig.runs.finish(run_id, token, Outcome(status, None if status == "success" else "broken", {}))


def test_ends_are_counted_by_bot_outcome_and_trigger(api: falcon.testing.TestClient, rig: Rig) -> None:
    """Every end counts once, whichever way it came about; a repeated or refused end counts nothing."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    first, second, third = (rig.use.run_now(job_id) for _ in range(3))
    end(rig, first)
    end(rig, second, "failed")
    assert rig.use.cancel(job_id, third)[0]
    assert rig.runs.finish(first, f"token-{first}", Outcome("success", None, {}))
    rig.runs.finish(second, "another", Outcome("success", None, {}))
    samples = measured(api)
    for outcome in ("success", "failed", "cancelled"):
        assert value(samples, "runs_total", bot="echo", outcome=outcome, trigger="manual") == 1
    assert sum(count for (name, _), count in samples.items() if name == "runs_total") == 3


def test_every_skipped_occurrence_is_counted(api: falcon.testing.TestClient, rig: Rig) -> None:
    """Also those that are folded into one entry of the history."""
    job_id = rig.make_job(options={"catch_up": "none"})
    rig.pretend_due(job_id, 290)
    assert rig.scheduler().enqueue_jobs() == 1
    folded = sum(run["occurrences"] for run in rig.history(job_id) if run["status"] == "skipped")
    assert folded > 1
    assert value(measured(api), "runs_total", bot="echo", outcome="skipped", trigger="schedule") == folded


def test_lateness_and_duration_are_histograms(api: falcon.testing.TestClient, rig: Rig) -> None:
    """Cumulative buckets, count and sum, in seconds; a run that never started is in neither."""
    job_id = rig.make_job()
    end(rig, rig.use.run_now(job_id), late_ms=200, took_ms=40_000)
    end(rig, rig.use.run_now(job_id), late_ms=100_000_000, took_ms=0)
    rig.use.cancel(job_id, rig.use.run_now(job_id))
    samples = measured(api)
    late = [
        value(samples, "run_lateness_seconds_bucket", bot="echo", le=le) for le in ("0.1", "0.25", "7200.0", "+Inf")
    ]
    assert late == [0, 1, 1, 2]
    assert value(samples, "run_lateness_seconds_count", bot="echo") == 2
    assert value(samples, "run_lateness_seconds_sum", bot="echo") == 100_000.2
    took = [value(samples, "run_duration_seconds_bucket", bot="echo", le=le) for le in ("30.0", "60.0", "+Inf")]
    assert took == [1, 2, 2]


def redis_ms(rig: Rig) -> int:
    """Redis' clock, ms."""
    seconds, micros = rig.client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def test_the_state_of_things(api: falcon.testing.TestClient, rig: Rig) -> None:
    """Queue, runs, retries, who is alive, who leads, what is due next, and how many jobs there are."""
    before = measured(api)
    assert value(before, "queue_depth") == value(before, "schedulers") == value(before, "workers") == 0
    assert value(before, "next_due_timestamp_seconds") is None
    presence = Presence(rig.scripts)
    presence.hold_lead("one", 6_000)
    presence.hold_lead("two", 6_000)
    presence.beat_worker("w")
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    rig.make_job(enabled=False)
    queued, running = rig.use.run_now(job_id), rig.use.run_now(job_id)
    rig.start(running)
    since = rig.client.zincrby(rig.keys.queued, -30_000, queued)
    assert since is not None
    earliest = redis_ms(rig) - since
    samples = measured(api)
    latest = redis_ms(rig) - since
    assert value(samples, "queue_depth") == value(samples, "runs_running") == value(samples, "workers") == 1
    assert 30_000 <= earliest <= round(1000 * (value(samples, "queue_oldest_age_seconds") or 0)) <= latest
    assert value(samples, "retries_delayed") == 0
    assert value(samples, "schedulers") == 2
    assert value(samples, "leader", scheduler="one") == 1
    assert value(samples, "jobs", enabled="true") == value(samples, "jobs", enabled="false") == 1
    due = rig.client.zscore(rig.keys.due, job_id)
    assert due is not None
    assert value(samples, "next_due_timestamp_seconds") == due / 1000


def test_no_label_holds_what_people_typed(api: falcon.testing.TestClient, rig: Rig) -> None:
    """Neither the names of jobs nor their ids are there."""
    job_id = rig.make_job(name="a secret name")
    end(rig, rig.use.run_now(job_id))
    text = api.simulate_get("/metrics").text
    assert "secret" not in text
    assert job_id not in text


def test_metrics_ask_for_the_key(api: falcon.testing.TestClient) -> None:
    """As a bearer's or in the header."""
    stranger = falcon.testing.TestClient(api.app)
    for headers in (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic k"},
    ):
        assert stranger.simulate_get("/metrics", headers=headers).status_code == 401
    for headers in ({"X-API-Key": "k"}, {"Authorization": "Bearer old"}, {"Authorization": "bearer  k"}):
        assert stranger.simulate_get("/metrics", headers=headers).status_code == 200


def test_formats(api: falcon.testing.TestClient) -> None:
    """Prometheus' text, or OpenMetrics for those that ask for it."""
    plain = api.simulate_get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    newer = api.simulate_get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert newer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert newer.text.endswith("# EOF\n")


def test_buckets_of_another_release_still_count(api: falcon.testing.TestClient, rig: Rig) -> None:
    """A bound that there is no more counts in the next one that there is; what is no counter of ours is passed over."""
    rig.client.hset(
        rig.keys.metrics, mapping={"duration:echo:700": 3, "duration:echo:99999999": 1, "other": 5, "a:b": 1}
    )
    samples = measured(api)
    took = [value(samples, "run_duration_seconds_bucket", bot="echo", le=le) for le in ("0.5", "1.0", "+Inf")]
    assert took == [0, 3, 4]


def test_counters_that_outside_hands_broke_hold_nothing_up(api: falcon.testing.TestClient, rig: Rig) -> None:
    """A run ends as it should; what is not counted is lost, and counting goes on once the key is gone."""
    rig.client.set(rig.keys.metrics, "nonsense")
    job_id = rig.make_job()
    end(rig, rig.use.run_now(job_id))
    assert [run["status"] for run in rig.history(job_id)] == ["success"]
    rig.client.delete(rig.keys.metrics)
    end(rig, rig.use.run_now(job_id))
    assert value(measured(api), "run_duration_seconds_count", bot="echo") == 1


def test_lags_of_event_loops_are_counted(
    api: falcon.testing.TestClient, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one histogram of all web processes, whatever release wrote them."""
    monkeypatch.setattr("service.web.loop_lag.LATE_SECONDS", math.inf)  # ours is late on a busy machine
    before = measured(api)  # those that were late before that
    for lags in ([60, 240], [240, 99_999_999]):
        add_loop_lag(rig.scripts, lags)
    samples = measured(api)

    def more(name: str, **labels: str) -> float:
        return (value(samples, name, **labels) or 0) - (value(before, name, **labels) or 0)

    assert [more("web_loop_lag_seconds_bucket", le=le) for le in ("0.1", "0.25", "7200.0", "+Inf")] == [1, 3, 3, 4]
    assert more("web_loop_lag_seconds_sum") == pytest.approx(100_000.539)


def test_wrong_keys_are_counted(api: falcon.testing.TestClient) -> None:
    """Those alone, and no sooner in Redis than somebody with the key asks."""
    for key in ("wrong", "", "k", "wrong again", "old"):
        api.simulate_get("/scheduler/jobs", headers={"X-API-Key": key})
    api.simulate_get("/scheduler/jobs", headers={"Authorization": ""})
    until(lambda: value(measured(api), "refused_keys_total") == 3, 30)
