"""Use case of batches: one action for many jobs, each in a step of its own, with one answer for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.batches.request import MOST_JOBS, SCOPES, BatchRequest, parse_batch
from service.domain.ids import is_id
from service.errors import StoreUnavailable
from service.store.idempotency import Answers, Idempotency, unpacked
from service.store.jobs.job_marks import marks_of
from service.store.scripts import Scripts
from service.store.server.asking import ask_packed, hash_fields
from service.usecases.batches.actions import Actions
from service.usecases.batches.results import Result, attempted, counted, left_out
from service.usecases.ids import once, same_body
from service.usecases.jobs import Jobs
from service.usecases.runs_by_hand import RunsByHand

_MARKS = ("name", "bot_type", "labels")
Chosen = tuple[Sequence[str], str | None]
"""Ids of jobs, and the cursor with which the filter goes on; None at its end."""


class Batches:
    """Carries out one action for many jobs.

    Args:
        scripts: the scripts of this installation.
        jobs: the use cases of single jobs.
        runs: the use cases of runs.
    """

    def __init__(self, scripts: Scripts, jobs: Jobs, runs: RunsByHand) -> None:
        self._scripts = scripts
        self._jobs = jobs
        self._runs = runs
        self._answers = Answers(scripts)

    def carry_out(self, body: object, key: str | None = None) -> dict[str, Any]:
        """Do the same for many jobs, or tell in a dry run what would be done.

        The jobs are chosen once, before the first of them is touched. Then each is treated as by its own request: by
        the same use case, in one step in Redis, with its own entry in the audit log.

        Args:
            body: see `service.domain.batches.request`.
            key: the request's Idempotency-Key. For a day, the same key and body get the same answer. If the first
                request broke off, the next one goes on with the same jobs, and no run is asked for twice.

        Returns:
            `{"action", "dry_run", "counts", "results", "next_cursor"}`.

        Raises:
            ValidationFailed: the request is malformed.
            Forbidden: the caller may not do this with any job; or it names jobs by a filter and may not read them.
            Conflict: the key was used with another body.
            StoreUnavailable: Redis is away, or refuses to write, at the first job.
        """
        asked = parse_batch(body)
        caller().require(SCOPES[asked.action])
        if asked.ids is None:
            caller().require(Scope.READ)
        sent = None if asked.dry_run else once("batch", key, body)
        chosen = self._chosen(asked)
        if sent is not None:
            known = self._known(sent, chosen)
            if "results" in known:
                return known
            chosen = known["ids"], known["next_cursor"]
        names = self._names(chosen[0])  # before they are gone
        results, is_whole = self._treated(chosen[0], Actions(self._jobs, self._runs, asked, key))
        answer = {
            "action": asked.action,
            "dry_run": asked.dry_run,
            "counts": counted(results),
            "results": [result.answer(names.get(result.job_id)) for result in results],
            "next_cursor": chosen[1],
        }
        if sent is not None and is_whole:
            self._answers.end(sent, answer)
        return answer

    def _known(self, sent: Idempotency, chosen: Chosen) -> dict[str, Any]:
        """Return what is known of a request's answer: all of it, or the jobs that it is for."""
        plan = {"ids": list(chosen[0]), "next_cursor": chosen[1]}
        recalled = self._answers.begin(sent, plan)
        return plan if recalled is None else unpacked(same_body(recalled))

    def _chosen(self, asked: BatchRequest) -> Chosen:
        if asked.ids is not None:
            return asked.ids, None
        found: list[str] = []
        cursor = asked.cursor
        while True:
            page = self._jobs.list(limit=MOST_JOBS - len(found), cursor=cursor, **asked.filter)
            found += [job["id"] for job in page.data]
            cursor = page.next_cursor
            if cursor is None or len(found) == MOST_JOBS:
                return found, cursor

    def _treated(self, job_ids: Sequence[str], actions: Actions) -> tuple[list[Result], bool]:
        """Treat the jobs one after the other. Return the results, and whether Redis was there to the end."""
        results: list[Result] = []
        for job_id in job_ids:
            try:
                results.append(attempted(job_id, partial(actions.act, job_id)))
            except StoreUnavailable as error:
                if not results:
                    raise
                return results + left_out(job_ids[len(results) :], error), False
        return results, True

    def _names(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the names of those of the jobs that the caller may read."""
        ids = [job_id for job_id in job_ids if is_id(job_id)]
        if Scope.READ not in caller().scopes or not ids:
            return {}
        rows = ask_packed(self._scripts, hash_fields([self._scripts.keys.job(one) for one in ids], _MARKS))
        return {
            job_id: name
            for job_id, row in zip(ids, rows, strict=True)
            if isinstance(row, list) and (name := _name(*row)) is not None
        }


def _name(name: bytes | None, bot_type: bytes | None, labels: bytes | None) -> str | None:
    """Return a job's name; None if there is no such job, to this caller."""
    marks = marks_of(bot_type, labels)
    if name is None or marks is None or not caller().limits.allow(*marks):
        return None
    return name.decode(errors="replace")
