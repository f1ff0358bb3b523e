"""Jobs are made in one round trip, by an estimated time that Redis looks at."""

from __future__ import annotations

import calendar
import time
from collections import Counter
from typing import Any

import pytest
from redis import Redis

from service.store.server.redis_clock import RedisClock
from tests.support.store_rig import Rig


def commands_since_reset(client: Redis) -> Counter[str]:
    """What was asked of the server since its statistics were reset."""
    stats: Any = client.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()})


def test_a_job_made_soon_after_another_asks_redis_once(rig: Rig) -> None:
    """One script call and no TIME from outside of it; the first one has to ask for the time."""
    rig.make_job()
    rig.client.config_resetstat()
    made = [rig.jobs.get(rig.make_job()).data for _ in range(3)]
    asked = commands_since_reset(rig.client)
    assert asked["evalsha"] == 3
    assert asked["time"] <= 6, "each script reads it twice; nobody asks for it beside them"
    now = RedisClock(rig.client).now_ms() // 1000
    assert all(now - 60 <= _seconds(job["created_at"]) <= now for job in made)


def _seconds(timestamp: str) -> int:

    return calendar.timegm(time.strptime(timestamp, "%Y-%m-%dT%H:%M:%S"))


@pytest.mark.parametrize("off_ms", [+5, +10_000, -150, -10_000])
def test_a_time_that_is_to_come_or_over_is_not_planned_for(rig: Rig, off_ms: int) -> None:
    """When the clock was set back or forward since Redis last told it, the job is planned anew, for the real time."""
    rig.make_job()
    store = rig.jobs._jobs
    clock = RedisClock(rig.client)
    before = clock.now_ms()
    store.clock_estimate.note(before + off_ms)
    job_id = rig.make_job(schedule_config={"seconds": 1})
    after = clock.now_ms()
    fields: Any = rig.client.hgetall(rig.keys.job(job_id))
    assert before <= int(fields[b"created_at"]) <= after
    assert int(fields[b"anchor"]) == -(-int(fields[b"created_at"]) // 1000)
    assert len(rig.jobs.list(limit=10).data) == 2, "what Redis looked at and did not take left nothing behind"


def test_an_old_answer_of_redis_makes_no_estimate(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is asked for again."""
    monkeypatch.setattr("service.store.server.redis_clock.VALID_SECONDS", 0.0)
    rig.make_job()
    assert rig.jobs._jobs.clock_estimate.now_ms() is None
    assert rig.jobs.get(rig.make_job()).data["state"] == "scheduled"
