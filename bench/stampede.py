"""Many jobs due at one instant: how fast they are enqueued. `python -m bench.stampede --help`.

Our jobs are of ninety kinds, by expression, time zone and options, and once all of one kind, of which a scheduler can
make the most. They are stored ahead of the instant, the scheduler is up and idle, no worker is. Timed is from the last
look that found nothing enqueued to the first that found everything: of ours that means every run recorded, in its job's
history and in RQ's queue, and every job moved on to its next occurrence. A thousand due at once tell how late each was
enqueued; ten thousand how many a second. `bench.stampede_full` does it with a hundred thousand beside other work.
"""

from __future__ import annotations

import math
import time
from typing import Any

from bench.beside import beside
from bench.contenders import ALIKE, BULLMQ, HUEY, OURS, REDBEAT, RQ, Contender
from bench.rig import Place, of_time
from bench.suite import Chosen, Suite

CONTENDERS = [OURS[0], ALIKE, RQ, REDBEAT, HUEY, BULLMQ]
SIZES = (1_000, 10_000)
MANY = 1_000
"""From here on ours are cron jobs, which are due on whole minutes."""
POLL = 0.003
LONGEST = 300.0
Curve = list[tuple[float, int]]
"""Looks: seconds after the instant, and how many were enqueued by then."""


def instant(place: Place, contender: Contender, count: int) -> float:
    """When the jobs will be due: once they can all have been stored; many of ours, at the start of a minute."""
    filler = 10 if contender.path else 0  # another revision fills in a process of its own, which has to start
    ready = place.now() + 3 + filler + count / (1_500 if contender.is_ours else 700)
    step = 60 if contender.is_ours and count >= MANY else 1
    return float(math.ceil(ready / step) * step)


def watch(place: Place, contender: Contender, count: int, at: float) -> Curve:
    """Looks at the queue until everything is in it, by Redis' clock."""
    assert contender.queued is not None
    curve: Curve = [(0.0, 0)]
    while curve[-1][1] < count:
        found = contender.queued(place.client, count)
        seconds = of_time(place.client.time()) - at
        # Where nothing has changed, the newer look takes the older one's place.
        if len(curve) > 1 and curve[-1][1] == found == curve[-2][1]:
            curve.pop()
        curve.append((seconds, found))
        if seconds > LONGEST:
            raise RuntimeError(f"{contender.name} enqueued {found} of {count} in {LONGEST} s\n{place.logs()}")
        time.sleep(POLL)
    return curve


def start(place: Place, contender: Contender, at: float) -> list[str]:
    """Starts what enqueues, and waits until shortly before the instant. Returns the names of its processes."""
    if contender.scheduler is not None:
        place.start("scheduler", contender.scheduler)
        names = ["scheduler"]
    else:
        names = contender.start_workers(place, 1)
    left = at - place.now()
    if left < 1.5:
        raise RuntimeError(f"{contender.name} took too long to be filled: {left:.1f} s were left")
    time.sleep(left - 0.3)
    place.client.slowlog_reset()
    return names


def measure(contender: Contender, count: int) -> dict[str, Any]:
    """One round with `count` jobs due at once."""
    with contender.place() as place:
        empty = place.memory()
        at = instant(place, contender, count)
        contender.fill(place, "due", count, at)
        stored = place.memory()
        names = start(place, contender, at)
        cpu, server = sum(map(place.cpu, names)), place.server_cpu()
        curve = watch(place, contender, count, at)
        took = curve[-1][0] - max(seconds for seconds, found in curve if found == 0)
        return {
            "jobs": count,
            "enqueued_per_second": count / took,
            "first_ms": next(seconds for seconds, found in curve if found) * 1000,
            "p50_ms": lateness(curve, count, 0.5),
            "p99_ms": lateness(curve, count, 0.99),
            "all_ms": curve[-1][0] * 1000,
            "cpu_ms_per_job": (sum(map(place.cpu, names)) - cpu) * 1000 / count,
            "redis_cpu_ms_per_job": (place.server_cpu() - server) * 1000 / count,
            "memory_mib": sum(map(place.pss, names)),
            "bytes_per_job": (stored - empty) / count,
            "longest_call_ms": longest_call(place),
            "curve": thinned(curve),
        }


def lateness(curve: Curve, count: int, share: float) -> float:
    """How late that share of the jobs had been enqueued at the latest, ms."""
    return next(seconds for seconds, found in curve if found >= share * count) * 1000


def longest_call(place: Place, since: float = 0.0) -> float:
    """The longest that Redis was busy with one command or script, ms; 0 if nothing took over one."""
    entries: Any = place.client.slowlog_get(-1)
    return max((entry["duration"] / 1000 for entry in entries if entry["start_time"] >= since), default=0.0)


def thinned(curve: Curve, points: int = 60) -> Curve:
    """As many looks as a plot needs."""
    step = max(1, len(curve) // points)
    kept = [*curve[:-1:step], curve[-1]]
    return [(round(seconds, 4), found) for seconds, found in kept]


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds of all contenders."""
    with beside(chosen.before, CONTENDERS) as contenders:
        suite = Suite("stampede", chosen, contenders)
        for contender in suite.rounds():
            for count in (200,) if chosen.tiny else SIZES:
                suite.note(contender, str(count), lambda c=contender, n=count: measure(c, n))  # type: ignore[misc]
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("stampede", measured)
