"""Threads for work that would hold the event loop up: long computations, templates, files, blocking connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Generic, ParamSpec, TypeVar

from service.errors import ServiceError
from service.interleaving import NeedsThread, in_thread, interleaved

P = ParamSpec("P")
T = TypeVar("T")
Source = TypeVar("Source")


class Busy(ServiceError):
    """Too many requests of one kind are under way; there will be room soon."""


class Admission:
    """A limit on requests of one kind that are under way.

    Args:
        most: how many there may be at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._requests = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a request in while the block lasts.

        Raises:
            Busy: there are too many.
        """
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Count a request in. Raises Busy if there are too many."""
        if self._requests >= self._most:
            raise Busy("Too many requests of this kind are waiting; try again soon")
        self._requests += 1

    def leave(self) -> None:
        """Count a request out."""
        self._requests -= 1


class Pool(Admission):
    """Some threads, and a queue of limited length before them.

    Args:
        name: the threads' name.
        threads: how many there are. Each may hold a connection to Redis.
        waiting: how many requests may wait for a thread.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        super().__init__(threads + waiting)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Make a call in one of the threads.

        Args:
            call: the call.
            args: its arguments.
            options: its named arguments.

        Returns:
            The call's result. It raises what the call raises.

        Raises:
            Busy: the queue is full.
        """
        with self.admitted():
            return await self.go_on(call, *args, **options)

    async def run_if_long(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Make a call on the event loop; if it comes to work that is too long for that, again in one of the threads.

        Args:
            call: the call. It changes nothing before it knows (`service.interleaving.leave_loop_if`).
            args: its arguments.
            options: its named arguments.

        Returns:
            The call's result. It raises what the call raises.

        Raises:
            Busy: a thread is needed, and the queue is full.
        """
        try:
            return await interleaved(call, *args, **options)
        except NeedsThread:
            return await self.run(call, *args, **options)

    def go_on(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> Awaitable[T]:
        """Make a call for a request that is admitted already. Return an awaitable of its result."""
        return in_thread(self._executor, partial(call, *args, **options))

    def close(self) -> None:
        """Let the threads end when their calls are done."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class PooledResource(Generic[Source]):
    """Base of resources whose use cases run in a pool's threads. A subclass declares its own `access`.

    Args:
        source: the use cases that answer.
        pool: the threads.
    """

    def __init__(self, source: Source, pool: Pool) -> None:
        self._source = source
        self._pool = pool
