"""Cache of job views, invalidated by Redis client tracking.

Clients ask for lists over and over, while few of a thousand jobs change in between. Redis remembers which keys a
connection has read, and sends a message on that connection when one of them changes (CLIENT TRACKING); the message
removes the job from the cache. Messages and answers arrive in the order of the changes. So a list starts by asking for
the ids on that connection: when they arrive, the messages of all earlier changes have arrived, too. A list is never
older than its request.

The cache lives on the event loop of a web process, and the connection is its lists' own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from service.batches import batched
from service.interleaving import has_loop, is_interleaved, on_loop
from service.store.jobs.job_views import VIEW_FIELDS, job_view
from service.store.jobs.paused import stored_texts
from service.store.scripts import Scripts
from service.store.server.asking import WRONG_TYPE, Ask, hash_fields
from service.store.server.connection import WebRedis
from service.store.server.exchange import exchange, packed

log = logging.getLogger(__name__)

KEPT = 5_000
"""Most jobs in the cache: some 5 MB. Further jobs are read each time."""
KEPT_BYTES = 8 * 1024
"""The longest view in the cache."""

TRACKING = packed("CLIENT", "TRACKING", "ON", "OPTIN")
_TRACKED = packed("CLIENT", "CACHING", "YES")
"""Has Redis report changes of the keys that the next command reads."""

READ_AT_ONCE = 200
"""Jobs to read and show at once, so that the event loop serves others in between."""

Found = TypeVar("Found")
Find = Callable[[Ask], tuple[Found, Sequence[bytes]]]
"""Asks Redis for the ids of jobs."""
Answer = tuple[Found, list[bytes | None], Sequence[bytes]]
"""What was found, views of the jobs, and the stored pauses."""


class JobCache:
    """Job views, and the connection on which Redis reports changes.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        client = scripts.client
        self.scripts = scripts
        """The scripts on the connection of the lists."""
        self.refused = not isinstance(client, WebRedis)
        """Whether the client or Redis rules the cache out. If so, read without it."""
        if isinstance(client, WebRedis):
            self.scripts = scripts.on_line(
                client.beside(greeting=[TRACKING], greeted=self._start_over, push=self._note)
            )
        self._key = scripts.keys.job("").encode()
        self._pauses_key = scripts.keys.pauses.encode()
        self._pauses: Sequence[bytes] | None = None
        self._kept: dict[bytes, bytes] = {}
        self._changes = 0
        self._changed: dict[bytes, int] = {}
        self._all_changed = 0
        self._readers = 0
        self._times_back = 0

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
        if self.refused or not has_loop():
            return None
        if not is_interleaved():
            return on_loop(self.show, find)
        return self.scripts.ask(partial(self._show, find))

    def _show(self, find: Find[Found]) -> Answer[Found] | None:
        self._readers += 1
        try:
            found, ids = find(self._ask)
            self._forget_after_loss()
            return None if self.refused else (found, self._views(ids), self._known_pauses())
        finally:
            self._readers -= 1
            if not self._readers:
                self._changed.clear()

    def _views(self, ids: Sequence[bytes]) -> list[bytes | None]:
        jobs = {job_id: self._kept.get(self._key + job_id) for job_id in ids}
        for missing in batched([job_id for job_id, job in jobs.items() if job is None], READ_AT_ONCE):
            before = self._changes
            for job_id, values in zip(missing, self._read(missing), strict=True):
                jobs[job_id] = job = _shown(job_id.decode(errors="replace"), values)
                if job is not None:
                    self._keep(self._key + job_id, job, before)
        return [jobs[job_id] for job_id in ids]

    def _read(self, ids: Sequence[bytes]) -> list[Any]:
        questions = hash_fields([self.scripts.keys.job(job_id.decode(errors="replace")) for job_id in ids], VIEW_FIELDS)
        return exchange(self.scripts.client, [part for each in questions for part in (_TRACKED, each)])[1::2]

    def _known_pauses(self) -> Sequence[bytes]:
        """Return the stored pauses; read only if they have changed since."""
        if self._pauses is not None:
            return self._pauses
        before = self._changes
        question = packed("HVALS", self._pauses_key)
        pauses = stored_texts(exchange(self.scripts.client, [_TRACKED, question])[1])
        if max(self._changed.get(self._pauses_key, 0), self._all_changed) <= before:
            self._pauses = pauses
        return pauses

    def _keep(self, key: bytes, job: bytes, before: int) -> None:
        """Keep a view, unless Redis has reported a change of the job since it was asked."""
        changed = max(self._changed.get(key, 0), self._all_changed)
        if len(job) <= KEPT_BYTES and len(self._kept) < KEPT and changed <= before:
            self._kept[key] = job

    def _forget_after_loss(self) -> None:
        """Forget everything if the data went back: the cache belongs to an earlier state, whatever Redis reports."""
        if self._times_back != self.scripts.data.times_back:
            self._times_back = self.scripts.data.times_back
            self._note([b"invalidate", None])

    def _start_over(self, answers: list[Any]) -> None:
        """Start empty on a new connection, on which Redis reports nothing about earlier reads."""
        self._note([b"invalidate", None])
        (answer,) = answers
        self.refused = isinstance(answer, ResponseError)
        if self.refused:
            log.info("Redis does not report changes (%s); every list is read completely", answer)

    def _note(self, message: list[Any]) -> None:
        """Note a message of Redis: the keys that changed; None for all keys."""
        self._changes += 1
        if message[1] is None:
            self._kept.clear()
            self._pauses = None
            self._all_changed = self._changes
            return
        for key in message[1]:
            self._kept.pop(key, None)
            if key == self._pauses_key:
                self._pauses = None
            if self._readers:
                self._changed[key] = self._changes

    def _ask(self, *commands: Sequence[str | bytes | int | float]) -> list[Any]:
        answers = exchange(self.scripts.client, [packed(*command) for command in commands])
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers


def _shown(job_id: str, values: Any) -> bytes | None:
    if isinstance(values, ResponseError) and not str(values).startswith(WRONG_TYPE):
        raise values
    try:
        return job_view(job_id, values)
    except (ValueError, TypeError):
        return None
