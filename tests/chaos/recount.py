"""Counters counted again from the records, by rules of the audit's own.

Nothing here calls the product's code: what the scripts count by steps is counted here from the state of every run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from service.store.keys import Keys

OPEN = ("queued", "running")
PAUSE_MS = 20_000
"""How long writers wait at most while everything is read."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The fields of a run that its place follows from."""

    status: str
    slot: bool
    is_told: bool = False
    """Whether others carry it out, and pings tell of it."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN

    @property
    def holds_slot(self) -> bool:
        """Whether one of its job's slots is taken by it; an ended run keeps the field."""
        return self.is_open and self.slot


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's counters and runs.

    Args:
        held: the counter of its runs that hold a slot.
        open: the counter of its runs that have not ended.
        runs: every run in its history, by id.
        waiting: the ids in its line for a slot.
        on_hold: the ids that a pause holds.
    """

    held: int
    open: int
    limit: int
    enabled: bool
    runs: Mapping[str, RunState]
    waiting: Sequence[str]
    on_hold: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All jobs and the indices of runs, at one instant.

    Args:
        enabled_jobs: the counter of jobs that are on.
    """

    jobs: Mapping[str, JobState]
    queued: frozenset[str]
    leases: frozenset[str]
    retries: frozenset[str]
    held: frozenset[str]
    enabled_jobs: int


def recount(state: State) -> list[str]:
    """Return a sentence for each counter or place that the records contradict."""
    found = [sentence for job_id, job in state.jobs.items() for sentence in _of_job(state, job_id, job)]
    enabled = sum(job.enabled for job in state.jobs.values())
    if state.enabled_jobs != enabled:
        found.append(f"enabled_jobs says {state.enabled_jobs}, and {enabled} jobs are on")
    everywhere = {run_id for job in state.jobs.values() for run_id, run in job.runs.items() if run.is_open}
    for name, members in (("queued", state.queued), ("retries", state.retries), ("held", state.held)):
        found += [f"{run_id}: in {name}, but no open run of any job" for run_id in sorted(members - everywhere)]
    return found


def _of_job(state: State, job_id: str, job: JobState) -> Iterator[str]:
    held = sum(run.holds_slot for run in job.runs.values())
    is_open = sum(run.is_open for run in job.runs.values())
    if job.held != held:
        yield f"{job_id}: held says {job.held}, and {held} runs hold a slot"
    if job.open != is_open:
        yield f"{job_id}: open says {job.open}, and {is_open} runs have not ended"
    if job.waiting and job.held < job.limit:
        yield f"{job_id}: {job.held} of {job.limit} slots are taken, and {len(job.waiting)} runs wait"
    yield from (f"{run_id}: waits {n} times" for run_id, n in Counter(job.waiting).items() if n > 1)
    yield from (f"{run_id}: is on hold {n} times" for run_id, n in Counter(job.on_hold).items() if n > 1)
    strangers = [run_id for run_id in job.waiting if run_id not in job.runs]
    yield from (f"{run_id}: waits for a slot of {job_id}, whose run it is not" for run_id in strangers)
    places = {
        "queued": state.queued, "leases": state.leases, "retries": state.retries, "waiting": set(job.waiting),
        "held": state.held, "on hold": set(job.on_hold),
    }  # fmt: skip
    for run_id, run in job.runs.items():
        where = {name for name, members in places.items() if run_id in members}
        if where not in _right_places(run):
            slot = "a slot" if run.slot else "no slot"
            yield f"{run_id}: {run.status or 'without a record'} with {slot}, found in {sorted(where) or 'no place'}"


def _right_places(run: RunState) -> tuple[set[str], ...]:
    if run.status == "running":
        return (set() if run.is_told else {"leases"},) if run.slot else ()
    if run.status == "queued":
        return ({"queued"},) if run.slot else ({"waiting"}, {"retries"}, {"held", "on hold"})
    return (set(),) if run.status else ()


# reading


def read_state(client: Redis, keys: Keys) -> State:
    """Read everything; the caller sees to it that nobody writes meanwhile."""
    ids = _texts(client.zrange(keys.jobs, 0, -1))
    with client.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id), "held", "open", "max_concurrent_runs", "enabled")
            pipe.lrange(keys.history(job_id), 0, -1)
            pipe.lrange(keys.waiting(job_id), 0, -1)
            pipe.lrange(keys.on_hold(job_id), 0, -1)
        for key in (keys.queued, keys.leases, keys.retries, keys.later, keys.held):
            pipe.zrange(key, 0, -1)
        pipe.get(keys.enabled_jobs)
        *rows, queued, leases, retries, later, on_hold, enabled_jobs = pipe.execute()
    jobs = {}
    for number, job_id in enumerate(ids):
        (held, is_open, limit, enabled), history, waiting, its_held = rows[4 * number : 4 * number + 4]
        jobs[job_id] = JobState(
            int(held or 0), int(is_open or 0), int(limit or 1), enabled == b"1",
            _runs(client, keys, _texts(history)), _texts(waiting), _texts(its_held),
        )  # fmt: skip
    places = [frozenset(_texts(one)) for one in (queued, leases, [*retries, *later], on_hold)]
    return State(jobs, places[0], places[1], places[2], places[3], int(enabled_jobs or 0))


def read_state_at_once(client: Redis, keys: Keys) -> State:
    """Read everything while Redis lets no one write, so that it is one instant.

    Raises:
        ConnectionError: Redis was started again or frozen meanwhile, so that somebody may have written.
    """
    server, begun = _server(client), time.monotonic()
    client.client_pause(PAUSE_MS, all=False)
    try:
        state = read_state(client, keys)
    finally:
        client.client_unpause()
    if _server(client) != server or time.monotonic() > begun + PAUSE_MS / 2000:
        raise ConnectionError("Redis was started again or frozen, so this was not one instant")
    return state


def _server(client: Redis) -> object:
    """Return what tells one start of the server from the next."""
    found: Any = client.info("server")
    return found["run_id"]


def _runs(client: Redis, keys: Keys, ids: Sequence[str]) -> dict[str, RunState]:
    with client.pipeline(transaction=False) as pipe:
        for run_id in ids:
            pipe.hmget(keys.run(run_id), "status", "slot", "trigger")
        rows = pipe.execute()
    return {
        run_id: RunState((status or b"").decode(), slot == b"1", trigger == b"ping")
        for run_id, (status, slot, trigger) in zip(ids, rows, strict=True)
    }  # fmt: skip


def _texts(members: Any) -> list[str]:
    found: Iterable[bytes] = members
    return [member.decode() for member in found]
