"""Watch over a client that is being answered: it may hang up while the answer still waits for something to tell.

ASGI tells that by `http.disconnect` alone. Sending to a client that has gone is no error, and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from falcon.asgi import Request

from service.web.http.incoming import BodyBrokenOff, BodyLate

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
"""The `receive` of a request, as the server gives it."""


def receive_of(req: Request) -> Receive:
    """Return a request's `receive`, which Falcon shows to nobody."""
    return req._receive


def when_gone(receive: Receive, call: Callable[[], object]) -> asyncio.Task[None]:
    """Make a call when the client has hung up.

    Args:
        receive: of a request whose body has been read.
        call: is made once, on the event loop.

    Returns:
        The watch. Cancel it when the answer is complete.
    """

    async def watch() -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except (BodyBrokenOff, BodyLate):
            pass  # it never sent the body that it announced
        call()

    return asyncio.get_running_loop().create_task(watch())
