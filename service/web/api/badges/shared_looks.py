"""Looks at jobs that many strangers ask for: one is worked out for all who ask for the same, and kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from service.web.http.pools import Admission, Busy

KEPT_SECONDS = 5.0
"""How long an answer is given again; caches may show it for longer anyway."""
MOST_KEPT = 50
"""Answers of one process that are kept. A page has up to half a megabyte."""
MOST_AT_ONCE = 20
"""Looks under way of one process. Each may look at 10,000 jobs, in pieces with others' requests between them."""
MOST_OF_AN_OWNER = MOST_AT_ONCE // 2
"""How many of them may be by one key: whoever has an address can ask for as many labels as he likes."""


class SharedLooks:
    """Looks under way, and those just made.

    Args:
        clock: steady seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seats = Admission(MOST_AT_ONCE)
        self._owners: Counter[Hashable] = Counter()
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}
        self._kept: dict[Hashable, tuple[float, Any]] = {}  # the oldest first

    async def look(self, owner: Hashable, about: Hashable, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return what a look finds, or has found just now. It goes on even if the one who asked first hangs up.

        Args:
            owner: whose jobs are looked at: the key, and what it may see.
            about: what is asked.
            call: looks.

        Raises:
            Busy: too many other looks are under way.
            ServiceError: as the look does. A failure is not kept.
        """
        asked = (owner, about)
        made_at, found = self._kept.get(asked, (0.0, None))
        if found is not None and self._clock() < made_at + KEPT_SECONDS:
            return found
        task = self._under_way.get(asked)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._under_way[asked] = asyncio.create_task(self._work(owner, asked, call))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to hear it
        return await asyncio.shield(task)

    async def _work(self, owner: Hashable, asked: Hashable, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            if self._owners[owner] >= MOST_OF_AN_OWNER:
                raise Busy("Too many requests with this key are waiting; try again soon")
            with self._seats.admitted():
                self._owners[owner] += 1
                try:
                    found = await call()
                finally:
                    self._owners[owner] -= 1
                    self._owners += Counter()  # forgets those at 0
        finally:
            del self._under_way[asked]
        self._kept.pop(asked, None)
        self._kept[asked] = (self._clock(), found)
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return found
