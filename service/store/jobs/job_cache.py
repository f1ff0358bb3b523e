"""Cache of job views, invalidated by Redis client tracking.

Clients ask for lists over and over, while few of a thousand jobs change in between. Redis remembers which keys a
connection has read, and sends a message on that connection when one of them changes (CLIENT TRACKING); the message
removes the job from the cache. Messages and answers arrive in the order of the changes. So a list starts by asking for
the ids on that connection: when they arrive, the messages of all earlier changes have arrived, too. A list is never
older than its request.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from service.store.jobs.job_views import VIEW_FIELDS, job_view
from service.store.scripts import Scripts
from service.store.server.asking import WRONG_TYPE, Ask, hash_fields
from service.store.server.exchange import packed

log = logging.getLogger(__name__)

KEPT = 5_000
"""Most jobs in the cache: some 5 MB. Further jobs are read each time."""
KEPT_BYTES = 8 * 1024
"""The longest view in the cache."""
CONNECTIONS = 3
"""The cache reserves one connection of a process; a process with fewer connections has no cache."""

Found = TypeVar("Found")
_TOLD = object()


class JobCache:
    """Job views, and the connection on which Redis reports changes.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys.job("").encode()
        self._kept: dict[bytes, bytes] = {}
        self._changed: set[bytes] = set()
        self._connection: Any = None
        self._follows = False
        self._times_back = 0
        self._lock = threading.Lock()
        self.refused = getattr(scripts.client.connection_pool, "max_connections", 0) < CONNECTIONS
        """Whether Redis or the client's settings rule the cache out. If so, read without it."""

    def show(self, find: Callable[[Ask], tuple[Found, Sequence[bytes]]]) -> tuple[Found, list[bytes | None]] | None:
        """Find jobs and return their views.

        Args:
            find: asks Redis for their ids, in one round trip; called again if the connection broke.

        Returns:
            The result of `find`, and the views, JSON, with None in the place of a job that is gone or damaged. None if
            there is no cache.

        Raises:
            StoreUnavailable: Redis is away.
        """

        def attempt() -> tuple[Found, list[bytes | None]] | None:
            with self._lock:
                try:
                    return self._show(find) if self._connect() else None
                except BaseException:
                    self._drop()
                    raise

        return None if self.refused else self._scripts.ask(attempt)

    def _show(self, find: Callable[[Ask], tuple[Found, Sequence[bytes]]]) -> tuple[Found, list[bytes | None]]:
        if self._times_back != self._scripts.data.times_back:
            # The cache belongs to an earlier state of the data, whatever Redis has reported.
            self._times_back = self._scripts.data.times_back
            self._drop()
            self._connection.connect()
        found, ids = find(self._ask)
        self._forget_changed()
        jobs = {job_id: self._kept.get(self._key + job_id) for job_id in ids}
        missing = [job_id.decode() for job_id, job in jobs.items() if job is None]
        answers = self._exchange(hash_fields([self._scripts.keys.job(job_id) for job_id in missing], VIEW_FIELDS))
        for job_id, values in zip(missing, answers, strict=True):
            jobs[job_id.encode()] = job = _shown(job_id, values)
            if job is not None and len(job) <= KEPT_BYTES and len(self._kept) < KEPT:
                self._kept[self._key + job_id.encode()] = job
        # Redis has reported changes during the read in between.
        self._forget_changed()
        return found, [jobs[job_id] for job_id in ids]

    def _forget_changed(self) -> None:
        for key in self._changed:
            self._kept.pop(key, None)
        self._changed.clear()

    # the connection

    def _connect(self) -> bool:
        if self._connection is None:
            pool = self._scripts.client.connection_pool
            self._connection = pool.get_connection()
            self._connection.register_connect_callback(self._follow)
            self._connection.disconnect()
        if not self._follows:
            self._connection.connect()
        if self.refused:
            self._connection.deregister_connect_callback(self._follow)
            self._scripts.client.connection_pool.release(self._connection)
            self._connection = None
        return self._follows

    def _follow(self, connection: Any) -> None:
        """Start over on a new connection, on which Redis reports nothing about earlier reads; redis-py calls this."""
        self._kept, self._changed, self._follows = {}, set(), False
        try:
            connection._parser.set_invalidation_push_handler(self._note)
            connection.send_packed_command([packed("CLIENT", "TRACKING", "ON")])
            connection.read_response()
            self._follows = connection.protocol == 3
        except (ResponseError, AttributeError) as error:
            log.info("Redis does not report changes (%s); every list is read completely", error)
        self.refused = not self._follows

    def _drop(self) -> None:
        self._kept, self._changed, self._follows = {}, set(), False
        if self._connection is not None:
            self._connection.disconnect()

    def _note(self, message: Sequence[Any]) -> object:
        """Note a message of Redis: the keys that changed; None for all keys."""
        if message[1] is None:
            self._changed.update(self._kept)
        else:
            self._changed.update(message[1])
        return _TOLD

    def _ask(self, *commands: Sequence[str | bytes | int | float]) -> list[Any]:
        answers = self._exchange([packed(*command) for command in commands])
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def _exchange(self, commands: Sequence[bytes]) -> list[Any]:
        if commands:
            self._connection.send_packed_command([b"".join(commands)])
        return [self._answer() for _ in commands]

    def _answer(self) -> Any:
        while True:
            try:
                answer = self._connection.read_response(push_request=True)
            except ResponseError as error:
                if str(error).startswith(WRONG_TYPE):
                    return error
                raise
            if answer is not _TOLD:
                return answer


def _shown(job_id: str, values: Any) -> bytes | None:
    try:
        return job_view(job_id, values)
    except (ValueError, TypeError):
        return None
