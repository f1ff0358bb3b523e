"""Numbers that the documents promise and the scripts keep: the day of an Idempotency-Key, the hour of an alert."""

from __future__ import annotations

from typing import Any

import pytest

from service.scheduler.scheduler import HEARTBEAT
from service.store.outbox import Outbox
from service.store.server.redis_clock import RedisClock
from tests.support.store_rig import Rig

HOUR_MS = 3_600_000
DAY_MS = 86_400_000


@pytest.mark.parametrize("route", ["run", "create"])
def test_an_idempotency_key_is_remembered_for_a_day(rig: Rig, route: str) -> None:
    """From its first use: what is answered again prolongs nothing."""
    job_id = rig.make_job()
    body = {"name": "b", "bot_type": "echo", "schedule_type": "interval", "schedule_config": {"hours": 1}}

    def ask() -> Any:
        return rig.use.run_now(job_id, None, "k") if route == "run" else rig.jobs.create(body, "k").data["id"]

    first = ask()
    (key,) = rig.client.scan_iter(rig.keys.idempotency("*"))
    assert DAY_MS - 5_000 < rig.client.pttl(key) <= DAY_MS
    rig.client.pexpire(key, 60_000)
    assert ask() == first
    assert rig.client.pttl(key) <= 60_000
    rig.client.delete(key)
    assert ask() != first, "after a day it is a new request"


@pytest.mark.parametrize(("ago_ms", "told"), [(None, True), (1, False), (HOUR_MS - 5_000, False), (HOUR_MS, True)])
def test_missed_occurrences_are_told_again_after_an_hour(rig: Rig, ago_ms: int | None, told: bool) -> None:
    """Of each job by itself: those within an hour of the last alert are in the history alone."""
    job_id, other = (rig.make_job(options={"misfire_grace_seconds": 60}) for _ in range(2))
    now = RedisClock(rig.client).now_ms()
    if ago_ms is not None:
        rig.client.hset(rig.keys.job(job_id), "misfire_told_at", now - ago_ms)
    rig.client.hset(rig.keys.job(other), "misfire_told_at", now)
    for one in (job_id, other):
        rig.pretend_due(one, 600)
    rig.scheduler().enqueue_jobs()
    assert (Outbox(rig.scripts).take_up() is not None) is told
    assert "misfire" in [run["reason"] for run in rig.history(job_id)]


@pytest.mark.parametrize(("age_ms", "healthy"), [(13_000, True), (15_500, False), (-3_600_000, False)])
def test_the_service_is_healthy_for_fifteen_seconds_after_a_heartbeat(rig: Rig, age_ms: int, healthy: bool) -> None:
    """By Redis' clock; a scheduler says that it is there seven times in that time."""
    rig.client.zadd(rig.keys.schedulers, {"scheduler": RedisClock(rig.client).now_ms() - age_ms})
    health = rig.health.now()
    assert (health["status"], health["scheduler_running"]) == (("healthy" if healthy else "unhealthy"), healthy)
    assert HEARTBEAT == 2.0
