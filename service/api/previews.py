"""The routes that tell when a schedule would fire; nothing is stored."""

from __future__ import annotations

import falcon

from service.api import query
from service.api.access import BY_KEY
from service.api.body import read_object
from service.api.protocols import Jobs


class Preview:
    """`/scheduler/preview`"""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The next occurrences of the schedule in the body."""
        resp.media = self._jobs.preview(read_object(req))


class JobPreview:
    """`/scheduler/jobs/{job_id}/preview`"""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """The next `count` (1–1000, 10 unless told) occurrences of the job after `from` (now unless told)."""
        count = query.integer(req, "count", low=1, high=1000, default=10)
        resp.media = self._jobs.preview_job(job_id, from_=query.text(req, "from"), count=count)

    on_head = on_get
