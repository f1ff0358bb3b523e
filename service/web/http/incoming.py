"""Arrival of a request's body: when the server asks for it, by when it must have come, and whether it came whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote_from_bytes

BODY_SECONDS = 15.0
"""The time that every body has, however short it is."""
BYTES_PER_SECOND = 16 * 1024
"""Bytes that have come earn more time at this rate. A declared length earns none, since anybody can declare."""

Event = MutableMapping[str, Any]
_ASCII = bytes(range(128))


class BodyLate(Exception):
    """The body did not come in time."""


class BodyBrokenOff(Exception):
    """The client ended the connection before its body was whole.

    Args:
        received: the bytes of the body that came.
    """

    def __init__(self, received: int) -> None:
        super().__init__()
        self.received = received


class Incoming:
    """The `receive` of one request, as the ASGI specification has it.

    The first event comes at once and without a body. So a request that is refused is refused before the server asks
    for its body (RFC 9110, section 10.1.1), and nobody waits for bytes that nobody wants.

    Args:
        scope: the request's.
        receive: the server's.
    """

    __slots__ = ("_begun", "_deadline", "_expects", "_receive", "_received")

    def __init__(self, scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Event]]) -> None:
        self._receive = receive
        self._begun = False
        self._deadline = 0.0
        self._received = 0
        if not scope["query_string"].isascii():  # Falcon decodes it before anything else, and fails
            scope["query_string"] = quote_from_bytes(scope["query_string"], safe=_ASCII).encode()
        # The specification allows headers that can be read only once.
        headers = scope["headers"] = [(name, value) for name, value in scope["headers"]]
        self._expects = any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)

    async def __call__(self) -> Event:
        """Return the next event.

        Raises:
            BodyLate: no piece of the body has come by the deadline.
            BodyBrokenOff: the client has gone before the body's end.
        """
        if not self._begun:
            self._begun = True
            return {"type": "http.request", "body": b"", "more_body": self._expects}
        if not self._expects:
            return await self._receive()
        event = await self._in_time()
        if event["type"] == "http.disconnect":
            raise BodyBrokenOff(self._received)
        self._received += len(event.get("body", b""))
        self._deadline += len(event.get("body", b"")) / BYTES_PER_SECOND
        self._expects = event.get("more_body", False)
        return event

    async def _in_time(self) -> Event:
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + BODY_SECONDS
        try:
            async with asyncio.timeout(self._deadline - now):
                return await self._receive()
        except TimeoutError:
            raise BodyLate from None
