"""Leases that could not be renewed for no fault of their workers: they are left alone for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from service.scheduler.scheduler import Scheduler
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig


@pytest.fixture
def rig(light_server: ValkeyServer) -> Rig:
    """An installation on it, with nobody at work."""
    return Rig.on(light_server.client())


@pytest.fixture
def scheduler(rig: Rig, light_server: ValkeyServer) -> Iterator[Scheduler]:
    """A scheduler, to be started; it stops with the test."""
    made = Scheduler(light_server.client(), rig.keys, rig.limits)
    thread = threading.Thread(target=made.run)
    made.begin = thread.start
    yield made
    made.stop()
    thread.join(20)


def under_way(rig: Rig, lease_ms: int = 1) -> tuple[str, str]:
    """A run, whose lease has ended unless it is long, and the claim's token."""
    job = rig.make_job(options={"max_concurrent_runs": 9})
    run_id = rig.use.run_now(job)
    return run_id, rig.start(run_id, lease_ms)


def until_it_has_passed(rig: Rig) -> None:
    """Waits until the scheduler has put back what was popped: it has looked at the leases in that pass, too."""
    stuck = rig.use.run_now(rig.make_job())
    rig.client.lmove(rig.keys.rq_queue, rig.keys.rq_intermediate, "LEFT", "RIGHT")
    until(lambda: stuck in rig.queue(), 30)


def test_a_scheduler_that_has_just_started_judges_no_lease(rig: Rig, scheduler: Scheduler) -> None:
    """It cannot know whether it could be renewed: the worker renews it within the second."""
    run_id, token = under_way(rig)
    scheduler.begin()
    until_it_has_passed(rig)
    assert rig.runs.renew(run_id, token, 30_000) == "kept"


def test_leases_are_left_alone_after_redis_refused_writes(
    rig: Rig, scheduler: Scheduler, light_server: ValkeyServer
) -> None:
    """It has ended while nothing could be written; afterwards it is renewed, and the run goes on."""
    scheduler.begin()
    until(lambda: scheduler.leads, 20)
    scheduler._reaper._settled_at = 0.0  # as long after its start
    run_id, token = under_way(rig, lease_ms=60_000)
    light_server.fill_disk()
    until(lambda: not scheduler.leads, 20)
    rig.client.config_set("stop-writes-on-bgsave-error", "no")
    rig.client.zadd(rig.keys.leases, {run_id: 1})  # as if more than a minute had passed
    rig.client.config_set("stop-writes-on-bgsave-error", "yes")
    light_server.free_disk()
    until(lambda: scheduler.leads, 20)
    until_it_has_passed(rig)
    assert rig.runs.renew(run_id, token, 30_000) == "kept"


@pytest.mark.slow(reason="the reaper's grace is waited for")
def test_a_lease_that_nobody_renews_is_judged_in_the_end(rig: Rig, scheduler: Scheduler) -> None:
    """Its run has failed 10 s later."""
    run_id, _ = under_way(rig)
    scheduler.begin()
    until(lambda: (rig.runs.get(run_id) or {}).get("status") == "failed", 30)
