"""Filter of the runs that the list of all jobs' runs shows.

It is pure: reading, and the look at each job's labels, are `run_views`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.access.labels import EVERY_JOB, JobChoice


@dataclass(frozen=True, slots=True)
class RunFilter:
    """A filter of runs; None accepts any. `since_ms` ≤ time of the request < `until_ms`. `choice` is one of jobs."""

    status: str | None = None
    job_ids: frozenset[str] | None = None
    trigger: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    choice: JobChoice = EVERY_JOB

    @property
    def wants_all(self) -> bool:
        """Whether it accepts every run of every job."""
        return self == RunFilter(choice=self.choice) and self.choice.is_all

    def wants(self, run: Mapping[str, bytes | None]) -> bool:
        """Return whether it accepts a run, by the values of its fields; `choice` is left to the reader."""
        if self.job_ids is not None and (run["job_id"] or b"").decode(errors="replace") not in self.job_ids:
            return False
        for name in ("status", "trigger"):
            asked_for = getattr(self, name)
            if asked_for is not None and run[name] != asked_for.encode("utf-8", "surrogatepass"):
                return False
        queued_at = int(run["queued_at"] or 0)
        return (self.since_ms or 0) <= queued_at and (self.until_ms is None or queued_at < self.until_ms)
