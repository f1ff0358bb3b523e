"""Rates of the API, and how near they are to the ceiling: `python -m bench.api --help`.

gunicorn as the Procfile starts it, with two processes; 16 connections; a thousand jobs, sixty runs of one of them, an
idle scheduler. The ceiling is measured in the same rounds: the same gunicorn with the smallest Falcon app that answers
a constant, or one HGETALL.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import ours
from bench.contenders import OURS
from bench.load import Ask, ask, tool
from bench.rig import Place
from bench.suite import Chosen, Suite
from service.domain.options import Options
from tests.support.processes import find_free_port

JOBS = 1000
RUNS = 60
SECONDS = 4
NEW = {
    "name": "a job", "bot_type": "noop", "schedule_type": "cron", "schedule_config": {"cron_expression": "0 8 * * 1-5"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Served:
    """A place with its web processes up: the API's port, the ceiling's, and the jobs' ids."""

    place: Place
    port: int
    ceiling: int
    ids: list[str]


@contextmanager
def served(*options: str, jobs: int = JOBS, path: str = "") -> Iterator[Served]:
    """Stores the jobs and runs, and starts the web processes.

    Args:
        options: more of gunicorn's command line.
        path: where more packages are.
    """
    with OURS[0].place() as place:
        if path:
            place.environment["PYTHONPATH"] += f":{path}"
        many = ours.definition(options=Options(max_concurrent_runs=1000))
        ids = ours.store(place, ours.copies([ours.planned(many, int(place.now()) + 86400, place.now())], jobs))
        port, ceiling = int(place.environment["PORT"]), find_free_port()
        place.start("web", [*ours.WEB, *options])
        place.start("ceiling", ["env", f"PORT={ceiling}", *ours.WEB, *options, "bench.ceiling:build()"])
        place.start("scheduler", ours.SCHEDULER)
        place.until(
            lambda: _answers(place, port, "/scheduler/health") and _answers(place, ceiling, "/trivial"), 30, 0.2
        )
        yield Served(place, port, ceiling, ids)


def _answers(place: Place, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def make_history(served: Served) -> str:
    """Has sixty runs of one job carried out. Returns its id."""
    job_id, place = served.ids[0], served.place
    runs = ours.runs(place)
    for _ in range(RUNS):
        runs.run_now(job_id)
    names = OURS[0].start_workers(place, 2)
    place.until(
        lambda: len([run for run in runs.history(job_id, limit=RUNS).data if run["finished_at"]]) == RUNS, 60, 0.1
    )
    for name in names:
        place.stop(name)
    return job_id


def parts(served: Served, seen: str) -> dict[str, tuple[int, Ask]]:
    """What is asked, and at which port."""
    jobs = [f"/scheduler/jobs/{job_id}" for job_id in served.ids]
    own, ceiling = served.port, served.ceiling
    return {
        "ceiling: trivial JSON": (ceiling, Ask(["/trivial"])),
        "ceiling: one HGETALL": (ceiling, Ask([f"/hgetall/{job_id}" for job_id in served.ids])),
        "GET /jobs/{id}": (own, Ask(jobs)),
        "GET /jobs, all 1,000": (own, Ask(["/scheduler/jobs"])),
        "GET /jobs?limit=50": (own, Ask(["/scheduler/jobs?limit=50"])),
        "GET /health": (own, Ask(["/scheduler/health"])),
        "GET …/history, 50 runs": (own, Ask([f"/scheduler/jobs/{seen}/history?limit=50"])),
        "POST /jobs": (own, Ask(["/scheduler/jobs"], "POST", json.dumps(NEW))),
        "POST …/run": (own, Ask([f"{path}/run" for path in jobs], "POST")),
    }


def measure(served: Served, port: int, what: Ask, seconds: float) -> dict[str, Any]:
    """One part of a round."""
    place, name = served.place, "web" if port == served.port else "ceiling"
    before, server = place.cpu(name), place.server_cpu()
    answer = ask(port, what, seconds, place.folder)
    cpu = (place.cpu(name) - before) * 1000 / answer["requests"]
    redis = (place.server_cpu() - server) * 1000 / answer["requests"]
    return {**answer, "cpu_ms": cpu, "redis_cpu_ms": redis, "memory_mib": place.pss(name)}


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds; each in a new place, since two of the parts store."""
    suite = Suite("api", chosen, OURS[:1])
    for contender in suite.rounds():
        with served(jobs=100 if chosen.tiny else JOBS) as up:
            for name, (port, what) in parts(up, make_history(up)).items():
                if not chosen.tiny:
                    ask(port, what, 1, up.place.folder)  # the first requests find everything cold
                seconds = 0.3 if chosen.tiny else SECONDS
                suite.note(contender, name, lambda p=port, w=what, s=seconds: measure(up, p, w, s))  # type: ignore[misc]
    return {**suite.results(), "tool": tool()}


if __name__ == "__main__":
    Chosen.ask(__doc__).run("api", measured)
