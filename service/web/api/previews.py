"""The routes that tell when a schedule would fire; nothing is stored."""

from __future__ import annotations

import falcon

from service.web.api.protocols import Jobs
from service.web.http import query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object


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
