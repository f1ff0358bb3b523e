"""Whether each instant of each backfill got one run, its counts say so, and no run began before its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from redis import Redis

from service.store.keys import Keys
from service.store.runs.backfills import KEPT
from tests.chaos.audit import Findings, Run, texts
from tests.chaos.changes import Entry

FATES = ("success", "failed", "cancelled", "skipped")


def check_backfills(
    found: Findings, client: Redis, keys: Keys, histories: Mapping[str, Sequence[Run]], entries: Sequence[Entry],
    asked: Mapping[str, int],
) -> None:  # fmt: skip
    """Look at all backfills of the jobs that there are, which are over.

    Args:
        found: takes the sentences.
        client: of the installation, which is at rest.
        keys: its key names.
        histories: the runs of each job, oldest first.
        entries: of the audit log.
        asked: the acknowledged backfills, and how many instants each has.
    """
    there: list[str] = []
    is_trimmed = False
    for job_id, runs in histories.items():
        kept = texts(client.lrange(keys.backfills(job_id), 0, -1))
        is_trimmed = is_trimmed or len(kept) == KEPT
        for backfill_id in kept:
            there.append(backfill_id)
            _check_one(found, client, keys, backfill_id, [run for run in runs if run.get("backfill_id") == backfill_id])
    noted = Counter(entry["object"] for entry in entries if entry["action"] == "backfill.start")
    if not is_trimmed:
        found.lost += [f"backfill {one} was acknowledged and is gone" for one in asked.keys() - set(there)]
    if any(noted[one] != 1 for one in there) or (not is_trimmed and noted != Counter(there)):
        found.wrong.append(f"backfills {sorted(there)} have the entries {dict(noted)}")


def _check_one(found: Findings, client: Redis, keys: Keys, backfill_id: str, runs: Sequence[Run]) -> None:
    name = f"backfill {backfill_id}"
    fields = {key.decode(): value.decode() for key, value in client.hgetall(keys.backfill(backfill_id)).items()}  # type: ignore[union-attr]
    first = Counter(run["scheduled_for"] for run in runs if run["trigger"] == "backfill")
    found.checked += len(first)
    found.doubled += [f"{name}: {count} runs for {instant}" for instant, count in first.items() if count > 1]
    dropped = int(fields.get("dropped", 0))
    if len(first) != int(fields["total"]) - dropped:
        found.lost.append(f"{name}: {len(first)} instants have a run, of {fields['total']}, and {dropped} were dropped")
    fates = Counter({run["scheduled_for"]: run["status"] for run in runs}.values())  # of the newest run of each
    counted = {fate: int(fields.get(fate, 0)) for fate in FATES}
    if counted != {fate: fates[fate] for fate in FATES}:
        found.wrong.append(f"{name}: counts {counted}, and its runs ended as {dict(fates)}")
    if fields["state"] == "active" or client.exists(keys.backfill_left(backfill_id), keys.backfill_open(backfill_id)):
        found.never_ended.append(f"{name}: {fields}")


def check_times(found: Findings, job: str, runs: Sequence[Run]) -> None:
    """No run that was asked for later has started before its time."""
    for run in runs:
        if int(run.get("started_at", 0)) and int(run["started_at"]) < int(run.get("not_before", 0)):
            found.wrong.append(f"{job}: {run['id']} has started before its time")
