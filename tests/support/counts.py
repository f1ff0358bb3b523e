"""Recount of what jobs' hashes count, from the records alone, and a search for what an older release has left."""

from __future__ import annotations

import re
from typing import Any

from redis import Redis

from service.store.keys import Keys

OLDER = re.compile(
    r".*:(adopted|due|enabled|job:[^:]+:(history|waiting|open|slots))|rq:(queue|wip|finished|failed|canceled):.*-runs(:.*)?"
)
"""Keys that only the older release writes, and `adopted`."""


def members(client: Redis, key: str) -> list[str]:
    """The ids in a list or sorted set, first to last."""
    kind: Any = client.type(key)
    found: Any = client.zrange(key, 0, -1) if kind == b"zset" else client.lrange(key, 0, -1)
    return [member.decode() for member in found]


def counted(client: Redis, keys: Keys, job_id: str) -> tuple[int, int]:
    """How many runs a job's hash counts as open, and as holding a slot."""
    open_runs, held = client.hmget(keys.job(job_id), "open", "held")
    return int(open_runs or 0), int(held or 0)


def recounted(client: Redis, keys: Keys, job_id: str) -> tuple[int, int]:
    """The same from the records of its runs. Each open run stands where its record says, and nowhere else."""
    open_runs = held = 0
    queue, waiting = members(client, keys.rq_queue), members(client, keys.waiting(job_id))
    leases, delayed = members(client, keys.leases), members(client, keys.retries) + members(client, keys.later)
    listed = members(client, keys.history(job_id))
    assert len(listed) == len(set(listed)), f"listed twice: {listed}"
    for run_id in listed:
        status, slot = client.hmget(keys.run(run_id), "status", "slot")
        assert status is not None, f"run {run_id} is listed, and has no record"
        if status in (b"queued", b"running"):
            open_runs += 1
            held += slot is not None
            places = {"queue": run_id in queue, "waiting": run_id in waiting, "leases": run_id in leases,
                      "delayed": run_id in delayed}  # fmt: skip
            wanted = ({"leases"},) if status == b"running" else ({"queue"},) if slot else ({"waiting"}, {"delayed"})
            assert {name for name, there in places.items() if there} in wanted, (run_id, status, slot, places)
            assert queue.count(run_id) + waiting.count(run_id) <= 1, f"run {run_id} waits twice"
    later = members(client, keys.job_later(job_id))
    assert set(later) == set(members(client, keys.later)) & set(listed), f"another time than its index says: {later}"
    return open_runs, held


def check_counts(client: Redis, keys: Keys) -> None:
    """Every job counts what its runs' records say."""
    for job_id in members(client, keys.jobs):
        assert counted(client, keys, job_id) == recounted(client, keys, job_id), job_id


def left_by_older(client: Redis) -> list[str]:
    """Keys that only the older release writes."""
    return sorted(name.decode() for name in client.scan_iter() if OLDER.fullmatch(name.decode()))
