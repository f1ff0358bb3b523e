"""Routes of revisions and of deleted jobs."""

from __future__ import annotations

import re

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.plain_json import dumps
from service.interleaving import interleaved
from service.usecases.deleted_jobs import Deleted
from service.usecases.revisions import Revisions
from service.web.api.limits import PAGE_LIMIT
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.pools import PooledResource
from service.web.http.rendering import send

_NUMBER = re.compile(r"[1-9][0-9]{0,14}")


class RevisionList:
    """`/scheduler/jobs/{job_id}/revisions`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Return the job's last 50 revisions, newest first; with `diff=7..9` what differs between two of them."""
        asked = query.text(req, "diff")
        if asked is not None:
            send(resp, dumps(await interleaved(self._revisions.difference, job_id, asked)))
            return
        send(resp, (await interleaved(self._revisions.page, job_id)).json)

    on_head = on_get


class OneRevision:
    """`/scheduler/jobs/{job_id}/revisions/{revision}`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions

    async def on_get(self, req: Request, resp: Response, job_id: str, revision: str) -> None:
        """Return the revision with its definition."""
        send(resp, dumps(await interleaved(self._revisions.one, job_id, _number(revision))))

    on_head = on_get


class RestoreRevision(PooledResource[Revisions]):
    """`/scheduler/jobs/{job_id}/revisions/{revision}/restore`."""

    access = BY_KEY.needing(post=Scope.WRITE)

    async def on_post(self, req: Request, resp: Response, job_id: str, revision: str) -> None:
        """Give the job the definition that it had at this revision, as a new revision."""
        number, expected = _number(revision), conditions.revisions(req)
        conditions.send_job(resp, await self._pool.run_if_long(self._source.restore, job_id, number, expected))


class DeletedList:
    """`/scheduler/deleted`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, deleted: Deleted) -> None:
        self._deleted = deleted

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the jobs that were deleted in the last 30 days, last deleted first."""
        limit = PAGE_LIMIT.read(req)
        paging.send_page(req, resp, await interleaved(self._deleted.page, limit, paging.cursor(req)))

    on_head = on_get


class RestoreDeleted(PooledResource[Deleted]):
    """`/scheduler/deleted/{job_id}/restore`."""

    access = BY_KEY.needing(post=Scope.WRITE)

    async def on_post(self, req: Request, resp: Response, job_id: str) -> None:
        """Bring a deleted job back under its id: on or off as it was, planned anew, without its runs."""
        job = await self._pool.run_if_long(self._source.restore, job_id)
        conditions.send_job(resp, job)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"/scheduler/jobs/{job.id}")


def _number(text: str) -> int:
    """Read a revision's number; another text names none."""
    if not _NUMBER.fullmatch(text):
        raise falcon.HTTPNotFound()
    return int(text)
