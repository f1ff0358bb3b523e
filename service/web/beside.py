"""Work of a web process beside its requests: threads that run as long as the process serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from service.interleaving import in_thread


class Part(Protocol):
    """Something that works in a thread of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, within about a second."""


class Beside:
    """Falcon middleware that starts parts when the process begins to serve, after its fork, and ends them.

    Args:
        parts: in the order of their start.
    """

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self._parts = parts

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Start all parts."""
        for part in self._parts:
            part.start()

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """End them, the last one first."""
        for part in reversed(self._parts):
            await in_thread(None, part.stop)
