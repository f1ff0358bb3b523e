"""`python -m tests.chaos --minutes 10 --seed 1`: everything dies, and nothing may be lost.

The seed replays which faults happen and when; the machine decides the rest.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos.accounts import AFTER, BEFORE, check_accounts
from tests.chaos.audit import (
    Findings,
    check_edits,
    check_ids,
    check_occurrences,
    check_retries,
    check_runs,
    check_trace,
    check_windows,
    histories,
    trace_lines,
)
from tests.chaos.backfills import check_backfills, check_times
from tests.chaos.changes import check_changes, entries_of
from tests.chaos.faults import SCHEDULERS, WORKERS, Faults, NamedKills
from tests.chaos.load import Load
from tests.chaos.pausing import check_pauses, spans_of
from tests.chaos.pinging import Pinger, check_pings
from tests.chaos.proxy import Point
from tests.chaos.recount import read_state, recount
from tests.chaos.stage import Say, Stage
from tests.chaos.strays import check_keys, check_workers
from tests.chaos.watch import Watch
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

SETTLE_SECONDS = 120.0
WORKERS_FORGOTTEN_SECONDS = 150.0
"""RQ keeps a dead worker for 80 s, and looks every 30 s."""


@dataclass(slots=True)
class Report:
    """How it went.

    Args:
        visited: how often each named point was.
        unvisited: the named points that were not.
        looks: how often leases and slots were looked at meanwhile.
        recounts: how often all counters were recounted meanwhile.
    """

    seed: int
    found: Findings
    kills: dict[str, int]
    visited: dict[str, int]
    unvisited: set[Point]
    unexpected: list[str] = field(default_factory=list)
    looks: int = 0
    recounts: int = 0

    def line(self) -> str:
        """The one-line summary."""
        told = self.found.summary(sum(self.kills.values()), self.seed)
        return f"{told}; counters recounted {self.recounts} times, looked at {self.looks} times"

    def problems(self) -> list[str]:
        """A sentence for everything that is not as it should be."""
        missed = [f"{point} was not visited" for point in sorted(map(str, self.unvisited))]
        return [*self.found.all(), *self.unexpected, *missed]


def run(folder: Path, seconds: float, seed: int, pause: tuple[float, float], say: Say) -> Report:
    """The whole of it: start, faults, quiet, audit.

    Args:
        folder: for logs and Redis' files.
        seconds: how long things die; longer if a named point is still to be visited, by two minutes at most: a busy
            machine takes as long to start what was killed.
        pause: seconds between two faults, from and to.
    """
    chance = random.Random(seed)
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - began:7.2f}  {text}")

    with (
        ValkeyServer(folder, "--appendonly", "yes", "--appendfsync", "always") as server,
        Stage(folder, server, tell) as stage,
    ):
        stage.start("web", *SCHEDULERS, *WORKERS).until_healthy().keep()
        load = Load(stage, random.Random(chance.random()), str(folder / "trace"))
        load.populate()
        pinger = Pinger(load, random.Random(chance.random()))
        pinger.populate()
        named = NamedKills(stage, random.Random(chance.random()), (pause[0] / 3, pause[1] / 3))
        watch = Watch(server.client(), stage.keys)
        watch.start()
        pinger.start()
        _let_die(stage, load, named, Faults(stage, random.Random(chance.random())), seconds, pause, chance)
        pinger.stop()
        tell("quiet")
        report = _audit(stage, load, pinger, named, folder / "trace", seed, thorough=seconds > 100)
        watch.stop()
        report.found.wrong += watch.found
        report.looks, report.recounts = watch.looks, watch.recounts
        return report


def _let_die(
    stage: Stage, load: Load, named: NamedKills, faults: Faults, seconds: float, pause: tuple[float, float],
    chance: random.Random,
) -> None:  # fmt: skip
    load.start()
    named.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(*pause))
        faults.strike()
    while named.unvisited() and time.monotonic() < end + 120:
        time.sleep(0.1)
    named.stop()
    load.stop()


def _audit(
    stage: Stage, load: Load, pinger: Pinger, named: NamedKills, trace: Path, seed: int, thorough: bool
) -> Report:
    client, keys, found = stage.client, stage.keys, Findings()
    until(lambda: load.call("GET", "/health")[0] == 200, 60)
    now = time.time()
    until(lambda: not _undecided(stage, now), 60, lambda: f"the scheduler does not catch up: {_undecided(stage, now)}")
    off_since = load.switch_off()
    pinger.end_all()
    unexpected = list(load.unexpected)
    try:
        until(lambda: _at_rest(stage), SETTLE_SECONDS)
    except AssertionError as error:
        unexpected.append(f"no rest: {error}")
    every = histories(client, keys)
    for job_id, runs in every.items():
        _audit_job(found, load, job_id, runs, off_since)
    names = [
        (job_id, f"{load.known[job_id].kind if job_id in load.known else 'unknown'} ({job_id})") for job_id in every
        if job_id not in pinger.jobs  # a ping names no occurrence
    ]  # fmt: skip
    found.accounted = check_accounts(found, partial(_account, load), names)
    for job_id, job in load.known.items():
        if job.deleted == "no" and job_id not in every:
            found.lost.append(f"{job.kind}: job {job_id} was acknowledged and is gone")
        if job.deleted == "yes" and job_id in every:
            found.wrong.append(f"{job.kind}: job {job_id} was deleted and is back")
    job_of = {run["id"]: job_id for job_id, runs in every.items() for run in runs}
    limits = {job_id: load.known[job_id].limit if job_id in load.known else 1 for job_id in every}
    check_trace(found, trace_lines(trace), job_of, limits, stage.frozen)
    found.wrong += recount(read_state(client, keys))
    labelled = {job_id: runs for job_id, runs in every.items() if _is_paused_at_times(load, job_id)}
    check_pauses(found, spans_of(client, keys), labelled, load.pauses, load.ended_pauses)
    check_changes(found, client, keys, every)
    plain = pinger.jobs[-1], pinger.plain["answered"], pinger.plain["unclear"]
    check_pings(found, pinger.told.values(), plain, every)
    check_backfills(found, client, keys, every, entries_of(client, keys), load.backfills)
    check_keys(found, client, keys, [job_id for job_id, job in load.known.items() if job.deleted == "yes"])
    if thorough:
        wait_end = time.monotonic() + WORKERS_FORGOTTEN_SECONDS
        while client.scard("rq:workers") != len(WORKERS) and time.monotonic() < wait_end:
            time.sleep(1)
        check_workers(found, client, keys, len(WORKERS))
    visited = {str(point): count for point, count in sorted(stage.proxy.visited.items(), key=str)}
    return Report(seed, found, dict(stage.kills), visited, named.unvisited(), unexpected)


def _account(load: Load, job_id: str) -> dict[str, Any]:
    """A job's account of all time, by the product's own route."""
    status, answer = load.call("GET", f"/jobs/{job_id}/occurrences?since={BEFORE}&until={AFTER}&limit=1")
    assert status == 200, answer
    return dict(answer)


def _audit_job(found: Findings, load: Load, job_id: str, runs: list[dict[str, str]], off_since: float) -> None:
    known = load.known.get(job_id)
    name = f"{known.kind if known else 'created without an answer'} ({job_id})"
    if known is None:
        found.doubled.append(f"{name}: repeated requests with one Idempotency-Key made another job")
        check_occurrences(found, name, runs, {1}, [])
        check_runs(found, name, runs, 1)
        check_ids(found, name, runs)
        return
    # All jobs are off in the end; what was moved ahead of that may be of a later instant.
    off = [(off_since, math.inf)] if any("edit" in run for run in runs) else []
    check_occurrences(found, name, runs, known.steps, [*known.excused, *off])
    check_edits(found, name, runs, known.edits)
    if known.kind.startswith("once"):
        decided = sum(int(run["occurrences"]) for run in runs if run.get("trigger") == "schedule")
        found.lost += [f"{name}: was due once, and decided {decided} times"] if decided == 0 else []
        found.doubled += [f"{name}: was due once, and decided {decided} times"] if decided > 1 else []
    check_runs(found, name, runs, known.limit)
    check_windows(found, name, runs)
    check_ids(found, name, runs)
    check_times(found, name, runs)
    if known.kind in ("retried", "outlasts a lease"):
        check_retries(found, name, runs, 2 if known.kind == "retried" else 1, off_since * 1000)
    there = {run["id"] for run in runs}
    found.lost += [f"{name}: run {run_id} was acknowledged and is gone" for run_id in known.runs if run_id not in there]
    by_hand = sum(1 for run in runs if run["trigger"] == "manual")
    if by_hand > len(known.runs) + known.uncertain or len(set(known.runs)) != len(known.runs):
        found.doubled.append(f"{name}: {by_hand} runs by hand, though {len(known.runs)} were asked for")
    stored = load.stage.client.hget(load.stage.keys.job(job_id), "name")
    if known.name is not None and stored != known.name.encode():
        found.lost.append(f"{name}: the name {known.name!r} was acknowledged, {stored!r} is kept")


def _undecided(stage: Stage, now: float) -> list[str]:
    """Tell what is to be decided of what was due by `now`, also of jobs that a lost index does not hold yet."""
    keys, pipeline = stage.keys, stage.client.pipeline(transaction=False)
    if not stage.client.exists(keys.leader):
        return ["no scheduler leads"]
    found = [f"edits of {edits} occurrences are due"] if (edits := stage.client.zcard(keys.edits_due)) else []
    job_ids: Any = stage.client.zrange(keys.jobs, 0, -1)
    for job_id in job_ids:
        pipeline.hmget(keys.job(job_id.decode()), "enabled", "next_due")
        pipeline.zscore(keys.due, job_id)
    answers = pipeline.execute()
    for job_id, (enabled, next_due), score in zip(job_ids, answers[::2], answers[1::2], strict=True):
        if enabled == b"1" and next_due and (score is None or min(score, float(next_due)) <= now * 1000):
            found.append(f"job {job_id.decode()} is due at {next_due.decode()}, in the index at {score}")
    return found


def _is_paused_at_times(load: Load, job_id: str) -> bool:
    return job_id in load.known and load.known[job_id].kind.startswith("paused")


def _at_rest(stage: Stage) -> bool:
    keys = stage.keys
    pauses = set(stage.client.hkeys(keys.pauses)) - {b"over"}
    lists = (
        keys.leases, keys.queued, keys.retries, keys.later, keys.rq_intermediate, keys.rq_queue, keys.held,
        keys.resuming, keys.active_backfills,
    )  # fmt: skip
    return not pauses and not stage.client.exists(*lists)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--quiet", action="store_true", help="only the summary")
    parser.add_argument("--keep", action="store_true", help="keep the logs also when all is well")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    say: Say = (lambda _: None) if chosen.quiet else lambda text: print(text, flush=True)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"logs in {folder}", flush=True)
    report = run(folder, chosen.minutes * 60, chosen.seed, (1.0, 5.0), say)
    if not report.problems() and not chosen.keep:
        shutil.rmtree(folder)
    for problem in report.problems():
        print(problem)
    print("kills:", ", ".join(f"{what} {count}" for what, count in sorted(report.kills.items())))
    print("named points:", ", ".join(f"{point} {count}" for point, count in report.visited.items()))
    print(report.line())
    return 1 if report.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
