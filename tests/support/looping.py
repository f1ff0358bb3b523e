"""An event loop in a thread of its own, on which tests make interleaved calls as the web process does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from service.interleaving import in_thread, interleaved

T = TypeVar("T")

SECONDS = 60
"""The longest that a call may take."""


class Looping:
    """A running event loop, with threads beside it. As a context manager it ends both."""

    def __enter__(self) -> Looping:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._executor = ThreadPoolExecutor(4)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def interleaved(self, call: Callable[..., T], *args: Any) -> T:
        """Make a call on the loop. Return its result."""
        return self._run(interleaved(call, *args))

    def in_thread(self, call: Callable[..., T], *args: Any) -> T:
        """Make a call in a thread that the loop has started. Return its result."""

        async def started() -> T:
            return await in_thread(self._executor, partial(call, *args))

        return self._run(started())

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Make calls on the loop that begin in the same turn of it. Return their results or exceptions."""

        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*map(interleaved, calls), return_exceptions=True)

        return self._run(all_of_them())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)
