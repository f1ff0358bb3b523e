"""A worker whose network is gone, without a word: no connection is refused or closed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from service.store.server.redis_clock import RedisClock
from tests.chaos.proxy import is_gone
from tests.chaos.stage import Stage
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a lease is let end"),
]


@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_a_run_is_killed_before_its_lease_ends(tmp_path: Path, pause: float) -> None:
    """Its worker cannot renew, so the bot is gone by the time that somebody else may be let in."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as server, Stage(tmp_path, server, print) as stage:
        stage.start("web", "scheduler-1", "worker-1").until_healthy()
        job_id = stage.make_job(bot_config={"seconds": 60.0})
        run_id = stage.run_now(job_id)
        stage.until_status(job_id, run_id, "running")
        until(lambda: len(stage.members("worker-1")) > 2, 10)
        time.sleep(pause)  # somewhere between two renewals
        horse = stage.members("worker-1")[2]
        stage.proxy.stall("worker-1")
        until(lambda: is_gone(horse), 60)
        ends = stage.client.zscore(stage.keys.leases, run_id)
        assert ends is not None and RedisClock(stage.client).now_ms() < ends, "its lease had ended before"
        assert stage.run(job_id, run_id)["status"] == "running"
        stage.until_status(job_id, run_id, "failed", seconds=15)
        stage.proxy.resume("worker-1")
        after = stage.run_now(job_id, {"bot_config": {"seconds": 0.0}})
        stage.until_status(job_id, after, "success", seconds=40)
