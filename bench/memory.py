"""Memory (PSS) and lateness of a whole installation after a thousand runs: `python -m bench.memory`."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from bench.rig import pss
from tests.support.installation import Installation
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

RUNS = 1000


def main() -> None:
    """Prints the PSS of each kind of process, its children included, and the runs' lateness."""
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(Path(folder), "--appendonly", "no", "--maxclients", "20")
        try:
            with Installation(Path(folder), server, WEB_CONCURRENCY="2") as installation:
                measure(installation.start("web", "scheduler", "worker").until_healthy())
        finally:
            server.stop()


def measure(installation: Installation) -> None:
    """Runs and measures."""
    job_id = installation.make_job(options={"max_concurrent_runs": 2})
    for _ in range(RUNS // 100):
        for _ in range(100):
            installation.run_now(job_id)
        until(lambda: int(installation.client.hget(installation.keys.job(job_id), "open") or 0) == 0, 120)
    spaced = installation.make_job(schedule_config={"seconds": 1})
    until(lambda: len(installation.history(spaced)) > 20, 60)
    lateness = [run["lateness_ms"] for run in installation.history(spaced) if run["lateness_ms"] is not None]
    for name, process in installation.processes.items():
        pids = [process.pid, *descendants(process.pid)]
        print(f"{name}: {sum(map(pss, pids)):.0f} MiB in {len(pids)} processes")
    print(f"lateness of {len(lateness)} runs, ms: median {statistics.median(lateness)}, worst {max(lateness)}")
    print(f"connections: {installation.client.info('clients')['connected_clients']}")


if __name__ == "__main__":
    main()
