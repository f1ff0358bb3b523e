"""`python -m tests.chaos.measure`: how long recoveries take, and what a Redis that is killed under everysec loses.

Prints tables. Not a part of the suite: it takes about ten minutes.
"""

from __future__ import annotations

import argparse
import http.client
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.audit import texts
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer


def table(title: str, unit: str, values: Sequence[float]) -> None:
    """Prints what was measured."""
    ordered = sorted(values)
    print(f"\n### {title}\n\n| times | median | 90 % | longest |\n|---|---|---|---|")
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    print(
        f"| {len(ordered)} | {statistics.median(ordered):.2f} {unit} | {high:.2f} {unit} | {ordered[-1]:.2f} {unit} |"
    )
    print("all:", ", ".join(f"{value:.2f}" for value in values), flush=True)


def fields(installation: Installation, run_id: str) -> dict[str, str]:
    """A run's hash."""
    row: Any = installation.client.hgetall(installation.keys.run(run_id))
    return {name.decode(): value.decode() for name, value in row.items()}


def redis_ms(installation: Installation) -> int:
    """Redis' time."""
    pair: Any = installation.client.time()
    return int(pair[0]) * 1000 + int(pair[1]) // 1000


def take_over(signum: int, times: int, chance: random.Random) -> list[float]:
    """Seconds from the leader's end to the start of the next due run of a job of each second."""
    taken = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ValkeyServer(Path(folder), "--appendonly", "yes", "--appendfsync", "always") as server,
        Installation(Path(folder), server) as installed,
    ):
        installed.start("web", "worker", "scheduler-1", "scheduler-2").until_healthy()
        job_id = installed.make_job(schedule_config={"seconds": 1}, options={"overlap": "queue"})
        for _ in range(times):
            until(lambda: _schedulers_up(installed) == 2, 30)
            until(lambda: started_after(installed, job_id, redis_ms(installed) - 1500) is not None, 30)
            time.sleep(chance.uniform(0.0, 2.0))
            taken.append(_end_the_leader(installed, job_id, signum))
    return taken


def _schedulers_up(installed: Installation) -> int:
    return int(str(installed.client.zcount(installed.keys.schedulers, redis_ms(installed) - 3000, "+inf")))


def _end_the_leader(installed: Installation, job_id: str, signum: int) -> float:
    held = str(installed.client.get(installed.keys.leader)).split("-")
    name = next(n for n in ("scheduler-1", "scheduler-2") if str(installed.processes[n].pid) in held)
    killed_at = redis_ms(installed)
    installed.kill(name, signum)
    until(lambda: started_after(installed, job_id, killed_at) is not None, 60)
    started = started_after(installed, job_id, killed_at)
    assert started is not None
    installed.start(name)
    return (started - killed_at) / 1000


def started_after(installed: Installation, job_id: str, ms: int) -> int | None:
    """When the first run that was queued and started after `ms` started."""
    found = []
    for run_id in texts(installed.client.lrange(installed.keys.history(job_id), 0, 30)):
        run = fields(installed, run_id)
        if "started_at" in run and int(run["started_at"]) > ms and int(run["queued_at"]) > ms:
            found.append(int(run["started_at"]))
    return min(found, default=None)


def dead_workers(times: int, chance: random.Random) -> list[float]:
    """Seconds from a worker's SIGKILL to its run's end as failed, with leases of 30 s; half of them are retried."""
    taken: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ValkeyServer(Path(folder), "--appendonly", "yes", "--appendfsync", "always") as server,
        Installation(Path(folder), server, LEASE_SECONDS="30", WORKER_CONCURRENCY="1") as installed,
    ):
        installed.start("web", "scheduler").until_healthy()
        while len(taken) < times:
            taken += _one_batch(installed, min(5, times - len(taken)), chance)
    return taken


def _one_batch(installed: Installation, size: int, chance: random.Random) -> list[float]:
    runs, killed = [], []
    for number in range(size):
        options = {"max_retries": number % 2, "retry_delay_seconds": 3600}
        job_id = installed.make_job(bot_config={"seconds": 600.0}, options=options)
        runs.append((job_id, installed.run_now(job_id)))
        installed.start(f"worker-{number}")
        installed.until_status(*runs[-1], "running")
    for number in range(size):
        time.sleep(chance.uniform(0.0, 2.0))
        started = installed.run(*runs[number])
        assert started["status"] == "running"
        worker = fields(installed, runs[number][1])["worker"]
        name = next(n for n in installed.processes if n.startswith("worker") and _is_of(installed, n, worker))
        killed.append(redis_ms(installed))
        installed.kill(name)
    taken = []
    for number, (job_id, run_id) in enumerate(runs):
        installed.until_status(job_id, run_id, "failed", seconds=90)
        taken.append((int(fields(installed, run_id)["finished_at"]) - killed[number]) / 1000)
        newest = installed.history(job_id)[0]
        assert (newest["trigger"] == "retry") == bool(number % 2), newest
        installed.call("DELETE", f"/jobs/{job_id}")
    return taken


def _is_of(installed: Installation, name: str, worker: str) -> bool:
    from tests.support.processes import descendants

    return any(f"-{pid}-" in worker for pid in descendants(installed.processes[name].pid))


def everysec(times: int, chance: random.Random) -> tuple[list[float], list[float]]:
    """Redis killed under load: how much was acknowledged each time, and how much of that was gone after its restart."""
    acknowledged, missing = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        ValkeyServer(Path(folder), "--appendonly", "yes", "--appendfsync", "everysec") as server,
        Installation(Path(folder), server) as installed,
    ):
        installed.start("web", "scheduler").until_healthy()
        for _ in range(times):
            jobs, runs = _ask_until_killed(installed, server, chance.uniform(1.0, 4.0))
            known = set(texts(installed.client.zrange(installed.keys.jobs, 0, -1)))
            lost = [job_id for job_id in jobs if job_id not in known]
            lost += [run_id for run_id in runs if not installed.client.exists(installed.keys.run(run_id))]
            acknowledged.append(float(len(jobs) + len(runs)))
            missing.append(float(len(lost)))
            installed.client.flushall()
    return acknowledged, missing


def _ask_until_killed(installed: Installation, server: ValkeyServer, seconds: float) -> tuple[list[str], list[str]]:
    jobs: list[str] = []
    runs: list[str] = []
    dead = threading.Event()

    def ask() -> None:
        job_id = installed.make_job()
        jobs.append(job_id)
        for number in range(900):
            try:
                if number % 10 == 0:
                    job_id = installed.make_job()
                    jobs.append(job_id)
                status, answer = installed.call("POST", f"/jobs/{job_id}/run")
            except (OSError, http.client.HTTPException, AssertionError):
                return
            if status != 202 or dead.is_set():
                return
            runs.append(answer["run_id"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    server.kill()
    dead.set()
    for thread in threads:
        thread.join()
    server.start()
    until(lambda: installed.call("GET", "/jobs?limit=1")[0] == 200, 30)
    return jobs, runs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.measure", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["failover", "handover", "worker", "everysec"])
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    parts: dict[str, Callable[[], None]] = {
        "failover": lambda: table(
            "Leader SIGKILLed: until the next due run starts", "s", take_over(signal.SIGKILL, chosen.times, chance)
        ),
        "handover": lambda: table(
            "Leader told to stop (SIGTERM): until the next due run starts (due each second)", "s",
            take_over(signal.SIGTERM, chosen.times, chance),
        ),
        "worker": lambda: table(
            "Worker SIGKILLed, leases of 30 s: until its run is failed, or retried", "s",
            dead_workers(chosen.times, chance),
        ),
        "everysec": lambda: _everysec(chosen.times, chance),
    }  # fmt: skip
    for name, part in parts.items():
        if chosen.only in (None, name):
            part()


def _everysec(times: int, chance: random.Random) -> None:
    acknowledged, missing = everysec(times, chance)
    print(f"\n### Redis SIGKILLed under load, appendfsync everysec, {times} times\n")
    print("| acknowledged jobs and runs | gone after the restart | kills that lost something | most in one kill |")
    print("|---|---|---|---|")
    print(f"| {sum(acknowledged):.0f} | {sum(missing):.0f} | {sum(1 for m in missing if m)} | {max(missing):.0f} |")
    print("A SIGKILL leaves what the server has written to the kernel; a power cut would take what is not yet synced.")


if __name__ == "__main__":
    main()
