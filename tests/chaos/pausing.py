"""Whether anything was let through a pause, and what became of all that was held, by rules of the audit's own.

A pause's instants, and each run's, are ms of Redis' clock, written by the scripts that made them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from service.store.keys import Keys
from tests.chaos.audit import Findings, Run

LABEL = {"group": "paused"}
"""The label of the jobs that are paused."""


@dataclass(frozen=True, slots=True)
class Span:
    """A pause that is over, from and to, ms.

    Args:
        job_id: the one job that it was for; None for all that have the label.
        by_a_person: whether somebody has ended it.
    """

    id: str
    job_id: str | None
    on_resume: str
    start: int
    end: int
    by_a_person: bool


def spans_of(client: Redis, keys: Keys) -> list[Span]:
    """Read every pause; all of them are over."""
    rows: Any = client.zrange(keys.ended_pauses, 0, -1)
    found = [json.loads(row) for row in rows]
    return [
        Span(one["id"], None if "label" in one["scope"] else one["scope"]["job_id"], one["on_resume"], int(one["from"]),
             int(one["ended_at"]), "ended_by" in one)
        for one in found
    ]  # fmt: skip


def check_pauses(
    found: Findings, spans: Sequence[Span], histories: Mapping[str, Sequence[Run]], made: Iterable[str],
    ended: Iterable[str],
) -> None:  # fmt: skip
    """Look at the runs of all jobs with the label.

    Args:
        found: takes the sentences.
        spans: all pauses.
        histories: job id -> runs, oldest first.
        made: the ids of the pauses that were acknowledged.
        ended: of those, the ones whose end was acknowledged.
    """
    by_id = {span.id: span for span in spans}
    found.lost += [f"pause {one} was acknowledged and is gone" for one in made if one not in by_id]
    found.lost += [f"pause {one} was ended by a person, and that is gone" for one in ended
                   if one in by_id and not by_id[one].by_a_person]  # fmt: skip
    for job_id, runs in histories.items():
        its = [span for span in spans if span.job_id in (None, job_id)]
        for run in runs:
            if run.get("trigger") == "schedule":
                _check_run(found, job_id, run, its, by_id)
        _check_order(found, job_id, [run for run in runs if "pause" in run and "started_at" in run])


def _check_run(found: Findings, job_id: str, run: Run, its: Sequence[Span], by_id: Mapping[str, Span]) -> None:
    decided = int(run["queued_at"])
    covering = [span for span in its if span.start <= decided < span.end]
    told = json.loads(run["pause"]) if "pause" in run else None
    if covering and told is None and run.get("status") != "skipped":
        found.wrong.append(f"{job_id}: {run['id']} went through the pause {covering[0].id}")
    if "held_by" in run:
        found.never_ended.append(f"{job_id}: {run['id']} is still held by {run['held_by']}")
    if told is None:
        return
    if told["id"] not in by_id:
        found.wrong.append(f"{job_id}: {run['id']} names the pause {told['id']}, which nobody knows")
    if told["on_resume"] == "skip" and run.get("status") != "skipped":
        found.wrong.append(f"{job_id}: {run['id']} ran though its pause skips")
    if covering and "started_at" in run and int(run["started_at"]) < max(span.end for span in covering):
        found.wrong.append(f"{job_id}: {run['id']} started within a pause that held it")


def _check_order(found: Findings, job_id: str, held: Sequence[Run]) -> None:
    """Held runs of a job with one slot start in the order of their occurrences."""
    began = sorted(held, key=lambda run: int(run["started_at"]))
    occurrences = [int(run["scheduled_for"]) for run in began]
    if occurrences != sorted(occurrences):
        found.wrong.append(f"{job_id}: held runs started out of order: {occurrences}")
