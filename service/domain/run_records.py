"""Runs as they are stored: who claimed one, how it ended, and the retry that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from service.domain.records import JobRecord, read_job
from service.domain.timestamps import format_timestamp

STATUSES = ("queued", "running", "success", "failed", "cancelled", "skipped")
TRIGGERS = ("schedule", "manual", "retry")


def ids_of(run: Mapping[str, str]) -> dict[str, str]:
    """What log lines about a run have beside them: the job, the run, its occurrence, the request that asked for it."""
    found = {"job_id": run["job_id"], "run_id": run["id"]}
    if "scheduled_for" in run:
        found["occurrence"] = format_timestamp(int(run["scheduled_for"]))
    if "request_id" in run:
        found["request_id"] = run["request_id"]
    return found


@dataclass(frozen=True)
class Claim:
    """A run that a worker has taken.

    Args:
        run_id: the run.
        token: proves that it is this claim's, also to the scripts.
        started_at: when, ms.
        run: the run's fields.
        job: the job's fields at that moment.
    """

    run_id: str
    token: str
    started_at: int
    run: Mapping[str, str]
    job: Mapping[bytes, bytes]

    @cached_property
    def ids(self) -> dict[str, str]:
        """What log lines about the run have beside them, see `ids_of`."""
        return ids_of(self.run)

    @cached_property
    def record(self) -> JobRecord:
        """The job, understood.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        return read_job(self.job)


@dataclass(frozen=True, slots=True)
class Retry:
    """A run to be made of this one's failure.

    Args:
        run_id: the new run's id.
        attempt: which attempt it is; the same number again where it does not count.
        delay_ms: how long it waits first.
    """

    run_id: str
    attempt: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Args:
        status: `success`, `failed` or `cancelled`.
        error: what went wrong, for people; None for a success.
        result: what the bot returned, JSON-ready.
        final: a failure that is not to be tried again, whatever the job's options say.
        wait_seconds: how long a retry waits at least, ≥ 0.
        news: what people are to be told, by the digest of the key under which it is told once.
    """

    status: str
    error: str | None = None
    result: dict[str, Any] | None = None
    final: bool = False
    wait_seconds: float = 0.0
    news: Mapping[str, str] = field(default_factory=dict)
