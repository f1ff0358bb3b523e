"""A hundred thousand jobs due at one instant, beside other work: `python -m bench.stampede_full --help`.

While they are enqueued the API is asked for a job, a page and the health fifty times a second, and ten jobs due each
second go on. No worker is up. Told are the seconds until everything was enqueued, what the API's answers took, the
longest that Redis was busy with one script, and how late the other jobs were enqueued.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from bench import ours
from bench.contenders import Contender
from bench.prober import Prober
from bench.rig import Place
from bench.stampede import MANY, instant, longest_call, thinned, watch
from bench.store import centile
from bench.suite import Chosen, measured_alone
from service.domain.options import Options

JOBS = 100_000
OTHERS = 10


def others(place: Place) -> list[str]:
    """Stores jobs that are due each second and run at most once at a time, the next waiting. Returns their ids."""
    what = ours.definition(schedule_config={"seconds": 1}, options=Options(overlap="queue", max_concurrent_runs=1000))
    now = place.now()
    return ours.store(place, ours.copies([ours.planned(what, int(now) + 2, now)], OTHERS))


def enqueued_late(place: Place, job_ids: list[str], since: float) -> list[float]:
    """How late each run of these jobs that was due since then was enqueued, ms."""
    late = []
    for job_id in job_ids:
        ids: Any = place.client.lrange(ours.KEYS.history(job_id), 0, 400)
        for run_id in ids:
            pair: Any = place.client.hmget(ours.KEYS.run(run_id.decode()), "queued_at", "due")
            queued, due = pair
            if due and int(due) >= since * 1000:
                late.append(float(queued) - float(due))
    return late


def stampeding(now: float, at: float, count: int) -> Any:
    """The records of the jobs."""
    return ours.copies(ours.due_at(at, now), count)


def measure(contender: Contender, count: int) -> dict[str, Any]:
    """One round."""
    with contender.place() as place:
        at = instant(place, contender, count) + (60 if count >= MANY else 0)
        ids = ours.store(place, stampeding(place.now(), at, count))
        beside = others(place)
        place.start("scheduler", ours.SCHEDULER)
        place.start("web", ours.WEB)
        port = int(place.environment["PORT"])
        # The first requests find the processes starting; they are not counted.
        paths = [f"/scheduler/jobs/{ids[0]}", "/scheduler/jobs?limit=50", "/scheduler/health"]
        with Prober(port, paths) as prober:
            time.sleep(max(0.0, at - place.now() - 1))
            place.client.slowlog_reset()
            due = time.monotonic() + (at - place.now())
            counted = replace(contender, queued=lambda client, n: min(n, int(client.zcount(
                ours.KEYS.due, at * 1000 + 1_700_000, "+inf"))))  # fmt: skip
            cpu, server = place.cpu("scheduler"), place.server_cpu()
            curve = watch(place, counted, count, at)
            took = curve[-1][0] - max(seconds for seconds, found in curve if found == 0)
            cpu, server = place.cpu("scheduler") - cpu, place.server_cpu() - server
            time.sleep(1)
        late = enqueued_late(place, beside, at - 1)
        return {
            "jobs": count,
            "all_seconds": curve[-1][0],
            "enqueued_per_second": count / took,
            "cpu_ms_per_job": cpu * 1000 / count,
            "redis_cpu_ms_per_job": server * 1000 / count,
            "api_p99_ms": prober.p99(due),
            "api_worst_ms": prober.worst(due),
            "longest_call_ms": longest_call(place),
            "others_p99_ms": centile(late, 0.99),
            "others_worst_ms": max(late),
            "scheduler_mib": place.pss("scheduler"),
            "curve": thinned(curve),
        }


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds."""
    return measured_alone("stampede_full", chosen, 500 if chosen.tiny else JOBS, measure)


if __name__ == "__main__":
    Chosen.ask(__doc__).run("stampede_full", measured)
