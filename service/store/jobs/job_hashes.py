"""Jobs in Redis: a hash each, listed in the order of their creation, with an index of due times."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from service.domain.access.labels import JobChoice
from service.domain.edits.edited_plans import dropped_edits
from service.domain.heartbeats.terms import is_watched
from service.domain.kinds import kind_of
from service.domain.options import Options
from service.domain.plain_json import dumps
from service.domain.records import JobRecord, Plan, UnreadableJob, read_job, stored_options
from service.domain.schedules.schema_versions import FIRST, HEARTBEATS, schema_of
from service.domain.timestamps import format_timestamp
from service.store.audit.entries import Entry, author, entry_of, job_entry
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.jobs.enabled_count import enabled_jobs
from service.store.jobs.job_marks import marks_of
from service.store.jobs.job_views import VIEW_FIELDS, job_view
from service.store.jobs.stored_edits import edit_changes, with_edits
from service.store.older_schedulers import require_schedulers
from service.store.quotas import refuse_job, require_room_for_jobs
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields, pairs
from service.store.server.redis_clock import ClockEstimate

AT_ONCE = 500
"""Jobs to read at a time where all are read."""
_DEFAULTS = Options()


def stored_fields(record: JobRecord) -> dict[str, str | None]:
    """Return the fields of a job's hash; None for one to remove, because it has its default.

    Redis looks for a field from the start of a small hash. So those come first that scripts read for each occurrence.
    """
    definition, plan, options = record.definition, plan_fields(record.plan), record.definition.options
    schedule_config = dumps(definition.schedule_config).decode()
    stored = options.model_dump_json(exclude_defaults=True)
    kind = None if record.edits.stamp else _kind(definition.schedule_type, schedule_config, stored, plan["calendar"])
    return {
        "enabled": "1" if definition.enabled else "0",
        "kind": kind,
        "next_due": plan["next_due"],
        "next_occurrence": plan["next_occurrence"],
        "created_at": str(record.created_at),
        "bot_type": definition.bot_type,
        "name": definition.name,
        "revision": str(record.revision),
        # Scripts read these, so they stand beside the options.
        "max_concurrent_runs": _unless(_DEFAULTS.max_concurrent_runs, options.max_concurrent_runs),
        "overlap": _unless(_DEFAULTS.overlap, options.overlap),
        "disable_after_failures": _unless(_DEFAULTS.disable_after_failures, options.disable_after_failures),
        "expect": definition.expects,
        **plan,
        "since": None if record.plan.after in (None, record.created_at // 1000) else plan["since"],
        "schedule_type": definition.schedule_type,
        "schedule_config": schedule_config,
        "options": stored,
        "bot_config": dumps(definition.bot_config).decode(),
        "description": definition.description,
        "labels": dumps(definition.labels).decode() if definition.labels else None,
        "updated_at": _unless(record.created_at, record.updated_at),
        "id": None,  # older releases stored it
    }


def _made(record: JobRecord) -> dict[str, str | None]:
    """Return the fields of a new job's hash: those of its definition and plan, and who makes it."""
    return stored_fields(record) | {"author": author(record.revision)}


@lru_cache(8192)
def _kind(schedule_type: str, schedule_config: str, options: str, calendar: str | None) -> str | None:
    """Make the kind of a job from its stored texts, and remember it: many jobs share it."""
    return kind_of(schedule_type, orjson.loads(schedule_config), stored_options(options), calendar)


def _unless(default: object, value: object) -> str | None:
    return None if value == default else str(value)


def plan_fields(plan: Plan) -> dict[str, str | None]:
    """Return the fields of a job's hash that hold its plan; None for a field to remove."""
    return {
        "anchor": str(plan.anchor),
        "next_occurrence": None if plan.next_occurrence is None else str(plan.next_occurrence),
        "next_due": None if plan.next_due is None else str(plan.next_due),
        "state": plan.state if plan.state not in ("scheduled", "disabled") else None,  # `enabled` says which of these
        "state_reason": plan.reason,
        "calendar": plan.calendar,
        "next_run": None if plan.next_run is None else str(plan.next_run),
        "since": None if plan.after is None else str(plan.after),
    }


def _version(record: JobRecord) -> int:
    """Return the version of the schema that a job needs."""
    its = record.definition
    return HEARTBEATS if is_watched(its.bot_type) else schema_of(its.schedule_type, its.schedule_config, its.options)


def delete_after(record: JobRecord) -> int | str:
    """Return after how long, ms, a job that has ended is deleted; '' if it is not."""
    seconds = record.definition.options.delete_after_seconds
    return seconds * 1000 if record.plan.state == "ended" and seconds is not None else ""


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
        self.scripts = self._scripts = scripts
        self._keys = scripts.keys
        self.limits = scripts.limits
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
            written: the estimate was off, or the job's calendar has changed since it was read.

        Raises:
            Conflict: there are as many jobs as `MAX_JOBS` allows.
            StoreFull: Redis is nearly full.
        """
        fields = _made(record)
        values = [None if (text := fields.get(name)) is None else text.encode() for name in VIEW_FIELDS]
        answer = job_view(record.id, values)
        entry = job_entry("job.create", record.id, None, record.definition)
        saved = self._save(record, fields, "", entry, idempotency, answer if idempotency else b"", estimated=estimated)
        return answer if saved[0] == b"saved" else recalled(saved)

    def add(self, record: JobRecord) -> bool:
        """Store a new job under an id that may be taken.

        Returns:
            False if it is, or if the job's calendar has changed since it was read; then nothing is written.
        """
        entry = job_entry("job.create", record.id, None, record.definition)
        return bool(self._save(record, _made(record), "", entry)[0] == b"saved")

    def replace(self, record: JobRecord, before: JobRecord, restored_from: int | None = None) -> bool:
        """Store a new definition and plan, and keep the former definition as a revision.

        Args:
            record: the job from now on.
            before: the job as it was read.
            restored_from: the revision whose definition it gets again; None for a definition of its own.

        Returns:
            False if the job, or its calendar, has changed since it was read, or is gone.
        """
        action, note = "job.update", None
        if restored_from is not None:
            action, note = "job.restore", f"back to revision {restored_from}"
        dropped = [format_timestamp(at) for at in dropped_edits(before.edits, record.edits)]
        entry = job_entry(action, record.id, before.definition, record.definition, note, dropped)
        fields = stored_fields(record) | {"author": author(record.revision, restored_from)}
        return bool(self._save(record, fields, str(before.revision), entry, before=before)[0] == b"saved")

    def _save(
        self, record: JobRecord, fields: Mapping[str, str | None], read_revision: str, entry: Entry,
        idempotency: Idempotency | None = None, answer: bytes = b"", *, estimated: bool = False,
        before: JobRecord | None = None,
    ) -> Any:  # fmt: skip
        if (version := _version(record)) > (FIRST if before is None else _version(before)):
            require_schedulers(self._scripts, version)
        writer = str(secrets.randbits(31))  # a small integer takes the least room
        present = [part for name, value in fields.items() if value is not None for part in (name, value)]
        absent = [name for name, value in fields.items() if value is None] if read_revision else []
        saved = self._scripts.run(
            "save_job", record.id, read_revision, orjson.dumps([*present, "writer", writer]), orjson.dumps(absent),
            fields["enabled"] or "0", fields["next_due"] or "",
            *(idempotency or NO_KEY).arguments(), answer, record.created_at if estimated else "", writer,
            entry.text, delete_after(record), record.plan.calendar or "",
            *(("", "") if before is None else (before.edits.stamp, edit_changes(before.edits, record.edits))),
        )  # fmt: skip
        refuse_job(self._scripts, saved)
        if saved[0] == b"saved":
            entry.log(after=record.revision)
        if saved[0] in (b"saved", b"untimely"):
            self.clock_estimate.note(int(saved[-1]))
        return saved

    def require_room(self, new: int) -> None:
        """Refuse so many new jobs before the first one is created; see `service.store.quotas`."""
        require_room_for_jobs(self._scripts, new)

    def delete(self, job_id: str, revisions: Collection[int] = ()) -> bool | None:
        """Delete a job and all its data, if it is at one of `revisions` (any, if these are empty).

        Returns:
            True; False if there is no such job; None if it is at another revision.
        """
        entry = entry_of("job.delete", job_id)
        answer = int(self._scripts.run("delete_job", job_id, entry.text, *revisions))
        if answer > 0:
            entry.log()
        return None if answer < 0 else bool(answer)

    def delete_ended(self, count: int) -> list[str]:
        """Delete up to so many jobs that ended as long ago as their options say. Return their ids."""
        return [job_id.decode(errors="replace") for job_id in self._scripts.run("delete_ended", count)]

    def get(self, job_id: str) -> JobRecord | None:
        """Read one job, or None.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        (answer,) = ask(self._scripts, ("HGETALL", self._keys.job(job_id)))
        if isinstance(answer, Exception):
            raise UnreadableJob("it is no hash")
        fields = pairs(answer)
        return with_edits(self._scripts, read_job(job_id, fields)) if fields else None

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
            found = [Position(int(score), member.decode(errors="replace")) for member, score in rows]
            if position:
                found = [place for place in found if place > position]
            if len(found) >= count or len(rows) < window:
                return found[:count]
            wanted *= 2

    def scan(self, chunk: int = AT_ONCE) -> Iterator[list[tuple[str, Mapping[bytes, bytes]]]]:
        """Yield all jobs in the order of their creation, `chunk` at a time."""
        position: Position | None = None
        while page := self.ids_after(position, chunk):
            ids = [p.job_id for p in page]
            yield list(zip(ids, self.get_many(ids), strict=True))
            position = page[-1]

    def counts_of(self, choice: JobChoice) -> tuple[int, int]:
        """Count the jobs that a choice takes, and the enabled ones, by reading all jobs, `AT_ONCE` at a time."""
        enabled = []
        position: Position | None = None
        while page := self.ids_after(position, AT_ONCE):
            keys = [self._keys.job(place.job_id) for place in page]
            for answer in ask_packed(self._scripts, hash_fields(keys, ("bot_type", "labels", "enabled"))):
                marks = marks_of(*answer[:2]) if isinstance(answer, list) else None
                if marks is not None and choice.takes(*marks):
                    enabled.append(answer[2] == b"1")
            position = page[-1]
        return len(enabled), sum(enabled)

    def counts(self) -> tuple[int, int]:
        """Count the jobs, and the enabled ones."""
        total, enabled = ask(self._scripts, ("ZCARD", self._keys.jobs), ("GET", self._keys.enabled_jobs))
        return int(total), enabled_jobs(enabled)
