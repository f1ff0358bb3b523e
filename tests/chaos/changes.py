"""Whether each change of a job or a run has exactly one entry in the audit log, and each entry its change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis import Redis

from service.store.audit.reading import read_entry
from service.store.keys import Keys
from tests.chaos.audit import Findings, Run, texts

FORMER = 49
"""Former definitions of a job, at most."""

Entry = Mapping[str, Any]
BY_REQUEST = "cancelled by request"


def entries_of(client: Redis, keys: Keys) -> list[Entry]:
    """Every entry, oldest first."""
    rows: Any = client.xrange(keys.audit)
    return [read_entry(fields) for _, fields in rows]


def check_changes(
    found: Findings, client: Redis, keys: Keys, histories: Mapping[str, Sequence[Run]], *, repaired: bool = False
) -> None:
    """Look at all jobs, deleted jobs and runs that there are, and at all entries.

    Args:
        found: takes the sentences.
        client: of the installation, which is at rest.
        keys: its key names.
        histories: the runs of each job that there is.
        repaired: whether the service may have raised revisions by itself, as it does when the clock has stepped.
    """
    entries = entries_of(client, keys)
    deleted = set(texts(client.zrange(keys.deleted_jobs, 0, -1)))
    _check_jobs(found, client, keys, entries, deleted, repaired)
    by_hand = {run["id"] for runs in histories.values() for run in runs if run["trigger"] == "manual"}
    _compare(found, "run.request", by_hand, _objects(entries, "run.request", deleted))
    cancelled = {
        run["id"] for runs in histories.values() for run in runs
        if BY_REQUEST in (run.get("cancel"), run.get("error"))
    }  # fmt: skip
    _compare(found, "run.cancel", cancelled, _objects(entries, "run.cancel", deleted))
    pauses = [json.loads(one) for one in (*client.zrange(keys.ended_pauses, 0, -1), *_in_force(client, keys))]
    made = [entry["object"] for entry in entries if entry["action"] == "pause.create"]
    _compare(found, "pause.create", {one["id"] for one in pauses}, made)
    ended = {one["id"] for one in pauses if "ended_by" in one}
    _compare(found, "pause.end", ended, [entry["object"] for entry in entries if entry["action"] == "pause.end"])


def _in_force(client: Redis, keys: Keys) -> list[bytes]:
    found: Any = client.hgetall(keys.pauses)
    return [text for pause_id, text in found.items() if pause_id != b"over"]


def _objects(entries: Iterable[Entry], action: str, deleted: set[str]) -> list[str]:
    """The objects of an action's entries, less those of deleted jobs, whose runs are gone."""
    return [entry["object"] for entry in entries if entry["action"] == action and entry["job_id"] not in deleted]


def _compare(found: Findings, action: str, changed: set[str], noted: Sequence[str]) -> None:
    times = Counter(noted)
    found.wrong += [f"{action} of {one}: no entry" for one in sorted(changed - times.keys())]
    found.wrong += [f"{action} of {one}: an entry without its change" for one in sorted(times.keys() - changed)]
    found.wrong += [f"{action} of {one}: {count} entries" for one, count in sorted(times.items()) if count > 1]


def _check_jobs(
    found: Findings, client: Redis, keys: Keys, entries: Sequence[Entry], deleted: set[str], repaired: bool
) -> None:
    noted: dict[str, list[int]] = {}
    for entry in entries:
        if entry["action"].startswith("job.") and "after" in entry:
            noted.setdefault(entry["object"], []).append(int(entry["after"]))
    hashes = {job_id: keys.job(job_id) for job_id in texts(client.zrange(keys.jobs, 0, -1))}
    lists = {job_id: keys.revisions(job_id) for job_id in hashes}
    hashes |= {job_id: keys.deleted_job(job_id) for job_id in deleted}
    lists |= {job_id: keys.deleted_revisions(job_id) for job_id in deleted}
    for job_id in sorted(noted.keys() - hashes.keys()):
        found.wrong.append(f"job {job_id}: entries, and no such job")
    for job_id, key in hashes.items():
        revision = int(client.hget(key, "revision") or 0)
        if repaired:
            own = sorted(noted.get(job_id, ()))
            if own != sorted(set(own)) or 1 not in own or own[-1] > revision:
                found.wrong.append(f"job {job_id}: at revision {revision}, with entries of {own}")
            continue
        if sorted(noted.get(job_id, ())) != list(range(1, revision + 1)):
            found.wrong.append(f"job {job_id}: at revision {revision}, with entries of {sorted(noted.get(job_id, ()))}")
        kept: Any = client.lrange(lists[job_id], 0, -1)
        numbers = [json.loads(one)["revision"] for one in kept]
        if numbers != list(range(revision - 1, 0, -1))[:FORMER]:
            found.wrong.append(f"job {job_id}: at revision {revision}, and {numbers} are kept")
    _compare(found, "job.delete", deleted, [entry["object"] for entry in entries if entry["action"] == "job.delete"])
