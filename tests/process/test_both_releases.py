"""Both releases at once, with real processes: the new one comes while the older one has runs under way."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from service.store.keys import Keys
from service.store.schema import newest
from tests.support.counts import check_counts, left_by_older, members
from tests.support.histories import unaccounted
from tests.support.installation import Installation
from tests.support.older_release import OlderInstallation, older_code
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="two installations start, and the older one notices the newer after 5 s"),
]

KEYS = Keys()
LEASED = """
local jobs = {}
for _, run_id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  jobs[#jobs + 1] = redis.call('HGET', ARGV[1] .. run_id, 'job_id') or ''
end
return jobs
"""
TICK: dict[str, Any] = {"schedule_config": {"seconds": 1}}
AT_ONCE: dict[str, Any] = {"max_retries": 2, "retry_delay_seconds": 1}


@pytest.fixture
def code() -> Iterator[Path]:
    """The older release's code."""
    with older_code() as folder:
        yield folder


@contextmanager
def most_leases(client: Redis) -> Iterator[Counter[str]]:
    """Look many times a second how many runs of each job hold a lease. Gives the most of each, a counter."""
    most: Counter[str] = Counter()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            found: Any = client.eval(LEASED, 1, KEYS.leases, KEYS.run(""))
            for job_id, count in Counter(job.decode() for job in found).items():
                most[job_id] = max(most[job_id], count)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def make_jobs(old: Installation, trace: str) -> dict[str, str]:
    """Make jobs of every kind by the older API. Gives their ids by name."""
    slow = {"seconds": 2.5, "trace": trace}
    limit = {"max_concurrent_runs": 2, "overlap": "queue"}
    made: dict[str, dict[str, Any]] = {
        "ticks": {**TICK, "bot_config": {"trace": trace}, "options": {"overlap": "queue"}},
        "skips": {**TICK, "bot_config": slow},
        "two at once": {"bot_config": slow, "options": limit},
        "fails": {**TICK, "bot_config": {"mode": "raise", "trace": trace}, "options": {**AT_ONCE, "overlap": "queue"}},
        "fails once": {"bot_config": {"mode": "raise", "seconds": 1.0}, "options": {"disable_after_failures": 1}},
        "cancelled": {"bot_config": {"seconds": 60.0, "mode": "heed", "trace": trace}},
        "deleted": {"bot_config": {"seconds": 60.0, "mode": "heed"}},
        "daily": {"schedule_type": "daily", "schedule_config": {"hour": 3, "minute": 0}},
        "off": {**TICK, "enabled": False},
    }
    return {name: old.make_job(name=name, **fields) for name, fields in made.items()}


def begin(old: Installation, jobs: dict[str, str]) -> str:
    """Have runs under way, queued, waiting and awaiting their retry. Gives the run that is to be cancelled."""
    cancelled = old.run_now(jobs["cancelled"])
    deleted = old.run_now(jobs["deleted"])
    old.until_status(jobs["cancelled"], cancelled, "running")
    old.until_status(jobs["deleted"], deleted, "running")
    for _ in range(8):
        old.run_now(jobs["two at once"])
    until(lambda: any(run["trigger"] == "retry" for run in old.history(jobs["fails"])), 30)
    until(lambda: old.client.llen(KEYS.old_waiting(jobs["two at once"])) > 0, 30)
    return cancelled


def test_both_releases_at_once_lose_and_double_nothing(tmp_path: Path, light_server: ValkeyServer, code: Path) -> None:
    """The new release comes, both go on, frozen ones too, and the older one is stopped process by process."""
    trace = tmp_path / "trace"
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    client = light_server.client()
    with (
        OlderInstallation(code, tmp_path / "old", light_server, WORKER_CONCURRENCY="3") as old,
        Installation(tmp_path / "new", light_server) as new,
        most_leases(client) as most,
    ):
        old.start("web", "scheduler", "worker", "worker-2").until_healthy()
        jobs = make_jobs(old, str(trace))
        cancelled = begin(old, jobs)
        freeze(old, "scheduler", "worker-2")
        new.start("scheduler", "web", "worker")
        until(lambda: client.get(KEYS.schema_version) == str(newest()).encode(), 60, lambda: new.log("scheduler"))
        assert client.hlen(KEYS.adopted) >= 2
        new.until_healthy()
        freeze(old, "scheduler", "worker-2", signum=signal.SIGCONT)
        body = {"description": "x"}
        until(lambda: old.call("PUT", f"/jobs/{jobs['off']}", body)[0] == 503, 30, lambda: old.log("web"))

        # Both are at work.
        for _ in range(4):
            new.run_now(jobs["two at once"])
        new.run_now(jobs["fails once"])
        assert new.call("POST", f"/jobs/{jobs['cancelled']}/runs/{cancelled}/cancel")[0] == 202
        assert new.call("DELETE", f"/jobs/{jobs['deleted']}")[0] == 204
        new.until_status(jobs["cancelled"], cancelled, "cancelled")
        for name in ("web", "scheduler"):
            old.kill(name, signal.SIGTERM)
        old.kill("worker-2")  # what it has under way is found when its lease is over
        old.kill("worker", signal.SIGTERM)
        until(lambda: not client.exists(KEYS.adopted), 60, lambda: str(client.hgetall(KEYS.adopted)))

        ended = settle(new, client, jobs)
        audit(client, jobs, ended, most)
        started = Counter(line.split()[3] for line in trace.read_text().splitlines() if line.startswith("start"))
        assert {run_id: count for run_id, count in started.items() if count > 1} == {}
        assert new.call("GET", "/health")[1]["enabled_jobs"] == 1


def freeze(old: Installation, *names: str, signum: int = signal.SIGSTOP) -> None:
    """Stop processes where they are, with all that they have started; or let them go on."""
    for name in names:
        for pid in [old.processes[name].pid, *descendants(old.processes[name].pid)]:
            os.kill(pid, signum)


def settle(new: Installation, client: Redis, jobs: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Switch all jobs off but one, and wait until every run has ended. Gives the histories by the jobs' names."""
    names = {name: job_id for name, job_id in jobs.items() if name != "deleted"}
    for name, job_id in names.items():
        if name != "daily":
            assert new.call("POST", f"/jobs/{job_id}/toggle", {"enabled": False})[0] == 200

    def unended() -> list[dict[str, Any]]:
        return [
            run for job_id in names.values() for run in new.history(job_id) if run["status"] in ("queued", "running")
        ]

    until(lambda: not unended(), 90, lambda: f"{unended()}\n{new.log('worker')[-2000:]}")
    killed: Any = client.smembers(KEYS.old_workers)
    for worker in killed:
        client.pexpire(worker, 1)  # as 80 s later, when RQ takes a worker for dead that did not say goodbye
    until(
        lambda: not left_by_older(client) and not client.exists(KEYS.old_workers),
        30,
        lambda: str(left_by_older(client)),
    )
    return {name: new.history(job_id) for name, job_id in names.items()}


def audit(client: Redis, jobs: dict[str, str], ended: dict[str, list[dict[str, Any]]], most: Counter[str]) -> None:
    """Each occurrence was decided once, each run ended once, limits held, counts are right, nothing is left behind."""
    check_counts(client, KEYS)
    for name in ("ticks", "skips", "fails"):
        assert unaccounted([run for run in ended[name] if run["trigger"] == "schedule"], 1) == [], name
    assert len([run for run in ended["two at once"] if run["status"] == "success"]) >= 8
    for name, job_id in jobs.items():
        assert most[job_id] <= (2 if name == "two at once" else 1), name
    for key in (KEYS.leases, KEYS.queued, KEYS.retries, KEYS.rq_queue, KEYS.rq_intermediate, KEYS.rq_started):
        assert members(client, key) == [], key
    assert members(client, KEYS.due) == [jobs["daily"]]
    names = [name.decode() for name in client.scan_iter()]
    kept = (KEYS.deleted_job(jobs["deleted"]), KEYS.deleted_revisions(jobs["deleted"]))
    assert [name for name in names if jobs["deleted"] in name and name not in kept] == []
    unended = [name for name in names if name.startswith("rq:job:") and client.ttl(name) < 0]
    assert unended == [], json.dumps(unended)
