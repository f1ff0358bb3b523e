"""Rates of the API and the console, beside another revision and the ceiling: `python -m bench.api --help`.

gunicorn as the Procfile starts it; 16 connections, for an export 2; a thousand jobs, fifty runs of one of them, an idle
scheduler. `--before REV` measures that revision in the same rounds, `--processes 1 2` one web process and two. The
ceiling is the smallest Falcon application on the same number of processes; it answers a constant, or one HGETALL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bench import ceiling, ours
from bench.load import Ask, ask, tool
from bench.paired import Paired
from bench.revisions import Revision, revisions
from bench.suite import Chosen
from bench.web import NEW, Web, web
from tests.support.processes import find_free_port

JOBS = 1000
RUNS = 50
SECONDS = 4
GZIP = {"Accept-Encoding": "gzip"}


def parts(up: Web, seen: str) -> dict[str, Ask]:
    """What is asked of the web process; `seen` is the id of the job that has runs. The last two store."""
    jobs = [f"/scheduler/jobs/{job_id}" for job_id in up.ids]
    signed_in = {"Cookie": up.session(), "Accept": "text/html"}
    return {
        "GET /jobs/{id}": Ask(jobs),
        "GET /jobs/{id}, gzip": Ask(jobs, headers=GZIP),
        "GET /jobs?limit=50": Ask(["/scheduler/jobs?limit=50"]),
        "GET /jobs?limit=50, gzip": Ask(["/scheduler/jobs?limit=50"], headers=GZIP),
        "GET /jobs, all 1,000": Ask(["/scheduler/jobs"]),
        "GET /health": Ask(["/scheduler/health"]),
        "GET …/history, 50 runs": Ask([f"/scheduler/jobs/{seen}/history?limit=50"]),
        "console: the list of jobs": Ask(["/jobs"], headers=signed_in),
        "GET /export": Ask(["/scheduler/export"], connections=2),
        "POST /jobs": Ask(["/scheduler/jobs"], "POST", json.dumps(NEW)),
        "POST …/run": Ask([f"{path}/run" for path in jobs], "POST"),
    }


def measure(up: Web, what: Ask, seconds: float) -> dict[str, Any]:
    """One part of a round."""
    place = up.place
    before, server = place.cpu("web"), place.server_cpu()
    answer = ask(up.port, what, seconds, place.folder)
    cpu = (place.cpu("web") - before) * 1000 / answer["requests"]
    redis = (place.server_cpu() - server) * 1000 / answer["requests"]
    return {**answer, "cpu_ms": cpu, "redis_cpu_ms": redis, **up.memory()}


def measure_ceiling(up: Web, path: str, processes: int, seconds: float) -> dict[str, Any]:
    """The same of the least application, started for this alone."""
    place, port = up.place, find_free_port()
    command = [*ours.WEB, "--worker-class", ceiling.WORKER_CLASS, "--workers", str(processes), "bench.ceiling:build()"]
    place.start("ceiling", ["env", f"PORT={port}", *command])
    least = Web(up.revision, place, port, [])
    place.until(lambda: _answers(least, "/trivial"), 30, 0.1)
    before, server = place.cpu("ceiling"), place.server_cpu()
    answer = ask(port, Ask([path.format(id=job_id) for job_id in up.ids]), seconds, place.folder)
    cpu = (place.cpu("ceiling") - before) * 1000 / answer["requests"]
    redis = (place.server_cpu() - server) * 1000 / answer["requests"]
    place.stop("ceiling")
    return {**answer, "cpu_ms": cpu, "redis_cpu_ms": redis}


def _answers(up: Web, path: str) -> bool:
    try:
        return up.asked("GET", path)[0] == 200
    except OSError:
        return False


def check(up: Web, what: Ask) -> None:
    """Asks once what will be asked many times.

    Raises:
        RuntimeError: it is not answered as it should be, so that its rate would mean nothing.
    """
    headers = {"X-API-Key": ours.API_KEY, "Content-Type": "application/json", **what.headers}
    status, text, _ = up.asked(what.method, what.paths[0], what.body, headers)
    if status not in (200, 201, 202):
        raise RuntimeError(f"{up.revision.name} answers {what.paths[0]} with {status}: {text[:300]!r}")


def one_round(suite: Paired, all_revisions: Sequence[Revision], processes: int, chosen: Chosen) -> None:
    """All parts of all revisions with so many processes, in new places, since two of the parts store."""
    jobs, runs, seconds = (100, 5, 0.3) if chosen.tiny else (JOBS, RUNS, chosen.seconds or SECONDS)
    with ExitStack() as stack:
        ups = [stack.enter_context(web(revision, processes, jobs)) for revision in all_revisions]
        asks = {up.revision.name: parts(up, up.make_history(runs)) for up in ups}
        for part in asks[all_revisions[0].name]:
            for up in suite.in_turn(ups):
                what = asks[up.revision.name][part]
                check(up, what)
                if not chosen.tiny:
                    ask(up.port, what, 1, up.place.folder)  # the first requests find everything cold
                who = f"{up.revision.name}, {processes} web process{'es' if processes > 1 else ''}"
                suite.note(who, part, lambda u=up, w=what: measure(u, w, seconds))  # type: ignore[misc]
        for part, path in (("ceiling: one HGETALL", "/hgetall/{id}"), ("ceiling: trivial JSON", "/trivial")):
            who = f"ours, {processes} web process{'es' if processes > 1 else ''}"
            suite.note(who, part, lambda p=path: measure_ceiling(ups[0], p, processes, seconds))  # type: ignore[misc]


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds."""
    suite = Paired("api", chosen)
    with revisions(chosen.before) as all_revisions:
        for _ in suite.rounds():
            for processes in chosen.processes:
                one_round(suite, all_revisions, processes, chosen)
    return {**suite.results(), "tool": tool()}


if __name__ == "__main__":
    Chosen.ask(__doc__).run("api", measured)
