"""Live log of a run as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from falcon.asgi import Request, Response

from service.domain.plain_json import dumps
from service.errors import StoreUnavailable, ValidationFailed
from service.interleaving import interleaved
from service.usecases.run_following import Following
from service.web.http.rendering import has_gone

EVENT_STREAM = "text/event-stream"
POLL_SECONDS = 0.25
COMMENT_SECONDS = 15.0
EVENT_ID = "[0-9]{1,9}"
"""The pattern of an event's id."""
RETRY_MS = 2000
"""How long a reader waits before it comes back."""


async def _events(req: Request, following: Following, run_id: str, line: int) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    progress, silent = None, 0.0
    while not has_gone(req):
        try:
            news = await interleaved(following.news, run_id, line)
        except StoreUnavailable:
            news = None
        else:
            if news is None:
                return
        events = b""
        if news is not None:
            for line, text in news.lines:
                events += f"id: {line}\ndata: {text}\n\n".encode()
            if news.entry.get("progress") != progress:
                progress = news.entry.get("progress")
                events += _event("progress", progress)
            if news.ended:
                yield events + (_event("trimmed", True) if news.trimmed else b"") + _event("end", news.entry)
                return
        silent = 0.0 if events else silent + POLL_SECONDS
        if silent >= COMMENT_SECONDS:
            events, silent = b": nothing new\n\n", 0.0
        if events:
            yield events
        else:
            await asyncio.sleep(POLL_SECONDS)


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), dumps(data))


def last_event(req: Request, default: int = 0) -> int:
    """Read the number of the last line that the reader has from `Last-Event-ID`; `default` if there is none.

    Raises:
        ValidationFailed: the header is not an event's id.
    """
    value = req.get_header("Last-Event-ID")
    if not value:
        return default
    if not re.fullmatch(EVENT_ID, value):
        raise ValidationFailed.of("Last-Event-ID", "must be the id of an earlier event, a whole number")
    return int(value)


def follow(req: Request, resp: Response, following: Following, run_id: str, after: int) -> None:
    """Answer with the events of a run.

    Args:
        req: the request.
        resp: its answer.
        following: reads a run's news.
        run_id: the id of an existing run.
        after: the number of the last line that the reader has.
    """
    resp.stream = _events(req, following, run_id, after)
    resp.content_type = EVENT_STREAM
    resp.set_header("X-Accel-Buffering", "no")
