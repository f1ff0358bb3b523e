"""What many jobs cost: `python -m bench.scale --help`.

A thousand, ten thousand, a hundred thousand jobs (with --full a million) that are not due, and beside them 0, 10, 100
or 1,000 that are due each second. The scheduler and two web processes are up, no worker is; the API is asked for a job,
a page and the health fifty times a second. A tick's time is from the due instant to the last of that second's runs
being enqueued.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from typing import Any

from bench import ours
from bench.contenders import OURS
from bench.prober import Prober
from bench.rig import Place
from bench.suite import Chosen, Suite
from service.domain.options import Options
from service.domain.timestamps import format_timestamp

SIZES = (1_000, 10_000, 100_000)
FULL_SIZES = (*SIZES, 1_000_000)
RATES = (0, 10, 100, 1_000)
SECONDS = 10
KINDS = 90
"""So many different options have the jobs that are due, so that few plans are the same."""
PERIOD = 5
"""Seconds between two occurrences of one of the jobs that are due, so that each second has others."""


def make_due(place: Place, rate: int, seconds: int) -> tuple[int, int]:
    """Stores jobs of which `rate` are due each second for a while. Returns the first second and the one after the last.

    They end by themselves.
    """
    first = math.ceil(place.now() + 2 + rate * PERIOD / 1_500)
    ends_at, now = format_timestamp(first + seconds), place.now()
    options = [Options(max_concurrent_runs=1000, ends_at=ends_at, timeout_seconds=60 + n) for n in range(KINDS)]
    for offset in range(PERIOD if rate else 0):
        kinds = [ours.definition(schedule_config={"seconds": PERIOD}, options=one) for one in options]
        ours.store(place, ours.copies([ours.planned(kind, first + offset, now) for kind in kinds], rate))
    return first, first + seconds


def ticks(place: Place, first: int, end: int) -> list[float]:
    """For each second, how long after it its last run was enqueued, ms, as far back as the list of all runs goes.

    Stored times are cut to milliseconds, and the one in which that was counts in full.
    """
    ids: Any = place.client.lrange(ours.KEYS.runs, 0, -1)
    pipe = place.client.pipeline(transaction=False)
    for run_id in ids:
        pipe.hmget(ours.KEYS.run(run_id.decode()), "due", "queued_at")
    last: dict[int, float] = defaultdict(float)
    for due, queued in pipe.execute():
        if due and first * 1000 <= int(due) < end * 1000:
            last[int(due)] = max(last[int(due)], float(queued) + 1 - float(due))
    return list(last.values())


def measure(place: Place, some: list[str], rate: int, seconds: int) -> dict[str, Any]:
    """One rate in a place that has its jobs."""
    first, end = make_due(place, rate, seconds)
    time.sleep(max(0.0, first - 0.5 - place.now()))
    paths = [f"/scheduler/jobs/{some[0]}", "/scheduler/jobs?limit=50", "/scheduler/health"]
    with Prober(int(place.environment["PORT"]), paths) as prober:
        cpu, server, began = place.cpu("scheduler"), place.server_cpu(), time.monotonic()
        time.sleep(seconds)
        wall = time.monotonic() - began
        cpu, server = place.cpu("scheduler") - cpu, place.server_cpu() - server
    time.sleep(1)
    tick = ticks(place, first, end)
    return {
        "scheduler_cpu_percent": 100 * cpu / wall,
        "redis_cpu_percent": 100 * server / wall,
        "scheduler_mib": place.pss("scheduler"),
        "tick_ms": statistics.median(tick) if tick else 0.0,
        "tick_worst_ms": max(tick, default=0.0),
        "api_p99_ms": prober.p99(),
        "api_failed": prober.failed,
    }


def of_size(suite: Suite, size: int, rates: tuple[int, ...], seconds: int) -> None:
    """All rates with so many jobs."""
    with OURS[0].place() as place:
        empty, began = place.memory(), time.monotonic()
        later = (place.now() + 72_000) // 60 * 60
        some = ours.store(place, ours.copies(ours.due_at(later, place.now()), size))
        stored = {
            "bytes_per_job": (place.memory() - empty) / size,
            "stored_per_second": size / (time.monotonic() - began),
        }
        place.start("scheduler", ours.SCHEDULER)
        place.start("web", ours.WEB)
        place.until(lambda: bool(place.client.exists(ours.KEYS.leader)), 60)
        time.sleep(3)
        for rate in rates:
            suite.note(OURS[0], f"{size} jobs, {rate} due", lambda r=rate: {  # type: ignore[misc]
                "jobs": size, "due_per_second": r, **stored, **measure(place, some, r, seconds)})  # fmt: skip


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds."""
    suite = Suite("scale", chosen, OURS[:1])
    sizes = (200,) if chosen.tiny else FULL_SIZES if chosen.full else SIZES
    for _ in suite.rounds():
        for size in sizes:
            of_size(suite, size, (10,) if chosen.tiny else RATES, 2 if chosen.tiny else SECONDS)
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("scale", measured)
