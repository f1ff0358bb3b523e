"""Use cases of backfills: start one, follow it, and cancel it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from service import logs
from service.domain.backfilling.instants import RULES, Instant
from service.domain.backfilling.request import BackfillRequest, parse_backfill
from service.domain.ids import is_id
from service.domain.job_fields import validate_bot_config
from service.domain.pauses.pause import Pause, covering, last_end
from service.domain.timestamps import format_ms, format_timestamp
from service.errors import Conflict, NotFound
from service.store.idempotency import Recalled, recall
from service.store.jobs.job_marks import read_marks
from service.store.pauses.pause_store import PauseStore
from service.store.runs.backfills import BackfillStore
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.usecases.access.side_doors import require_bound_run, require_overlay
from service.usecases.access.sight import sees
from service.usecases.backfilling.instants import find
from service.usecases.fates.occurrences import Occurrences
from service.usecases.ids import keeps_changing, no_job, once, same_body

_TRIES = 5


class Backfills:
    """The use cases of backfills.

    Args:
        scripts: the scripts of this installation.
        occurrences: reads the accounts of jobs.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, occurrences: Occurrences, configs: Mapping[str, type[BaseModel]]) -> None:
        self._scripts = scripts
        self._occurrences = occurrences
        self._configs = configs
        self._store = BackfillStore(scripts)
        self._pauses = PauseStore(scripts)

    def start(self, job_id: str, body: object, key: str | None = None) -> dict[str, Any]:
        """Start a backfill, or tell with `dry_run` which instants it would run.

        Args:
            job_id: the job's id.
            body: see `service.domain.backfilling.request`.
            key: the request's Idempotency-Key.

        Returns:
            The backfill, or the answer of a dry run. Without instants, there is nothing to start, and no backfill.

        Raises:
            NotFound: there is no such job.
            Forbidden: as for a run by hand, about `bot_config`.
            ValidationFailed: a field is refused, or the span.
            Conflict: another backfill of the job is under way.
        """
        asked = parse_backfill(body)
        require_overlay(asked.overlay)
        sent = once(f"backfill {job_id}", key, body)
        if sent is not None and (kept := recall(self._scripts, sent)):  # what it made up for is not missing any more
            return self.get(job_id, same_body(kept))
        for _ in range(_TRIES):
            newest = self._store.newest(job_id) if is_id(job_id) else ""
            read = self._occurrences.read(job_id)
            record = read.books.record
            config, bound = record.definition.bot_config, False
            if asked.overlay is not None:
                bound = require_bound_run(config, asked.overlay)
                validate_bot_config(record.definition.bot_type, {**config, **asked.overlay}, self._configs)
            instants = find(read, asked)
            if asked.dry_run or not instants:
                return _plan(job_id, asked, instants) | _gone_through(read.books.pauses)
            answer = self._store.start(
                job_id, record.revision, newest, asked, instants, bound=bound, request_id=logs.request_id(),
                rehearsal=(asked.overlay or {}).get("dry_run") is True,
                idempotency=sent,
            )  # fmt: skip
            match answer:
                case Recalled() as recalled:
                    return self.get(job_id, same_body(recalled))
                case ("started", backfill_id):
                    return self.get(job_id, backfill_id)
                case ("active", other):
                    raise Conflict(f"Backfill {other} of job {job_id} is under way; wait for its end, or cancel it")
                case ("gone", _):
                    raise no_job(job_id)
        raise keeps_changing(job_id)

    def list(self, job_id: str) -> list[dict[str, Any]]:
        """Read the last 20 backfills of a job, newest first.

        Raises:
            NotFound: there is no such job.
        """
        self._require(job_id)
        return [*self._with_pauses(job_id, self._store.of_job(job_id))]

    def get(self, job_id: str, backfill_id: str) -> dict[str, Any]:
        """Read one backfill.

        Raises:
            NotFound: there is no such job, or backfill.
        """
        self._require(job_id)
        found = self._store.one(job_id, backfill_id) if is_id(backfill_id) else None
        if found is None:
            raise NotFound(f"Backfill {backfill_id} of job {job_id} not found")
        return self._with_pauses(job_id, [found])[0]

    def cancel(self, job_id: str, backfill_id: str) -> dict[str, Any]:
        """Cancel a backfill: what is left gets no run, and the runs that are open go on. Return the backfill.

        Raises:
            NotFound: there is no such job, or backfill.
            Conflict: it is done.
        """
        self.get(job_id, backfill_id)
        if self._store.cancel(job_id, backfill_id) == "done":
            raise Conflict(f"Backfill {backfill_id} is done already")
        return self.get(job_id, backfill_id)

    def _with_pauses(self, job_id: str, backfills: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Say of those under way which pause their runs go through, if one is in force."""
        if not any(one["state"] == "active" for one in backfills):
            return backfills
        now_ms, stored = self._pauses.stored()
        marks = read_marks(self._scripts, [job_id]).get(job_id) if stored else None
        its = [] if marks is None else covering(stored, now_ms, job_id, *marks)
        return [one | (_gone_through(its) if one["state"] == "active" else {}) for one in backfills]

    def _require(self, job_id: str) -> None:
        if not is_id(job_id) or not sees(self._scripts, job_id):
            raise no_job(job_id)
        if not ask(self._scripts, ("EXISTS", self._scripts.keys.job(job_id)))[0]:
            raise no_job(job_id)


def _gone_through(pauses: Sequence[Pause]) -> dict[str, Any]:
    """Say that a pause is in force, through which the runs of a backfill go; of several, the one that decides."""
    if not pauses:
        return {}
    until = last_end(pauses)
    return {"pause": {**pauses[0].told(), "until": None if until is None else format_ms(until)}}


def _plan(job_id: str, asked: BackfillRequest, instants: Sequence[Instant]) -> dict[str, Any]:
    return {
        "backfill_id": None,
        "job_id": job_id,
        "dry_run": asked.dry_run,
        "since": format_timestamp(asked.since),
        "until": format_timestamp(asked.until),
        "only": asked.only,
        "max_parallel": asked.max_parallel,
        "rule": RULES[asked.only],
        "total": len(instants),
        "reasons": Counter(one.why for one in instants if one.why is not None),
        "instants": [format_timestamp(one.at) for one in instants],
    }
