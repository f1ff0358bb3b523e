"""Reads what the lists are made of as soon as a web process serves, so that nobody waits for the first list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from service.errors import ServiceError
from service.interleaving import in_thread
from service.store.server.connection import ClientError

log = logging.getLogger(__name__)

BEGIN_SECONDS = 0.5
"""What is asked for at once comes first, and a process that ends at once reads nothing."""


class Warming:
    """Falcon middleware that reads once, when the process begins to serve, what its lists remember.

    Args:
        reads: the reads, the most needed first. If one fails, the others are left to the requests.
    """

    def __init__(self, reads: Sequence[Callable[[], object]] = ()) -> None:
        self._reads = reads
        self._task: asyncio.Task[None] | None = None

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Begin to read, beside the first requests."""
        self._task = asyncio.create_task(self._read())

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """End after the read under way."""
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        await asyncio.sleep(BEGIN_SECONDS)
        for read in self._reads:
            try:
                await in_thread(None, read)
            except (ServiceError, ClientError) as error:
                log.debug("Lists are read when they are asked for: %s", error)
                return
