"""The place where the process that carries out a run hears of the run's requests, to trace them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import httpx

UNTOLD = "untold"
"""A request with this among its extensions: its address, or a part of it, is secret."""


class RequestHook(Protocol):
    """Sends a request, and may note it."""

    def __call__(self, request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        """Send a request.

        Args:
            request: it may get further headers.
            send: sends it.

        Returns:
            What `send` returns; it raises what `send` raises.
        """


hook: RequestHook | None = None
"""Of the one run that this process carries out; None for nobody. A thread that a bot starts has it too."""


def set_hook(its: RequestHook | None) -> None:
    """Set who hears of the requests of this process."""
    global hook
    hook = its
