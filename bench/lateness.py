"""How late runs start on an idle service: `python -m bench.lateness --help`.

One worker process and one job due in each second for a while: of ours, and of rq-scheduler, which know whole seconds
alone, at its start, of the others at changing parts of it. The run itself notes the time at which its first line is
reached, by this machine's clock, which is also what Redis' TIME reads (how far the two are apart is noted). A start
before the due instant is negative and counts as early. How late the enqueueing is when a thousand are due in one second
is measured by the suite `stampede`.
"""

from __future__ import annotations

import math
import statistics
import time
from typing import Any

from bench.beside import beside
from bench.contenders import APSCHEDULER, BULLMQ, CELERY_ETA, HUEY, OURS, REDBEAT, RQ, RQ_DEFAULT, Contender
from bench.rig import Place
from bench.store import centile
from bench.suite import Chosen, Suite

SECONDS = 30
FULL_SECONDS = 120
CONTENDERS = [*OURS, RQ, RQ_DEFAULT, CELERY_ETA, REDBEAT, HUEY, APSCHEDULER, BULLMQ]
UP = 6.0
"""Seconds that everybody's processes are given to be up and idle before the first is due."""


def start(place: Place, contender: Contender) -> list[str]:
    """Starts the processes: a worker, and what enqueues. Returns their names."""
    names = contender.start_workers(place, 1)
    # Huey's consumer is both, and the script `scheduler` its half alone.
    if contender.scheduler is not None and contender is not HUEY:
        place.start("scheduler", contender.scheduler)
        names.append("scheduler")
    return names


def clocks_apart(place: Place) -> float:
    """Redis' TIME less this process' clock, ms, at the nearest of twenty looks."""
    looks = []
    for _ in range(20):
        before = time.time()
        theirs = place.now()
        after = time.time()
        looks.append((after - before, theirs - (before + after) / 2))
    return min(looks)[1] * 1000


def starts(place: Place) -> list[tuple[float, float]]:
    """What the runs have noted: when they were due, and when they started."""
    lines = place.trace.read_text().splitlines() if place.trace.exists() else []
    return [(float(due), float(at)) for due, at in (line.split() for line in lines)]


def measure(contender: Contender, count: int, up: float = UP) -> dict[str, Any]:
    """One round: `count` jobs, one due each second; the processes have about `up` seconds to be up before the first."""
    with contender.place() as place:
        first = math.ceil(time.time() + up + 2)
        contender.fill(place, "spread", first, count)
        names = start(place, contender)
        time.sleep(max(0.0, first - 1 - time.time()))
        cpu, began = sum(map(place.cpu, names)), time.monotonic()
        longest = count + (65 if contender is RQ_DEFAULT else 10)
        place.until(lambda: len(starts(place)) >= count, longest, 0.2)
        used, seconds = sum(map(place.cpu, names)) - cpu, time.monotonic() - began
        late = sorted((at - due) * 1000 for due, at in starts(place))
        return {
            "runs": len(late),
            "p50_ms": statistics.median(late),
            "p99_ms": centile(late, 0.99),
            "least_ms": late[0],
            "most_ms": late[-1],
            "early": sum(1 for ms in late if ms < 0),
            "cpu_percent": 100 * used / seconds,
            "memory_mib": sum(map(place.pss, names)),
            "clocks_apart_ms": clocks_apart(place),
            "late_ms": [round(ms, 2) for ms in late],
        }


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds of all contenders."""
    seconds = 3 if chosen.tiny else FULL_SECONDS if chosen.full else SECONDS
    with beside(chosen.before, CONTENDERS) as contenders:
        suite = Suite("lateness", chosen, contenders)
        for contender in suite.rounds():
            suite.note(contender, "idle", lambda c=contender: measure(c, seconds, 1 if chosen.tiny else UP))  # type: ignore[misc]
    data = suite.results()
    data["pooled"] = {name: pooled(rounds["idle"]) for name, rounds in data["results"].items()}
    return data


def pooled(rounds: list[dict[str, Any]]) -> dict[str, float]:
    """The centiles over all rounds' runs together."""
    late = [ms for one in rounds for ms in one["late_ms"]]
    return {
        "runs": len(late), "p50_ms": statistics.median(late), "p99_ms": centile(late, 0.99),
        "least_ms": min(late), "most_ms": max(late), "early": sum(1 for ms in late if ms < 0),
    }  # fmt: skip


if __name__ == "__main__":
    Chosen.ask(__doc__).run("lateness", measured)
