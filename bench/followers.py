"""A thousand live followers of one run, and of a hundred runs, in one web process: `python -m bench.followers --help`.

The one run logs a line every 50 ms, each of the hundred every 500 ms, by a real worker, which writes its lines to Redis
five times a second: of a line's way to its last follower, up to 200 ms pass there. A third part restarts the web
process half-way (SIGTERM, then a new one); the followers come back with `Last-Event-ID`, and no line may be lost or
doubled. Beside it the API is asked for a job.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from bench import ours
from bench.ours import API_KEY
from bench.paired import Paired
from bench.prober import Prober
from bench.revisions import OURS
from bench.rig import ROOT
from bench.store import centile
from bench.suite import Chosen
from bench.web import NEW, Web, is_healthy, web

FOLLOWERS = 1000
SECONDS = 20.0
PAUSE = 0.05
SLOW_PAUSE = 0.2
"""Where the web process is restarted: the 32 KiB that a log's end keeps must outlast that."""
MOST_LINES = 200
"""Lines a second of all runs together: more of them log more seldom, lest the workers take the processor."""
STARTING = 150.0
"""So many seconds more a run goes on, for everybody to start."""


def start_runs(up: Web, runs: int, seconds: float, pause: float) -> list[str]:
    """Starts a worker with so many runs that log, with `pause` seconds between lines. Returns their logs' paths."""
    options = {"max_concurrent_runs": 100}
    config = {"seconds": seconds + STARTING, "pause": pause}
    job = {**NEW, "bot_type": "logging", "bot_config": config, "options": options}
    job_id = up.told("POST", "/scheduler/jobs", job)["id"]
    ids = [up.run(job_id) for _ in range(runs)]
    up.start_worker(runs)
    history = f"/scheduler/jobs/{job_id}/history?limit={runs}"
    up.place.until(lambda: all(run["started_at"] for run in up.told("GET", history)), STARTING, 1.0)
    return [f"/scheduler/jobs/{job_id}/runs/{run_id}/log" for run_id in ids]


def restart(up: Web) -> float:
    """Ends the web process as a platform does, and starts another. Returns the seconds until that one is healthy."""
    begun = time.monotonic()
    process = up.place.processes["web"]
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    up.place.start("web", ours.WEB)
    up.place.until(lambda: is_healthy(up), 30, 0.05)
    return time.monotonic() - begun


def measure(up: Web, count: int, runs: int, seconds: float, restarted: bool = False) -> dict[str, Any]:
    """So many followers of so many runs."""
    paths = start_runs(up, runs, seconds, SLOW_PAUSE if restarted else max(PAUSE, runs / MOST_LINES))
    before = up.memory()["pss_mib"]
    words = [sys.executable, "-m", "bench.follow", str(up.port), str(count), str(seconds), *paths]
    environment = {**os.environ, "BENCH_KEY": API_KEY}
    client = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout is not None
        client.stdout.readline()
        time.sleep(2)
        with Prober(up.port, [f"/scheduler/jobs/{up.ids[0]}"], patience=5) as prober:
            cpu, server, begun = up.place.cpu("web"), up.place.server_cpu(), time.monotonic()
            time.sleep(seconds / 2)
            beside, took = up.memory()["pss_mib"], restart(up) if restarted else 0.0
            cpu = 0.0 if restarted else cpu  # a new process counts from the beginning
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
            wall = time.monotonic() - begun
            cpu, server = up.place.cpu("web") - cpu, up.place.server_cpu() - server
            info: Any = up.place.client.info("clients")
        told = json.loads(client.communicate(timeout=120)[0])
    finally:
        client.kill()
        client.wait()
    late = told.pop("late_ms") or [0.0]
    return {
        "followers": count, "runs": runs, **told, "late_p50_ms": centile(late, 0.5), "late_p99_ms": centile(late, 0.99),
        "late_max_ms": late[-1], "cpu_percent": 100 * cpu / wall, "redis_cpu_percent": 100 * server / wall,
        "pss_mib": beside, "kib_each": (beside - before) * 1024 / max(1, told["streaming"]),
        "redis_clients": info["connected_clients"], "restart_seconds": took, **prober.figures("job"),
    }  # fmt: skip


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds; each part in a new place."""
    suite = Paired("followers", chosen)
    count = chosen.many or (2 if chosen.tiny else FOLLOWERS)
    seconds = chosen.seconds or (2.0 if chosen.tiny else SECONDS)
    cases = [(1, False), (2 if chosen.tiny else 100, False), (1, True)]
    for _ in suite.rounds():
        for runs, restarted in cases:
            with web(OURS, 1, 10) as up:
                part = f"{runs} run{'s' if runs > 1 else ''}{', the web process restarted' if restarted else ''}"
                suite.note(OURS.name, part, lambda u=up, r=runs, n=restarted: measure(u, count, r, seconds, n))  # type: ignore[misc]
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("followers", measured)
