"""Runs a second of one worker process and of two, with a bot that does nothing: `python -m bench.workers --help`.

A queue is filled while no worker is up; then the workers start. Timed is from the moment at which a fifth of the runs
has ended, when all processes are up, to the moment at which all have, with everything that the contender writes about a
run. Our histories are read afterwards: each run must be in them as a success. Beside it: CPU of the worker's processes
and of Redis a run, and the peak of their memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from bench.beside import beside
from bench.contenders import BULLMQ, HUEY, OURS, REDBEAT, RQ, RQ_SIMPLE, Contender
from bench.rig import Place
from bench.suite import Chosen, Suite

SECONDS = 6
"""How long a contender should be at it, roughly."""
POLL = 0.01
CONTENDERS = [*OURS, RQ, RQ_SIMPLE, REDBEAT, HUEY, BULLMQ]


@dataclass(slots=True)
class Usage:
    """What a place's processes had used at one moment."""

    at: float
    ended: int
    cpu: float
    server: float


def usage(place: Place, names: list[str], ended: int) -> Usage:
    """Now."""
    return Usage(time.monotonic(), ended, sum(map(place.cpu, names)), place.server_cpu())


def measure(contender: Contender, processes: int, runs: int) -> dict[str, float]:
    """One round: `runs` runs carried out by `processes` worker processes."""
    assert contender.ended is not None
    with contender.place() as place:
        contender.fill(place, "queue", runs)
        names = contender.start_workers(place, processes)
        first: Usage | None = None
        peak, look = 0.0, 0.0
        end = time.monotonic() + 120 + 10 * SECONDS
        while (ended := contender.ended(place.client)) < runs:
            if first is None and ended >= runs / 5:
                first = usage(place, names, ended)
            if time.monotonic() > look:
                peak, look = max(peak, sum(map(place.pss, names))), time.monotonic() + 0.5
            if time.monotonic() > end:
                raise RuntimeError(f"{contender.name} ended {ended} of {runs} runs\n{place.logs()}")
            time.sleep(POLL)
        last = usage(place, names, ended)
        first = first or last
        if contender.check is not None:
            contender.check(place, runs)
        done = last.ended - first.ended
        return {
            "runs": runs,
            "runs_per_second": done / (last.at - first.at),
            "cpu_ms_per_run": (last.cpu - first.cpu) * 1000 / done,
            "redis_cpu_ms_per_run": (last.server - first.server) * 1000 / done,
            "memory_mib": max(peak, sum(map(place.pss, names))),
        }


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds of all contenders, one after the other in each round."""
    seconds = 1 if chosen.tiny else SECONDS
    with beside(chosen.before, CONTENDERS) as contenders:
        suite = Suite("workers", chosen, contenders)
        for contender in suite.rounds():
            for processes in (1,) if chosen.tiny else (1, 2):
                runs = max(50, int(contender.pace * seconds * (1 + 0.6 * (processes - 1))))
                suite.note(contender, str(processes), lambda c=contender, p=processes, r=runs: measure(c, p, r))  # type: ignore[misc]
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("workers", measured)
