"""Jobs in Redis: a hash each, listed in the order of their creation, with an index of due times."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from service.domain.records import JobRecord, Plan, UnreadableJob, read_job
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.jobs.job_views import VIEW_FIELDS, job_view
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs
from service.store.server.redis_clock import ClockEstimate


def _fields(record: JobRecord) -> dict[str, str | None]:
    definition, plan, options = record.definition, record.plan, record.definition.options
    return {
        "id": record.id,
        "created_at": str(record.created_at),
        "updated_at": str(record.updated_at),
        "name": definition.name,
        "description": definition.description,
        "bot_type": definition.bot_type,
        "schedule_type": definition.schedule_type,
        "schedule_config": json.dumps(definition.schedule_config),
        "bot_config": json.dumps(definition.bot_config),
        # Only what differs from the defaults: a hash of short values takes a third of the memory.
        "options": options.model_dump_json(exclude_defaults=True),
        # Scripts read these, so they stand beside the options.
        "disable_after_failures": str(options.disable_after_failures),
        "max_concurrent_runs": str(options.max_concurrent_runs),
        "overlap": options.overlap,
        **plan_fields(plan),
    }


def plan_fields(plan: Plan) -> dict[str, str | None]:
    """Return the fields of a job's hash that hold its plan; None for a field to remove."""
    return {
        "anchor": str(plan.anchor),
        "next_occurrence": None if plan.next_occurrence is None else str(plan.next_occurrence),
        "next_due": None if plan.next_due is None else str(plan.next_due),
        "state": plan.state,
        "state_reason": plan.reason,
    }


def _flag(value: bool) -> str:
    return "1" if value else "0"


class Position(NamedTuple):
    """End of a page of jobs: when its last job was created, µs, and that job's id."""

    created: int
    job_id: str


class JobStore:
    """Jobs, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self.clock_estimate = ClockEstimate()
        """Redis' time, estimated from its last answer here."""

    def create(self, record: JobRecord, idempotency: Idempotency | None, *, estimated: bool) -> bytes | Recalled | None:
        """Store a new job, and its answer under the Idempotency-Key.

        Args:
            record: the job.
            idempotency: the request's key and body; None without a key.
            estimated: whether Redis must check `record.created_at`, the time for which the job was planned.

        Returns:
            The job's answer, JSON; or, with nothing written, the earlier answer to the key; or None, also with nothing
            written: the estimate was off.
        """
        fields = _fields(record)
        told = {**fields, "enabled": _flag(record.definition.enabled), "revision": str(record.revision)}
        answer = job_view(
            record.id, [None if (text := told.get(name)) is None else text.encode() for name in VIEW_FIELDS]
        )
        saved = self._save(record, fields, "", idempotency, answer if idempotency else b"", "1" if estimated else "")
        return answer if saved[0] == b"saved" else recalled(saved)

    def add(self, record: JobRecord) -> bool:
        """Store a new job under an id that may be taken. Returns False if it is; then nothing is written."""
        return bool(self._save(record, _fields(record), "")[0] == b"saved")

    def replace(self, record: JobRecord, read_revision: int) -> bool:
        """Store a new definition and plan. Returns False if the job has changed since it was read, or is gone."""
        return bool(self._save(record, _fields(record), str(read_revision))[0] == b"saved")

    def _save(
        self, record: JobRecord, fields: Mapping[str, str | None], read_revision: str,
        idempotency: Idempotency | None = None, answer: bytes = b"", estimated: str = "",
    ) -> Any:  # fmt: skip
        fields = {**fields, "writer": secrets.token_hex(8)}
        present = {name: value for name, value in fields.items() if value is not None}
        absent = [name for name, value in fields.items() if value is None]
        due = "" if record.plan.next_due is None else str(record.plan.next_due)
        saved = self._scripts.run(
            "save_job", record.id, read_revision, orjson.dumps(present), orjson.dumps(absent),
            _flag(record.definition.enabled), due,
            *(idempotency or NO_KEY).arguments(), answer, estimated, record.revision,
        )  # fmt: skip
        if saved[0] in (b"saved", b"untimely"):
            self.clock_estimate.note(int(saved[-1]))
        return saved

    def delete(self, job_id: str, revisions: Collection[int] = ()) -> bool | None:
        """Delete a job and all its data, if it is at one of `revisions` (any, if there are none).

        Returns:
            True; False if there is no such job; None if it is at another revision.
        """
        answer = int(self._scripts.run("delete_job", job_id, *revisions))
        return None if answer < 0 else bool(answer)

    def get(self, job_id: str) -> JobRecord | None:
        """Read one job, or None.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        (answer,) = ask(self._scripts, ("HGETALL", self._keys.job(job_id)))
        if isinstance(answer, Exception):
            raise UnreadableJob("it is no hash")
        fields = pairs(answer)
        return read_job(fields) if fields else None

    def get_many(self, job_ids: list[str]) -> list[Mapping[bytes, bytes]]:
        """Read the hashes of several jobs, empty if gone, and unparsed, so that no damaged job spoils others."""

        def fill(pipe: Any) -> None:
            for job_id in job_ids:
                pipe.hgetall(self._keys.job(job_id))

        answers = self._scripts.read(fill) if job_ids else []
        return [answer if isinstance(answer, dict) else {} for answer in answers]

    def ids_after(self, position: Position | None, count: int) -> list[Position]:
        """Return up to `count` jobs in the order of their creation, after `position`."""
        start = position.created if position else "-inf"
        wanted = count
        while True:
            window = wanted
            (rows,) = self._scripts.read(
                lambda pipe, n=window: pipe.zrange(  # type: ignore[misc]
                    self._keys.jobs, start, "+inf", byscore=True, offset=0, num=n, withscores=True
                )
            )
            found = [Position(int(score), member.decode()) for member, score in rows]
            if position:
                found = [place for place in found if place > position]
            if len(found) >= count or len(rows) < window:
                return found[:count]
            wanted *= 2

    def scan(self, chunk: int = 500) -> Iterator[list[tuple[str, Mapping[bytes, bytes]]]]:
        """Yield all jobs in the order of their creation, `chunk` at a time."""
        position: Position | None = None
        while page := self.ids_after(position, chunk):
            ids = [p.job_id for p in page]
            yield list(zip(ids, self.get_many(ids), strict=True))
            position = page[-1]

    def counts(self) -> tuple[int, int]:
        """Count the jobs, and the enabled ones."""
        total, enabled = self._scripts.read(lambda pipe: (pipe.zcard(self._keys.jobs), pipe.scard(self._keys.enabled)))
        return int(total), int(enabled)
