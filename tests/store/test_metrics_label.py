"""With METRICS_LABEL, metrics count runs apart by a label of their jobs: each end once, and at most 50 values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError
from redis import Redis

from service.domain.run_records import Claim, Outcome
from service.setting_values import metrics_name
from service.settings import Settings
from service.store.counters import read
from service.store.scripts import Limits
from service.store.scripts.limits import METRICS_VALUES
from service.web.metrics import exposition
from tests.support.store_rig import Rig

DONE = Outcome("success", None, {})


def rig_by(client: Redis, label: str) -> Rig:
    """An installation that counts by this label."""
    return Rig.on(client, Limits(metrics_label=label))


def counted(rig: Rig) -> dict[frozenset[tuple[str, str]], float]:
    """The counts of runs: labels -> count."""
    text, _ = exposition(read(rig.scripts), "text/plain")
    return {
        frozenset(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == "bot_scheduler_runs_total"
    }


def count(rig: Rig, labels: Mapping[str, str]) -> float:
    """The sum of the counts with these labels."""
    return sum(number for its, number in counted(rig).items() if its >= set(labels.items()))


def test_each_way_in_which_a_run_ends_is_counted_by_its_jobs_label(redis_client: Redis) -> None:
    """By a worker, with the next claim, summed up, cancelled, skipped; and never twice."""
    rig = rig_by(redis_client, "team")
    job_id = rig.make_job(labels={"team": "crm", "stage": "live"}, options={"max_concurrent_runs": 10})
    bare = rig.make_job(labels={"stage": "live"}, options={"max_concurrent_runs": 10})
    for one in (job_id, bare):
        rig.runs.finish(rig.use.run_now(one), rig.start(rig.history(one)[0]["id"]), Outcome("failed", "no"))
        assert rig.use.cancel(one, rig.use.run_now(one))[0]
        claim: Claim | None = None
        for number in range(4):
            rig.use.run_now(one)
            if claim is None:
                run_id = rig.history(one)[0]["id"]
                claim = rig.runs.claim(run_id, "token", "w", 30_000)
                rig.client.lrem(rig.keys.rq_queue, 0, run_id)
            else:
                claim = rig.runs.finish_and_claim(claim, DONE, None, (), f"token {number}", "w", 30_000)
        assert claim is not None
        assert rig.runs.finish_and_claim(claim, DONE, None, (), "the last", "w", 30_000) is None
        rig.jobs.update(one, {"options": {"catch_up": "none"}})
        rig.pretend_due(one, 290)
        rig.scheduler().enqueue_jobs()
    for team in ("crm", ""):
        assert count(rig, {"team": team, "outcome": "failed", "trigger": "manual", "bot": "echo"}) == 1
        assert count(rig, {"team": team, "outcome": "cancelled"}) == 1
        assert count(rig, {"team": team, "outcome": "success"}) == 4
        assert count(rig, {"team": team, "outcome": "skipped", "trigger": "schedule"}) > 1
    assert {dict(labels)["team"] for labels in counted(rig)} == {"crm", ""}


def test_at_most_fifty_values_are_told_apart(redis_client: Redis) -> None:
    """All others count as one; those that are known stay known."""
    rig = rig_by(redis_client, "team")
    job_id = rig.make_job(options={"max_concurrent_runs": 10})
    for number in range(METRICS_VALUES + 10):
        rig.jobs.update(job_id, {"labels": {"team": f"t{number}"}})
        run_id = rig.use.run_now(job_id)
        if number % 2:
            rig.use.cancel(job_id, run_id)
        else:
            claim = rig.runs.claim(run_id, run_id, "w", 30_000)
            assert claim is not None
            rig.client.lrem(rig.keys.rq_queue, 0, run_id)
            rig.runs.finish_and_claim(claim, DONE, None, (), "next", "w", 30_000)
    found = {dict(labels)["team"]: number for labels, number in counted(rig).items()}
    assert len(found) == METRICS_VALUES + 1 and count(rig, {"team": "other"}) == 10
    rig.jobs.update(job_id, {"labels": {"team": "t3"}})
    rig.use.cancel(job_id, rig.use.run_now(job_id))
    assert count(rig, {"team": "t3"}) == 2 and sum(counted(rig).values()) == METRICS_VALUES + 11


def test_another_label_loses_no_count(redis_client: Redis) -> None:
    """What was counted without it, or by another one, has the label empty; without the setting no run has the label."""
    for label, labels in (("", {"team": "crm"}), ("team", {"team": "crm"}), ("cost-center", {"cost-center": "7"})):
        rig = rig_by(redis_client, label)
        rig.use.cancel(job_id := rig.make_job(labels=labels), rig.use.run_now(job_id))
    echo = {"bot": "echo", "outcome": "cancelled", "trigger": "manual"}
    assert counted(rig_by(redis_client, "")) == {frozenset(echo.items()): 3}
    for label, value in (("team", "crm"), ("cost-center", "7")):
        found = counted(rig_by(redis_client, label))
        assert found == {
            frozenset({**echo, metrics_name(label): ""}.items()): 2,
            frozenset({**echo, metrics_name(label): value}.items()): 1,
        }


@pytest.mark.parametrize("damage", ["values", "labels", "odd labels"])
def test_damage_stops_no_run(redis_client: Redis, damage: str) -> None:
    """A run ends, and is counted, whatever outside hands have made of the keys."""
    rig = rig_by(redis_client, "team")
    job_id = rig.make_job(labels={"team": "crm"})
    run_id = rig.use.run_now(job_id)
    if damage == "values":
        rig.client.set(rig.keys.metrics_values("team"), "x")
    else:
        rig.client.hset(rig.keys.job(job_id), "labels", "{" if damage == "labels" else '{"team": [1]}')
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no"))
    assert rig.client.hget(rig.keys.run(run_id), "status") == b"failed"
    assert sum(counted(rig).values()) == 1
    assert count(rig, {"team": "other" if damage == "values" else ""}) == 1


@pytest.mark.parametrize("label", ["bot", "outcome", "trigger", "a b", "x" * 64, "__name", "-.x", "{}"])
def test_a_label_that_metrics_cannot_have_is_refused_at_the_start(label: str) -> None:
    """And the setting is named."""
    settings: dict[str, Any] = {"redis_url": "redis://127.0.0.1:1/0", "metrics_label": label}
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(settings)
    assert refusal.value.errors()[0]["loc"] == ("metrics_label",)


def test_names_are_as_prometheus_takes_them() -> None:
    """Letters, digits and underscores, and no digit first."""
    assert [metrics_name(one) for one in ("team", "cost-center", "a.b", "1st")] == [
        "team",
        "cost_center",
        "a_b",
        "_1st",
    ]
