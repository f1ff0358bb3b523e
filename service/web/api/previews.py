"""Routes that preview when a schedule fires. They store nothing."""

from __future__ import annotations

import falcon

from service.usecases.jobs import Jobs
from service.web.api.limits import PREVIEW_COUNT
from service.web.http import query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object


class Preview:
    """`/scheduler/preview`."""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return the next occurrences of the schedule in the body."""
        resp.media = self._jobs.preview(read_object(req))


class JobPreview:
    """`/scheduler/jobs/{job_id}/preview`."""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Return the next `count` occurrences of the job after `from`, which is now by default."""
        resp.media = self._jobs.preview_job(job_id, from_=query.text(req, "from"), count=PREVIEW_COUNT.read(req))

    on_head = on_get
