"""Claims as the scripts answer them, and the jobs that a worker knows already."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from service.domain.run_records import Claim, JobFields

FIELDS = (
    "id", "started_at", "revision", "job_id", "trigger", "due", "scheduled_for", "bot_type", "attempt", "request_id",
    "rehearsal", "bound", "overlay", "members", "requested_by", "backfill_id",
)  # fmt: skip
"""The fields of a claimed run that a worker needs, in the order of the lines of `lua/shared/claims.lua`, which
leaves the last eight out for a scheduled run, unless it has members."""

MOST_JOBS = 256
"""Jobs that a worker remembers."""


def claimed_run(lines: bytes, worker: str) -> dict[str, str]:
    """Return the fields of a claimed run, from a script's answer: a line each, empty for one that it lacks."""
    values = lines.decode(errors="replace").split("\n", len(FIELDS) - 1)
    run = {name: value for name, value in zip(FIELDS, values, strict=False) if value}
    run["worker"] = worker
    return run


def claim_of(run: dict[str, str], token: str, job: JobFields) -> Claim:
    """Make the claim of a run."""
    return Claim(run["id"], token, int(run["started_at"]), run, job)


def job_of(job_id: str, flat: Sequence[bytes]) -> JobFields:
    """Read a job's hash, which came as a flat list."""
    return JobFields(job_id, dict(zip(flat[::2], flat[1::2], strict=True)))


class KnownJobs:
    """The jobs that a worker had last, each in one revision, so that Redis need not send them with each of their runs.

    Whoever changes a job's definition raises its revision.
    """

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, tuple[str, JobFields]] = OrderedDict()
        self.wants_next = True
        """Whether the next run's job is to come with it: the last one was not known."""

    def find(self, job_id: str, revision: str) -> JobFields | None:
        """Return a job, if it is known in this revision."""
        known = self._jobs.get(job_id)
        self.wants_next = known is None or known[0] != revision
        if known is None or self.wants_next:
            return None
        self._jobs.move_to_end(job_id)
        return known[1]

    def learn(self, revision: str, job: JobFields) -> JobFields:
        """Remember a job, instead of the one whose last run is longest ago."""
        self._jobs[job.job_id] = revision, job
        self._jobs.move_to_end(job.job_id)
        if len(self._jobs) > MOST_JOBS:
            self._jobs.popitem(last=False)
        return job
