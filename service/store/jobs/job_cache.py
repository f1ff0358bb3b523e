"""Cache of job views, of which Redis reports changes (`service.store.server.tracked`).

Clients ask for lists over and over, while few of a thousand jobs change in between. A list starts by asking for the ids
on the connection that reports changes, so it is never older than its request.

The cache lives on the event loop of a web process, and the connection is its lists' own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from service.batches import batched
from service.store.jobs.job_views import VIEW_FIELDS, job_view
from service.store.jobs.paused import stored_texts
from service.store.scripts import Scripts
from service.store.server.asking import WRONG_TYPE, Ask, hash_fields
from service.store.server.exchange import packed
from service.store.server.tracked import Tracked

KEPT = 5_000
"""Most jobs in the cache: some 5 MB. Further jobs are read each time."""
KEPT_BYTES = 8 * 1024
"""The longest view in the cache."""

READ_AT_ONCE = 200
"""Jobs to read and show at once, so that the event loop serves others in between."""

Found = TypeVar("Found")
Find = Callable[[Ask], tuple[Found, Sequence[bytes]]]
"""Asks Redis for the ids of jobs."""
Answer = tuple[Found, list[bytes | None], Sequence[bytes]]
"""What was found, views of the jobs, and the stored pauses."""


class JobCache(Tracked):
    """Job views, and the connection on which Redis reports changes.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        super().__init__(scripts)
        self._key = scripts.keys.job("").encode()
        self._pauses_key = scripts.keys.pauses.encode()
        self._pauses: Sequence[bytes] | None = None
        self._kept: dict[bytes, bytes] = {}

    def show(self, find: Find[Found]) -> Answer[Found] | None:
        """Find jobs and return their views.

        Args:
            find: asks Redis for their ids, in one round trip; called again if the connection broke.

        Returns:
            The result of `find`; the views, JSON, with None in the place of a job that is gone or damaged; and the
            stored pauses. None if there is no cache.

        Raises:
            StoreUnavailable: Redis is away.
        """
        return self.reading(partial(self._show, find))

    def forget(self, key: bytes | None) -> None:
        """Drop the view of a job, or the pauses; None: all."""
        if key is None:
            self._kept.clear()
        else:
            self._kept.pop(key, None)
        if key in (None, self._pauses_key):
            self._pauses = None

    def _show(self, find: Find[Found]) -> Answer[Found] | None:
        found, ids = find(self.ask)
        return None if self.refused else (found, self._views(ids), self._known_pauses())

    def _views(self, ids: Sequence[bytes]) -> list[bytes | None]:
        jobs = {job_id: self._kept.get(self._key + job_id) for job_id in ids}
        for missing in batched([job_id for job_id, job in jobs.items() if job is None], READ_AT_ONCE):
            before = self.now
            for job_id, values in zip(missing, self._read(missing), strict=True):
                jobs[job_id] = job = _shown(job_id.decode(errors="replace"), values)
                if job is not None:
                    self._keep(self._key + job_id, job, before)
        return [jobs[job_id] for job_id in ids]

    def _read(self, ids: Sequence[bytes]) -> list[Any]:
        keys = [self.scripts.keys.job(job_id.decode(errors="replace")) for job_id in ids]
        return self.ask_tracked(hash_fields(keys, VIEW_FIELDS))

    def _known_pauses(self) -> Sequence[bytes]:
        """Return the stored pauses; read only if they have changed since."""
        if self._pauses is not None:
            return self._pauses
        before = self.now
        pauses = stored_texts(self.ask_tracked([packed("HVALS", self._pauses_key)])[0])
        if self.is_current(self._pauses_key, before):
            self._pauses = pauses
        return pauses

    def _keep(self, key: bytes, job: bytes, before: int) -> None:
        """Keep a view, unless Redis has reported a change of the job since it was asked."""
        if len(job) <= KEPT_BYTES and len(self._kept) < KEPT and self.is_current(key, before):
            self._kept[key] = job


def _shown(job_id: str, values: Any) -> bytes | None:
    if isinstance(values, ResponseError) and not str(values).startswith(WRONG_TYPE):
        raise values
    try:
        return job_view(job_id, values)
    except (ValueError, TypeError):
        return None
