"""Processes killed, stopped, starved and doubled: nothing is lost, nothing is doubled, nothing is left running."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.support.histories import audit, epoch_seconds, unaccounted
from tests.support.installation import Installation
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="processes are killed and started again"),
]

SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))


def gone(pids: list[int]) -> bool:
    """Whether none of the processes is there any more."""
    return not [pid for pid in pids if Path(f"/proc/{pid}").exists() and _state(pid) != "Z"]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def test_kills_of_scheduler_worker_and_redis_lose_and_double_nothing(installation: Installation) -> None:
    """Each is killed in turn while jobs are due every second; then every occurrence is in the history once."""
    print(f"SEED={SEED}")
    chance = random.Random(SEED)
    installation.start("web", "scheduler-1", "scheduler-2", "worker-1", "worker-2").until_healthy()
    created = [
        installation.create_job(schedule_config={"seconds": 1}, options={"catch_up": catch_up, "overlap": overlap})
        for catch_up in ("latest", "all")
        for overlap in ("skip", "queue")
    ]
    jobs = {job["id"]: int(epoch_seconds(job["next_run_at"])) for job in created}

    def restart(name: str) -> None:
        installation.kill(name)
        installation.start(name)

    def restart_redis() -> None:
        installation.server.kill()
        installation.server.start()

    kills: list[Callable[[], None]] = [
        partial(restart, name) for name in ("scheduler-1", "worker-1", "scheduler-2", "worker-2")
    ]
    kills.append(restart_redis)
    for kill in kills:
        time.sleep(chance.uniform(0.5, 3.0))
        kill()
    until(lambda: installation.call("GET", "/health")[0] == 200, 30)
    over = time.time()

    def caught_up(job_id: str) -> bool:
        history = installation.history(job_id)  # empty while the lead of who was killed early has not ended
        return (
            bool(history) and epoch_seconds(history[0].get("last_scheduled_for") or history[0]["scheduled_for"]) > over
        )

    for job_id in jobs:
        until(lambda job_id=job_id: caught_up(job_id), 30)  # type: ignore[misc]
        until(lambda job_id=job_id: installation.call(  # type: ignore[misc]
            "POST", f"/jobs/{job_id}/toggle", {"enabled": False})[0] == 200, 10)  # fmt: skip
    until(
        lambda: not [run for job_id in jobs for run in installation.history(job_id)
                     if run["status"] in ("queued", "running")], 60,
        lambda: str([run for job_id in jobs for run in installation.history(job_id) if run["finished_at"] is None]),
    )  # fmt: skip
    for job_id, first in jobs.items():
        history = installation.history(job_id)
        assert audit(history) == []
        assert unaccounted(history, 1, first) == []
    assert not list(installation.client.scan_iter("rq:execution*"))
    assert installation.client.zcard(installation.keys.rq_started) == 0


def test_a_terminated_platform_leaves_nothing_running(installation: Installation) -> None:
    """SIGTERM to every process, again 3 s later: all gone in 28 s, the run says why, and runs again afterwards."""
    installation.start("web", "scheduler", "worker").until_healthy()
    deaf = installation.make_job(bot_config={"seconds": 300.0})
    heeding = installation.make_job(bot_config={"seconds": 300.0, "mode": "heed"})
    waiting = installation.make_job()
    runs = {job_id: installation.run_now(job_id) for job_id in (deaf, heeding)}
    for job_id, run_id in runs.items():
        installation.until_status(job_id, run_id, "running")
    not_started = installation.run_now(waiting)
    everyone = [pid for p in installation.processes.values() for pid in (p.pid, *descendants(p.pid))]
    asked_at = time.monotonic()
    installation.terminate_all()
    time.sleep(3)  # the platform's pause
    installation.terminate_all()
    until(lambda: gone(everyone), 25, lambda: "".join(map(installation.log, installation.processes)))
    assert time.monotonic() - asked_at > 14, "the bots had no time to end"
    for process in installation.processes.values():
        assert process.wait(1) == 0
    installation.processes.clear()
    installation.start("web", "scheduler", "worker").until_healthy()
    for job_id, run_id in runs.items():
        ended = installation.run(job_id, run_id)
        assert (ended["status"], ended["error"]) == ("failed", "worker stopped")
        again = installation.history(job_id)[0]
        assert (again["trigger"], again["retry_of"], again["attempt"]) == ("retry", run_id, 1)
        installation.call("DELETE", f"/jobs/{job_id}")
    installation.until_status(waiting, not_started, "success")


def test_redis_gone_is_503_and_right_again_without_a_restart(installation: Installation) -> None:
    """Gone in the middle and back: every process goes on, and nothing is lost."""
    installation.start("web", "scheduler", "worker").until_healthy()
    job_id = installation.make_job(schedule_config={"seconds": 1})
    until(lambda: len(installation.history(job_id)) > 1, 20)
    installation.server.kill()
    for method, path in (("GET", "/jobs"), ("GET", f"/jobs/{job_id}"), ("POST", f"/jobs/{job_id}/run")):
        status, answer = installation.call(method, path)
        assert (status, "Redis" in answer["detail"]) == (503, True), answer
    status, health = installation.call("GET", "/health")
    assert (status, health["status"], health["redis_connected"]) == (503, "unhealthy", False)
    alive = {name: process.pid for name, process in installation.processes.items()}
    installation.server.start()
    until(lambda: installation.call("GET", "/health")[0] == 200, 20)
    before = len(installation.history(job_id))
    until(lambda: sum(run["status"] == "success" for run in installation.history(job_id)) > before, 20)
    assert {name: process.pid for name, process in installation.processes.items() if process.poll() is None} == alive
    assert unaccounted(installation.history(job_id), 1) == []


def test_starting_without_redis_is_503_and_heals(installation: Installation) -> None:
    """Every process starts while Redis is away, waits, and does its work when it comes."""
    installation.server.kill()
    installation.start("web", "scheduler", "worker")

    def answered() -> bool:
        try:
            return installation.call("GET", "/jobs")[0] == 503
        except OSError:
            return False

    until(answered, 10, lambda: installation.log("web"))
    installation.server.start()
    installation.until_healthy()
    job_id = installation.make_job()
    installation.until_status(job_id, installation.run_now(job_id), "success")


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_stand_by_takes_over(installation: Installation, signum: int) -> None:
    """Killed, the leader is replaced within 15 s; told to stop, it hands over at once."""
    installation.start("web", "scheduler-1").until_healthy().start("scheduler-2")
    until(lambda: installation.client.zcard(installation.keys.schedulers) == 2, 20)
    job_id = installation.make_job(schedule_config={"seconds": 1})
    until(lambda: len(installation.history(job_id)) > 0, 15)
    until(lambda: "stands by" in installation.log("scheduler-2"), 10)
    newest = installation.history(job_id)[0]
    installation.kill("scheduler-1", signum)

    def moved_on() -> bool:
        run = installation.history(job_id)[0]
        return bool((run.get("last_scheduled_for") or run["scheduled_for"]) > newest["scheduled_for"])

    until(moved_on, 15 if signum == signal.SIGKILL else 5, lambda: installation.log("scheduler-2"))
    assert unaccounted(installation.history(job_id), 1) == []


def test_all_of_it_lives_with_20_connections(tmp_path: Path) -> None:
    """Two web processes, a scheduler and two workers, all busy at once, under `maxclients 20`."""
    with (
        ValkeyServer(tmp_path, "--appendonly", "no", "--maxclients", "20") as server,
        Installation(tmp_path, server, WEB_CONCURRENCY="2") as installation,
    ):
        installation.start("web", "scheduler", "worker").until_healthy()
        job_id = installation.make_job(bot_config={"mode": "talk"}, options={"max_concurrent_runs": 2})
        with ThreadPoolExecutor(16) as crowd:
            runs = list(crowd.map(lambda _: installation.run_now(job_id), range(100)))
            ends = crowd.map(lambda run_id: installation.until_status(job_id, run_id, "success", seconds=90), runs)
            assert len(list(ends)) == 100
        logs = "".join(installation.log(name) for name in installation.processes)
        assert "max number of clients" not in logs
        assert installation.client.info("clients")["connected_clients"] <= 20
