"""The stop of this process, as its event loop learns of it: streams and waits end early then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator


class Stopping:
    """Whether this process has been asked to end. Use it on the event loop, except for `begin`."""

    def __init__(self) -> None:
        self._begun = False
        self._calls: dict[Callable[[], None], asyncio.AbstractEventLoop] = {}

    def is_set(self) -> bool:
        """Tell whether this process ends. It takes no more connections then, and answers the requests under way."""
        return self._begun

    def begin(self) -> None:
        """Tell all who wait. A signal handler may call this, and more than once."""
        if self._begun:
            return
        self._begun = True
        for call, loop in list(self._calls.items()):
            loop.call_soon_threadsafe(call)

    @contextlib.contextmanager
    def told_to(self, call: Callable[[], None]) -> Iterator[None]:
        """Have `call` called on the loop when the stop begins, or soon if it has begun, as long as the block lasts."""
        loop = asyncio.get_running_loop()
        self._calls[call] = loop
        if self._begun:
            loop.call_soon(call)
        try:
            yield
        finally:
            del self._calls[call]

    async def wait(self) -> None:
        """Wait until the stop begins."""
        begun = asyncio.Event()
        with self.told_to(begun.set):
            await begun.wait()

    def forget(self) -> None:
        """Go on as if no stop had begun; for tests, which share one process."""
        self._begun = False


STOPPING = Stopping()
"""The stop of this process."""
