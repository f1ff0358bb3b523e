"""Jobs in Redis: a hash each, listed in the order of their creation, the due ones indexed by time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from service.clock import format_timestamp
from service.models import JobDefinition, Options
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.redis_clock import Reckoning
from service.store.scripts import Scripts
from service.store.shown import SHOWN_FIELDS, shown


class UnreadableJob(Exception):
    """A job's hash does not hold what this service writes; somebody else wrote to it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a job is due next.

    Args:
        anchor: what an interval counts from, epoch seconds.
        next_occurrence: epoch seconds; None if there is none.
        next_due: the same with its jitter, ms.
        state: `scheduled`, `disabled` or `ended`.
        reason: why, where the state asks for one.
    """

    anchor: int
    next_occurrence: int | None
    next_due: int | None
    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is stored: its definition, its plan, and how its last run went. Times are ms."""

    id: str
    revision: int
    definition: JobDefinition
    plan: Plan
    created_at: int
    updated_at: int
    last_decided: int | None = None
    last_run_at: int | None = None
    last_run_status: str | None = None
    last_run_error: str | None = None

    def answer(self) -> dict[str, Any]:
        """The job as the API shows it."""
        return {
            "id": self.id,
            **self.definition.definition_fields(),
            "created_at": _shown(self.created_at),
            "updated_at": _shown(self.updated_at),
            "last_run_at": _shown(self.last_run_at),
            "last_run_status": self.last_run_status,
            "last_run_error": self.last_run_error,
            "next_run_at": _shown(self.plan.next_due),
            "state": self.plan.state,
            "state_reason": self.plan.reason,
            "revision": self.revision,
        }


def _shown(ms: int | None) -> str | None:
    return None if ms is None else format_timestamp(ms // 1000)


def read_job(fields: Mapping[bytes, bytes]) -> JobRecord:
    """Makes a record of a job's hash.

    Raises:
        UnreadableJob: it does not hold what this service writes.
    """
    text = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in fields.items()}
    try:
        return _read(text)
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadableJob(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=8192)
def understood_options(text: str) -> Options:
    """Stored options. Kept, since jobs that were made alike have the same, and nobody changes them."""
    return Options.model_validate_json(text)


def _read(text: Mapping[str, str]) -> JobRecord:
    def number(name: str) -> int | None:
        return int(text[name]) if name in text else None

    enabled = text["enabled"] == "1"
    definition = JobDefinition(
        name=text["name"],
        description=text.get("description"),
        bot_type=text["bot_type"],
        enabled=enabled,
        schedule_type=text["schedule_type"],
        schedule_config=json.loads(text["schedule_config"]),
        bot_config=json.loads(text["bot_config"]),
        options=understood_options(text["options"]),
    )
    state = text.get("state", "scheduled") if enabled or text.get("state") == "broken" else "disabled"
    plan = Plan(
        anchor=int(text["anchor"]),
        next_occurrence=number("next_occurrence"),
        next_due=number("next_due"),
        state=state,
        reason=text.get("state_reason"),
    )
    return JobRecord(
        id=text["id"],
        revision=int(text["revision"]),
        definition=definition,
        plan=plan,
        last_decided=number("last_decided"),
        created_at=int(text["created_at"]),
        updated_at=int(text["updated_at"]),
        last_run_at=number("last_run_at"),
        last_run_status=text.get("last_run_status"),
        last_run_error=text.get("last_run_error"),
    )


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
        # What differs from the defaults: a hash whose values are all short takes a third of the memory.
        "options": options.model_dump_json(exclude_defaults=True),
        # These stand beside the options because scripts read them.
        "disable_after_failures": str(options.disable_after_failures),
        "max_concurrent_runs": str(options.max_concurrent_runs),
        "overlap": options.overlap,
        **plan_fields(plan),
    }


def plan_fields(plan: Plan) -> dict[str, str | None]:
    """The fields of a job's hash that hold its plan; None: the field is not there."""
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
    """Where a page of jobs ended: when its last job was created, µs, and that job's id."""

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
        self.reckoning = Reckoning()
        """Redis' time, of what it last said here."""

    def create(self, record: JobRecord, idempotency: Idempotency | None, *, reckoned: bool) -> bytes | Recalled | None:
        """Stores a new job, and its answer under the Idempotency-Key.

        Args:
            reckoned: whether Redis is to look at `record.created_at`, the time for which the job was planned.

        Returns:
            The job's answer, JSON; or, with nothing written, what the key was answered before, or None: that time is
            to come, or over.
        """
        fields = _fields(record)
        told = {**fields, "enabled": _flag(record.definition.enabled), "revision": str(record.revision)}
        answer = shown(
            record.id, [None if (text := told.get(name)) is None else text.encode() for name in SHOWN_FIELDS]
        )
        saved = self._save(record, fields, "", idempotency, answer if idempotency else b"", "1" if reckoned else "")
        return answer if saved[0] == b"saved" else recalled(saved)

    def add(self, record: JobRecord) -> bool:
        """Stores a new job under an id that may be taken. Returns False if it is; then nothing is written."""
        return bool(self._save(record, _fields(record), "")[0] == b"saved")

    def replace(self, record: JobRecord, read_revision: int) -> bool:
        """Stores a new definition and plan. Returns False if the job has changed since it was read, or is gone."""
        return bool(self._save(record, _fields(record), str(read_revision))[0] == b"saved")

    def _save(
        self, record: JobRecord, fields: Mapping[str, str | None], read_revision: str,
        idempotency: Idempotency | None = None, answer: bytes = b"", reckoned: str = "",
    ) -> Any:  # fmt: skip
        fields = {**fields, "writer": secrets.token_hex(8)}
        present = {name: value for name, value in fields.items() if value is not None}
        absent = [name for name, value in fields.items() if value is None]
        due = "" if record.plan.next_due is None else str(record.plan.next_due)
        saved = self._scripts.run(
            "save_job", record.id, read_revision, orjson.dumps(present), orjson.dumps(absent),
            _flag(record.definition.enabled), due,
            *(idempotency or NO_KEY).arguments(), answer, reckoned, record.revision,
        )  # fmt: skip
        if saved[0] in (b"saved", b"untimely"):
            self.reckoning.note(int(saved[-1]))
        return saved

    def delete(self, job_id: str, revisions: Collection[int] = ()) -> bool | None:
        """Deletes a job and all that is its own, if it is at one of `revisions` (any, if there are none).

        Returns:
            True; False if there is no such job; None if it is at another revision.
        """
        answer = int(self._scripts.run("delete_job", job_id, *revisions))
        return None if answer < 0 else bool(answer)

    def get(self, job_id: str) -> JobRecord | None:
        """One job, or None.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        (fields,) = self._scripts.read(lambda pipe: pipe.hgetall(self._keys.job(job_id)))
        return read_job(fields) if fields else None

    def get_many(self, job_ids: list[str]) -> list[Mapping[bytes, bytes]]:
        """The hashes of several jobs, empty where one is gone, unread so that one damaged job spoils no other."""

        def fill(pipe: Any) -> None:
            for job_id in job_ids:
                pipe.hgetall(self._keys.job(job_id))

        answers = self._scripts.read(fill) if job_ids else []
        return [answer if isinstance(answer, dict) else {} for answer in answers]

    def ids_after(self, position: Position | None, count: int) -> list[Position]:
        """Up to `count` jobs in the order of their creation, after `position`."""
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
        """All jobs in the order of their creation, `chunk` at a time."""
        position: Position | None = None
        while page := self.ids_after(position, chunk):
            ids = [p.job_id for p in page]
            yield list(zip(ids, self.get_many(ids), strict=True))
            position = page[-1]

    def counts(self) -> tuple[int, int]:
        """How many jobs there are, and how many of them are enabled."""
        total, enabled = self._scripts.read(lambda pipe: (pipe.zcard(self._keys.jobs), pipe.scard(self._keys.enabled)))
        return int(total), int(enabled)
