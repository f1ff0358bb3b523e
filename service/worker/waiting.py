"""The work horse's wait for the next run: BLMOVE from RQ's queue to its intermediate list, on the horse's connection.

So Redis wakes the horse itself. A request to take no further run wakes it, too: the connection is closed then, so that
Redis pops nothing more for it. An id popped at that very moment is in the intermediate list, where the reaper finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep  # as it is now: a bot may put another in its place
from typing import Any

from redis import Redis
from redis.exceptions import TimeoutError

from service.store.keys import Keys
from service.store.server.exchange import execute, packed
from service.store.server.translation import translate_errors

WAIT_SECONDS = 3
"""How long Redis waits for a run at a time: less than the horse's connection waits for an answer."""
LATE_SECONDS = 2.0
"""So much later than that the answer may come."""
SUSPENDED_SECONDS = 1.0
"""Seconds between two looks whether RQ's workers are still suspended."""


class _Woken(BaseException):
    """Raised in a wait by a request to take no further run."""


class QueueWait:
    """Waits, and can be woken for good.

    Args:
        client: the horse's connection.
        keys: the installation's key names.
    """

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._suspended = keys.rq_suspended
        # Redis answers both at once, so a suspension that came before the pop is always seen.
        pop = packed("BLMOVE", keys.rq_queue, keys.rq_intermediate, "LEFT", "RIGHT", WAIT_SECONDS)
        self._pop = pop + packed("EXISTS", keys.rq_suspended)
        self.is_over = False
        self._waiting = False

    def wake(self) -> None:
        """End the wait, and all further ones; call this from a signal handler."""
        self.is_over = True
        if self._waiting:
            self._waiting = False
            raise _Woken

    def rest(self, seconds: float) -> None:
        """Sleep, unless woken."""
        try:
            with self._wakeable():
                sleep(seconds)
        except _Woken:
            pass

    def pop(self) -> tuple[str, bool] | None:
        """Wait for a run a while, and while RQ's workers are suspended.

        Returns:
            The run's id, which is in the intermediate list now, and whether RQ's workers are suspended, so that it must
            be put back. None if no run came, or the wait was ended.

        Raises:
            StoreUnavailable: Redis is away.
        """
        with translate_errors():
            if execute(self._client, "EXISTS", self._suspended):
                self.rest(SUSPENDED_SECONDS)
                return None
            pool = self._client.connection_pool
            connection: Any = pool.get_connection()
            try:
                return self._pop_on(connection)
            except BaseException:
                connection.disconnect()
                raise
            finally:
                pool.release(connection)

    def _pop_on(self, connection: Any) -> tuple[str, bool] | None:
        connection.send_packed_command([self._pop])
        if not self._is_answered(connection):
            connection.disconnect()
            return None
        popped, suspended = connection.read_response(), connection.read_response()
        return None if popped is None else (popped.decode(errors="replace"), bool(suspended))

    def _is_answered(self, connection: Any) -> bool:
        """Wait for the answer. Return False if the wait was ended first."""
        try:
            with self._wakeable():
                if connection.can_read(WAIT_SECONDS + LATE_SECONDS):
                    return True
        except _Woken:
            return bool(connection.can_read(0))
        raise TimeoutError("Timeout reading from socket")

    @contextmanager
    def _wakeable(self) -> Iterator[None]:
        self._waiting = True
        try:
            if self.is_over:
                raise _Woken
            yield
        finally:
            self._waiting = False
