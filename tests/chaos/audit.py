"""What became of every occurrence and every run, read from the history when all is over."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from redis import Redis

from service.domain.timestamps import format_timestamp
from service.store.keys import Keys

DEFAULTS = {"attempt": "1", "occurrences": "1"}
"""What a run's record leaves out."""

Run = Mapping[str, str]


@dataclass(slots=True)
class Findings:
    """The sums, and a sentence for each thing that is wrong."""

    checked: int = 0
    accounted: int = 0
    runs: int = 0
    pings: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    never_ended: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Every sentence."""
        return [*self.lost, *self.doubled, *self.never_ended, *self.stray, *self.wrong]

    def summary(self, kills: int, seed: int) -> str:
        """One line."""
        return (
            f"occurrences checked {self.checked}, named {self.accounted}, lost {len(self.lost)}, "
            f"doubled {len(self.doubled)}, "
            f"never ended {len(self.never_ended)}, stray keys {len(self.stray)}, other faults {len(self.wrong)}, "
            f"runs {self.runs}, pings {self.pings}, kills {kills}, seed {seed}"
        )


def account(expected: Iterable[object], seen: Sequence[object]) -> tuple[list[object], list[object]]:
    """What is missing of `expected`, and what was seen more than once."""
    times = Counter(seen)
    return [one for one in expected if one not in times], [one for one, count in times.items() if count > 1]


def texts(members: Any) -> list[str]:
    """Members of a set or list as texts."""
    return [member.decode() for member in members]


def histories(client: Redis, keys: Keys) -> dict[str, list[dict[str, str]]]:
    """Every living job's runs, oldest first."""
    found = {}
    for job_id in texts(client.zrange(keys.jobs, 0, -1)):
        ids: Any = client.lrange(keys.history(job_id), 0, -1)
        with client.pipeline(transaction=False) as pipe:
            for run_id in reversed(ids):
                pipe.hgetall(keys.run(run_id.decode()))
            rows = pipe.execute()
        found[job_id] = [
            DEFAULTS | {name.decode(): value.decode() for name, value in row.items()} | {"id": run_id.decode()}
            for run_id, row in zip(reversed(ids), rows, strict=True)
        ]
    return found


# occurrences


def check_occurrences(
    found: Findings, job: str, runs: Sequence[Run], steps: set[int], excused: Sequence[tuple[float, float]]
) -> None:
    """Each occurrence from the first decided to the last is in the history once.

    Args:
        job: what to call it.
        runs: its history, oldest first.
        steps: how far apart, in seconds, its occurrences can be.
        excused: spans, epoch seconds, in which it was off or planned anew: gaps that touch one are right.
    """
    seen: list[int] = []
    own = {int(run["scheduled_for"]) for run in runs if run.get("trigger") == "schedule" and "edit" in run}
    for run in runs:
        if run.get("trigger") != "schedule":
            continue
        first = int(run["scheduled_for"])
        last, count = int(run.get("last_scheduled_for", first)), int(run["occurrences"])
        found.checked += count
        plain = len(steps) == 1 and not _touched(first, last, excused)
        # A folded entry does not count the changed occurrences within, which have entries of their own.
        spanned = range(first, last + 1, min(steps)) if plain else []
        counted = [at for at in spanned if at not in own or at in (first, last)]
        if plain and len(counted) != count:
            found.lost.append(f"{job}: {run['id']} folds {first}..{last}, but counts {count}")
        # Where it may have been off within a folded entry, only the ends are known for certain.
        seen += counted if plain else sorted({first, last})
    decided = sorted(seen)
    _, doubled = account((), seen)
    found.doubled += [f"{job}: {occurrence} decided twice" for occurrence in doubled]
    spans = [(int(r["scheduled_for"]), int(r.get("last_scheduled_for", r["scheduled_for"]))) for r in runs
             if r.get("trigger") == "schedule"]  # fmt: skip
    for one, following in pairwise(decided):
        within = any(first <= one and following <= last for first, last in spans)
        if following - one not in steps | {0} and not _touched(one, following, excused) and not within:
            found.lost.append(f"{job}: nothing between {one} and {following}, though steps are {sorted(steps)}")


def check_edits(found: Findings, job: str, runs: Sequence[Run], wanted: Mapping[str, str]) -> None:
    """Each acknowledged change of an occurrence was carried out, once.

    Args:
        job: what to call it.
        runs: its history, oldest first.
        wanted: instant -> `skip`, `move` or `set`.
    """
    own = {format_timestamp(int(run["scheduled_for"])): run for run in runs
           if run.get("trigger") == "schedule" and "edit" in run}  # fmt: skip
    for instant, wish in wanted.items():
        run = own.get(instant)
        found.checked += 1
        if run is None:
            found.lost.append(f"{job}: {instant} was to {wish}, and has no entry")
        elif (wish == "skip") != (run.get("reason") == "edited") or (wish == "move") != ('"move_to"' in run["edit"]):
            found.wrong.append(f"{job}: {instant} was to {wish}, and is {dict(run)}")


def _touched(first: float, last: float, excused: Sequence[tuple[float, float]]) -> bool:
    return any(start <= last and first <= end for start, end in excused)


# runs


def check_runs(found: Findings, job: str, runs: Sequence[Run], limit: int) -> None:
    """Every run has ended, none held a lease beyond the limit, and none was tried again twice."""
    found.runs += len(runs)
    by_id = {run.get("id"): run for run in runs}
    if len(by_id) != len(runs):
        found.doubled.append(f"{job}: a run is in the history twice")
    for run in runs:
        if run.get("status") not in ("success", "failed", "cancelled", "skipped"):
            found.never_ended.append(f"{job}: {dict(run)}")
    done = [run for run in runs if "started_at" in run and "finished_at" in run]
    leased = [(int(run["started_at"]), int(run["finished_at"])) for run in done]
    most = at_once(leased)
    if most > limit:
        found.wrong.append(f"{job}: {most} leases at once, though {limit} are allowed")
    retried = Counter(run["retry_of"] for run in runs if "retry_of" in run)
    found.doubled += [f"{job}: {run_id} retried {n} times" for run_id, n in retried.items() if n > 1]


def check_windows(found: Findings, job: str, runs: Sequence[Run]) -> None:
    """A run that its bot skipped tells its window: it begins where the history says that the one before was decided."""
    ends = [int(run.get("last_scheduled_for", run["scheduled_for"])) for run in runs if run["trigger"] == "schedule"]
    for run in runs:
        if run.get("status") != "skipped" or "started_at" not in run or "scheduled_for" not in run:
            continue
        own = int(run["scheduled_for"])
        before = max((end for end in ends if end < own), default=None)
        expected = f"window {'none' if before is None else before} {own}"
        if run["reason"] != expected:
            found.wrong.append(f"{job}: {run['id']} has the {run['reason']}, not the {expected}")


def check_ids(found: Findings, job: str, runs: Sequence[Run]) -> None:
    """Every run's id is a UUID."""
    found.wrong += [f"{job}: the id {run['id']!r} is not a UUID" for run in runs if not is_uuid(run["id"])]


def is_uuid(text: str) -> bool:
    """Whether it is spelled as RFC 9562 has it, of its variant and of a version that it knows."""
    try:
        read = uuid.UUID(text)
    except ValueError:
        return False
    return str(read) == text and read.variant == uuid.RFC_4122 and read.version in range(1, 9)


def check_retries(found: Findings, job: str, runs: Sequence[Run], max_retries: int, off_since_ms: float) -> None:
    """A failed run with an attempt left has its retry, unless the job was switched off and it was not by hand."""
    retried = {run["retry_of"] for run in runs if "retry_of" in run}
    for run in runs:
        goes_on = "scheduled_for" not in run or int(run.get("finished_at", 0)) < off_since_ms
        if (
            run.get("status") == "failed"
            and goes_on
            and int(run["attempt"]) <= max_retries
            and run["id"] not in retried
        ):
            found.lost.append(f"{job}: {run['id']} failed at attempt {run['attempt']} and was not tried again")


def at_once(spans: Iterable[tuple[float, float]]) -> int:
    """How many of the spans share an instant, at most; one that ends where another begins does not share it."""
    changes = sorted([(end, -1) for start, end in spans if end > start] + [(s, 1) for s, e in spans if e > s])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def check_trace(
    found: Findings, lines: Iterable[str], job_of: Mapping[str, str], limits: Mapping[str, int],
    frozen: Sequence[tuple[float, float, int]],
) -> None:  # fmt: skip
    """What bots left in their trace: no run was carried out twice, and none beside more than its job allows.

    Args:
        lines: `start|end pid monotonic-seconds run`.
        job_of: the job of each run.
        limits: how many runs of a job may go on at a time.
        frozen: spans in which processes stood still, by process id; what they ran may overlap.
    """
    starts: dict[tuple[str, str], float] = {}
    spans: dict[str, list[tuple[float, float]]] = {}
    carried: Counter[str] = Counter()
    for line in lines:
        what, pid, at, run_id = line.split()
        if what == "start":
            carried[run_id] += 1
            starts[run_id, pid] = float(at)
            continue
        begun = starts.get((run_id, pid))
        if begun is None or run_id not in job_of or any(s <= float(at) and begun <= e for s, e, _ in frozen):
            continue
        spans.setdefault(job_of[run_id], []).append((begun, float(at)))
    found.doubled += [f"run {run_id} was carried out {n} times" for run_id, n in carried.items() if n > 1]
    for job_id, its in spans.items():
        if at_once(its) > limits[job_id]:
            found.wrong.append(f"{job_id}: {at_once(its)} bots at once, though {limits[job_id]} are allowed")


def trace_lines(path: Path) -> list[str]:
    """The trace's whole lines."""
    return [line for line in path.read_text().splitlines() if len(line.split()) == 4] if path.exists() else []
