"""The actions of a batch, each for one job: the use cases of single jobs, or in a dry run their checks alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from service.domain.batches.request import BatchRequest
from service.domain.job import JobDefinition
from service.usecases.batches.results import Result
from service.usecases.jobs import Jobs
from service.usecases.runs_by_hand import RunsByHand


class Actions:
    """Carries one request out, job by job.

    Args:
        jobs: the use cases of jobs.
        runs: the use cases of runs.
        asked: the request.
        key: the request's Idempotency-Key.
    """

    def __init__(self, jobs: Jobs, runs: RunsByHand, asked: BatchRequest, key: str | None) -> None:
        self._jobs = jobs
        self._runs = runs
        self._asked = asked
        # A run of one job is asked for by a key of its own: the same key may stand in a request for this job alone.
        self._key = None if key is None else f"batch\n{key}"

    def act(self, job_id: str) -> Result:
        """Do it for one job.

        Raises:
            ServiceError: as the request for this job alone would be refused.
        """
        match self._asked.action:
            case "run":
                return self._run(job_id)
            case "again":
                return self._again(job_id)
            case "delete":
                return self._delete(job_id)
            case _:
                return self._change(job_id, self._changed)

    def _changed(self, job: JobDefinition) -> JobDefinition:
        if self._asked.action == "label":
            return self._jobs.updated(job, {"labels": self._asked.relabelled(job.labels)})
        return replace(job, enabled=self._asked.action == "enable")

    def _change(self, job_id: str, change: Callable[[JobDefinition], JobDefinition]) -> Result:
        make = self._jobs.prospect if self._asked.dry_run else self._jobs.replaced
        before, after = make(job_id, change)
        if after is before:
            return Result(job_id, 200, "unchanged", {"revision": after.revision})
        return Result(job_id, 200, facts={} if self._asked.dry_run else {"revision": after.revision})

    def _delete(self, job_id: str) -> Result:
        if self._asked.dry_run:
            self._runs.require_job(job_id)
        else:
            self._jobs.delete(job_id)
        return Result(job_id, 204)

    def _run(self, job_id: str) -> Result:
        if self._asked.dry_run:
            self._runs.require_job(job_id)
            return Result(job_id, 202)
        return Result(job_id, 202, facts={"run_ids": [self._runs.run_now(job_id, None, self._key)]})

    def _again(self, job_id: str) -> Result:
        if self._asked.dry_run:
            failed = [run.run_id for run, _ in self._runs.failed_since(job_id, self._asked.since)]
            facts = {"again_of": failed}
        else:
            pairs = self._runs.again_failed(job_id, self._asked.since, self._key)
            failed = [its for _, its in pairs]
            facts = {"run_ids": [new for new, _ in pairs], "again_of": failed}
        return Result(job_id, 202, facts=facts) if failed else Result(job_id, 200, "unchanged", facts)
