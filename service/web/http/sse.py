"""Server-sent events of a run's log (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Each line's event id is its number. So a reader who comes back with `Last-Event-ID` gets no line twice, and misses only
the lines that a long log leaves out; one line tells how many.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from falcon.asgi import Request

from service.domain.plain_json import dumps
from service.errors import ValidationFailed
from service.usecases.run_following import News

EVENT_STREAM = "text/event-stream"
EVENT_ID = "[0-9]{1,9}"
"""The pattern of an event's id."""
RETRY_MS = 2000
"""How long a reader waits before it comes back."""
RESTART_RETRY_MS = (500, 3000)
"""The same, at random, after a restart, so that a thousand readers do not come back at once."""
GREETING = f"retry: {RETRY_MS}\n\n".encode()
COMMENT = b": nothing new\n\n"
"""A sign of life, which readers pass over."""


def event(name: str, data: Any) -> bytes:
    """Write an event without an id."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), dumps(data))


def line_events(lines: Sequence[tuple[int, str]]) -> bytes:
    """Write the events of a log's lines, each a number and JSON."""
    return "".join(f"id: {number}\ndata: {line}\n\n" for number, line in lines).encode()


def progress_event(news: News) -> bytes:
    """Write the event of a run's progress; empty where the run has told none."""
    progress = news.entry.get("progress")
    return b"" if progress is None else event("progress", progress)


def end_events(news: News) -> bytes:
    """Write the last events of a run's log; empty while the run goes on."""
    if not news.ended:
        return b""
    return (event("trimmed", True) if news.trimmed else b"") + event("end", news.entry)


def restart_event() -> bytes:
    """Write the last event of a process that stops. The run goes on, and so does its log on another process."""
    retry = b"retry: %d\n" % random.randint(*RESTART_RETRY_MS)
    return retry + event("restart", {"detail": "This process of the service stops; reconnect to go on"})


def last_event(req: Request, default: int = 0) -> int:
    """Read the number of the last line that the reader has from `Last-Event-ID`; `default` if it is absent.

    Raises:
        ValidationFailed: the header is not an event's id.
    """
    value = req.get_header("Last-Event-ID")
    if not value:
        return default
    if not re.fullmatch(EVENT_ID, value):
        raise ValidationFailed.of("Last-Event-ID", "must be the id of an earlier event, a whole number")
    return int(value)
