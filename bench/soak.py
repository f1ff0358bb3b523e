"""Two hundred runs a second for a long time: `python -m bench.soak --minutes 60`.

A thousand jobs, each due every five seconds, with a warm worker of two processes, a scheduler and two web processes.
Noted every few seconds: the memory of each kind of process and of Redis, the number of keys, and how late the newest
runs started. Fifty ended runs are kept of each job, so that what is kept is complete within five minutes (RQ's records,
kept for 500 s, within nine) and growth after that is growth.
"""

from __future__ import annotations

import time
from typing import Any

from bench import ours
from bench.contenders import OURS
from bench.rig import Place
from bench.store import centile
from bench.suite import Chosen, Suite
from service.domain.options import Options

JOBS = 1000
PERIOD = 5
HISTORY = 50
KEPT_SECONDS = 600
"""After this everything that expires has begun to expire."""


def fill(place: Place, count: int) -> None:
    """Stores the jobs, an equal number due in each second."""
    first = int(place.now()) + 8
    for offset in range(PERIOD):
        what = ours.definition(schedule_config={"seconds": PERIOD}, options=Options(overlap="queue"))
        record = ours.planned(what, first + offset, place.now())
        ours.store(place, ours.copies([record], count // PERIOD))


def newest_late(place: Place, count: int) -> list[float]:
    """How late the newest runs that have started did, ms."""
    ids: Any = place.client.lrange(ours.KEYS.runs, 0, count - 1)
    pipe = place.client.pipeline(transaction=False)
    for run_id in ids:
        pipe.hmget(ours.KEYS.run(run_id.decode()), "due", "started_at")
    return [float(started) - float(due) for due, started in pipe.execute() if due and started]


def look(place: Place, began: float) -> dict[str, float]:
    """How everything is now."""
    late = newest_late(place, 2000) or [0.0]
    info: Any = place.client.info()
    return {
        "seconds": round(time.monotonic() - began),
        **{f"{name}_mib": round(place.pss(name), 1) for name in place.processes},
        "redis_mib": round(info["used_memory"] / 2**20, 1),
        "keys": int(place.client.dbsize()),
        "queued": int(place.client.zcard(ours.KEYS.queued)),
        "late_p50_ms": round(centile(late, 0.5), 1),
        "late_p99_ms": round(centile(late, 0.99), 1),
    }


def measure(seconds: float, jobs: int) -> dict[str, Any]:
    """The whole of it."""
    with OURS[0].place() as place:
        place.environment["HISTORY_LIMIT"] = str(HISTORY)
        fill(place, jobs)
        place.start("scheduler", ours.SCHEDULER)
        place.start("web", ours.WEB)
        names = OURS[0].start_workers(place, 2)
        place.processes["worker"] = place.processes.pop(names[0])
        began, looks = time.monotonic(), []
        cpu = {name: place.cpu(name) for name in place.processes}
        pause = max(1.0, min(15.0, seconds / 120))
        while (left := began + seconds - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            looks.append(look(place, began))
            print("  ", looks[-1], flush=True)
        used = {f"{name}_cpu_percent": 100 * (place.cpu(name) - cpu[name]) / seconds for name in cpu}
        return {"minutes": seconds / 60, "runs_per_second": jobs / PERIOD, **used, **growth(looks), "looks": looks}


def growth(looks: list[dict[str, float]]) -> dict[str, float]:
    """What the last quarter of the settled time has more than its first, in percent; nothing if it was too short."""
    settled = [one for one in looks if one["seconds"] >= KEPT_SECONDS]
    if len(settled) < 8:
        return {"settled_minutes": 0.0}
    quarter = max(1, len(settled) // 4)
    grown = {}
    for name in settled[0]:
        if name not in ("seconds", "queued"):
            early = sum(one[name] for one in settled[:quarter]) / quarter
            late = sum(one[name] for one in settled[-quarter:]) / quarter
            grown[f"{name}_growth_percent"] = round(100 * (late - early) / early, 2) if early else 0.0
    return {"settled_minutes": round((settled[-1]["seconds"] - settled[0]["seconds"]) / 60, 1), **grown}


def measured(chosen: Chosen) -> dict[str, Any]:
    """One long round."""
    suite = Suite("soak", chosen, OURS[:1])
    seconds, jobs = (5.0, 50) if chosen.tiny else (chosen.minutes * 60, JOBS)
    suite.note(OURS[0], "200 a second", lambda: measure(seconds, jobs))
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("soak", measured)
