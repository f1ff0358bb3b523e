"""Runs: the claim of one, its outcome, and the retry that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from service.domain.records import JobRecord, read_job
from service.domain.timestamps import format_timestamp

STATUSES = ("queued", "running", "success", "failed", "cancelled", "skipped")
TRIGGERS = ("schedule", "manual", "retry", "backfill", "ping")
LATEST_DAYS = 366
"""How far ahead a run by hand may be asked for, days."""
MOST_LATER = 100
"""The most runs of a job that may await their time."""


def ids_of(run_id: str, run: Mapping[str, str]) -> dict[str, str]:
    """Return the ids beside log lines about a run: its job, itself, its occurrence, the request that asked for it."""
    found = {"job_id": run["job_id"], "run_id": run_id}
    if "scheduled_for" in run:
        found["occurrence"] = format_timestamp(int(run["scheduled_for"]))
    if "request_id" in run:
        found["request_id"] = run["request_id"]
    return found


class JobFields(dict[bytes, bytes]):
    """A job's hash as it was read once. Claims of the same revision share it, with all that was made of it.

    A revision stands for the job's definition. The rest (its last run, its plan) may have changed since.

    Args:
        job_id: the job's id, which only the hash's key says.
        fields: the hash.
    """

    def __init__(self, job_id: str = "", fields: Mapping[bytes, bytes] = MappingProxyType({})) -> None:
        super().__init__(fields)
        self.job_id = job_id

    @cached_property
    def record(self) -> JobRecord:
        """The job, parsed.

        Raises:
            UnreadableJob: the hash is damaged.
        """
        return read_job(self.job_id, self)

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What a worker makes of the job once and needs for each of its runs, by name."""
        return {}


@dataclass(frozen=True)
class Claim:
    """A run that a worker has taken.

    Args:
        run_id: the run.
        token: proves to the scripts that the run is this claim's.
        started_at: ms.
        run: the run's fields; those that a worker needs.
        job: the job's fields; its definition is that of this moment.
    """

    run_id: str
    token: str
    started_at: int
    run: Mapping[str, str]
    job: JobFields

    @cached_property
    def ids(self) -> dict[str, str]:
        """The ids beside log lines about the run, see `ids_of`."""
        return ids_of(self.run_id, self.run)

    @property
    def record(self) -> JobRecord:
        """The job, parsed.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        return self.job.record


@dataclass(frozen=True, slots=True)
class Retry:
    """The run that repeats another one.

    Args:
        run_id: the new run's id.
        attempt: the number of its attempt; the same number again where it does not count.
        delay_ms: its delay.
    """

    run_id: str
    attempt: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run.

    Args:
        status: `success`, `failed`, `cancelled`, or `skipped` by its bot.
        error: what went wrong, for people; None for a success and a skip.
        result: the bot's result, JSON-ready.
        final: a failure that has no retry, whatever the job's options say.
        wait_seconds: the least wait before a retry, ≥ 0.
        news: news for people, by the digest of the key under which each is reported once.
        reason: why the bot skipped it.
        unmet: which fields of the result are not as the job expects, a sentence; None if all are.
    """

    status: str
    error: str | None = None
    result: dict[str, Any] | None = None
    final: bool = False
    wait_seconds: float = 0.0
    news: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    unmet: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a success, or a skip, with nothing to tell people."""
        return self.status in ("success", "skipped") and self.error is None and not (self.news or self.unmet)
