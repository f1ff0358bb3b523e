"""Keys that belong to nothing: undocumented ones, those of what is gone, and those that nothing may be left in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from redis import Redis

from service.store.keys import Keys
from tests.chaos.audit import Findings, texts
from tests.support.installation import ROOT

DOCUMENT = ROOT / "docs" / "redis-keys.md"

FOR_EVER, GONE = -1, -2
"""What TTL answers for a key that does not expire, and for one that is not there."""

RQ_ENDINGS = {"success": b"finished", "skipped": b"finished", "failed": b"failed", "cancelled": b"canceled"}
"""How RQ calls each outcome of a run."""

PASSING = re.compile(r"template|:adopted$")
"""What lives within one script, or while an older release's runs go on."""


def of_older_releases(prefix: str) -> re.Pattern[str]:
    """Return what only older releases write: sets of slots, of open runs and of enabled jobs, and their queue."""
    own = re.escape(prefix)
    return re.compile(rf"{own}:job:[^:]+:(slots|open)|{own}:enabled|rq:[^:]+:{own}-runs(:.*)?")


def named_keys(keys: Keys) -> list[str]:
    """One key of each kind that the scripts use."""
    scripts = (ROOT / "service" / "store" / "lua").rglob("*.lua")
    names = {name for script in scripts for name in re.findall(r"\bkey\.(\w+)", script.read_text())}
    found = [getattr(keys, name) for name in sorted(names - {"wake", "run_news"})]
    ids = {keys.rq_execution: "1:2", keys.told: "1:2", keys.ping: "1:2", keys.birthdays_of: "04-12"}
    return [key if isinstance(key, str) else key(ids.get(key, "1")) for key in found]


def key_patterns(keys: Keys) -> list[re.Pattern[str]]:
    """What a key may look like: the first columns of the tables in `docs/redis-keys.md`."""
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    named = [text for row in rows for text in re.findall(r"`([^`\s]+:[^`\s]+)`", row.split("|")[1])]
    return [_pattern(text.replace("{prefix}", keys.prefix)) for text in named]


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", text)
    wild = {"{ping}": "[^:]+:[^:]+"}  # a job's id, and that of pings or of a call
    return re.compile("".join(wild.get(part, "[^:]+") if part.startswith("{") else re.escape(part) for part in parts))


def check_keys(found: Findings, client: Redis, keys: Keys, deleted: Iterable[str]) -> None:
    """Every key is one that is documented, belongs to something that there is, and nothing is held for ever."""
    patterns, of_older = key_patterns(keys), of_older_releases(keys.prefix)
    every = sorted(key.decode() for key in client.scan_iter("*", count=1000))
    jobs = set(texts(client.zrange(keys.jobs, 0, -1)))
    runs = {run_id for job_id in jobs for run_id in texts(client.lrange(keys.history(job_id), 0, -1))}
    for key in every:
        if not any(pattern.fullmatch(key) for pattern in patterns):
            found.stray.append(f"{key}: not documented")
        owned = re.match(rf"{re.escape(keys.prefix)}:(job|run):([^:]+)", key)
        if owned and owned[2] not in (jobs if owned[1] == "job" else runs):
            found.stray.append(f"{key}: its {owned[1]} is not listed anywhere")
        if any(job_id in key and key not in _kept(keys, job_id) for job_id in deleted):
            found.stray.append(f"{key}: its job was deleted")
        if key.startswith(f"{keys.prefix}:pause:"):
            found.stray.append(f"{key}: its pause is over")
        if PASSING.search(key) or of_older.fullmatch(key):
            found.stray.append(f"{key}: nothing of this release leaves it behind")
    _check_nothing_held(found, client, keys, jobs)
    _check_rq(found, client, keys, every)


def _kept(keys: Keys, job_id: str) -> tuple[str, ...]:
    """What is kept of a deleted job, so that it can be restored."""
    return keys.deleted_job(job_id), keys.deleted_revisions(job_id), keys.deleted_edits(job_id)


def _check_nothing_held(found: Findings, client: Redis, keys: Keys, jobs: set[str]) -> None:
    lists = (
        keys.leases, keys.queued, keys.retries, keys.later, keys.held, keys.resuming, keys.due, keys.rq_intermediate,
        keys.rq_queue, keys.rq_started,
    )  # fmt: skip
    for key in (*lists, *map(keys.waiting, jobs), *map(keys.on_hold, jobs)):
        if client.exists(key):
            found.stray.append(f"{key}: not empty ({_members(client, key)})")


def _members(client: Redis, key: str) -> Any:
    """Some of what a set, sorted set or list holds."""
    if client.type(key) == b"set":
        return client.smembers(key)
    if client.type(key) == b"zset":
        return client.zrange(key, 0, 4, withscores=True)
    return client.lrange(key, 0, 4)


def _check_rq(found: Findings, client: Redis, keys: Keys, every: Sequence[str]) -> None:
    for key in every:
        if key.startswith(("rq:execution:", "rq:executions:")):
            found.stray.append(f"{key}: left behind")
        if key.startswith(("rq:job:", "rq:results:")):
            status = client.hget(key, "status") if key.startswith("rq:job:") else b"finished"
            left = client.ttl(key)
            if left == GONE:  # it expired since the keys were listed
                continue
            if status not in RQ_ENDINGS.values():
                found.never_ended.append(f"{key}: RQ calls it {status!r}")
            if left == FOR_EVER:
                found.stray.append(f"{key}: never expires")
            _check_agreement(found, client, keys, key, status)


def _check_agreement(found: Findings, client: Redis, keys: Keys, key: str, status: Any) -> None:
    """RQ's record of a run says of its end what ours says."""
    if key.startswith("rq:job:"):
        ours: Any = client.hget(keys.run(key.removeprefix("rq:job:")), "status")
        if ours is not None and RQ_ENDINGS.get(ours.decode()) != status:
            found.wrong.append(f"{key}: RQ calls it {status!r}, we {ours!r}")


def check_workers(found: Findings, client: Redis, keys: Keys, alive: int) -> None:
    """RQ's and our lists of workers name those that are up, once the dead ones' time is over."""
    names = texts(client.smembers("rq:workers"))
    if len(names) != alive or client.zcard(keys.workers) != alive:
        found.wrong.append(f"{alive} workers are up; RQ lists {sorted(names)}, we {client.zcard(keys.workers)}")
