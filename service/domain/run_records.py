"""Runs: the claim of one, its outcome, and the retry that follows."""

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
    """Return the ids beside log lines about a run: its job, itself, its occurrence, the request that asked for it."""
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
        token: proves to the scripts that the run is this claim's.
        started_at: ms.
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
        """The ids beside log lines about the run, see `ids_of`."""
        return ids_of(self.run)

    @cached_property
    def record(self) -> JobRecord:
        """The job, parsed.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        return read_job(self.job)


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
        status: `success`, `failed` or `cancelled`.
        error: what went wrong, for people; None for a success.
        result: the bot's result, JSON-ready.
        final: a failure that has no retry, whatever the job's options say.
        wait_seconds: the least wait before a retry, ≥ 0.
        news: news for people, by the digest of the key under which each is reported once.
    """

    status: str
    error: str | None = None
    result: dict[str, Any] | None = None
    final: bool = False
    wait_seconds: float = 0.0
    news: Mapping[str, str] = field(default_factory=dict)
