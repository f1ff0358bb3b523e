"""Live log of a run as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

A stream reads from Redis a few times a second and buffers nothing. A slow reader reads late, and neither the run nor
another reader waits for it. Each line's event id is its number. So a reader who comes back with `Last-Event-ID` gets
no line twice, and misses only the lines that a long log leaves out; one line tells how many.
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import falcon

from service.domain.plain_json import dumps
from service.errors import StoreUnavailable, ValidationFailed
from service.usecases.run_following import Following, News
from service.web.http.request_slots import HeldSlot, RequestSlots

EVENT_STREAM = "text/event-stream"
POLL_SECONDS = 0.25
COMMENT_SECONDS = 15.0
"""The longest silence of a stream, so that proxies keep it and a reader that has gone is noticed."""
EVENT_ID = "[0-9]{1,9}"
"""The pattern of an event's id."""
RETRY_MS = 2000
"""How long a reader waits before it comes back."""

STOPPING = threading.Event()
"""Set when this process ends. Streams end then, and their readers come back to another process."""


class LogStream(HeldSlot, Iterator[bytes]):
    """The events of one run's log; the last one is `end`. It gives its slot back when the server closes it.

    Args:
        following: reads a run's news.
        run_id: the id of an existing run.
        after: the number of the last line that the reader has.
        slots: where its slot was taken.
        is_gone: tells whether the reader has hung up.
    """

    def __init__(
        self, following: Following, run_id: str, after: int, slots: RequestSlots, is_gone: Callable[[], bool]
    ) -> None:
        super().__init__(slots)
        self._following = following
        self._run_id = run_id
        self._line = after
        self._is_gone = is_gone
        self._progress: Any = None
        self._ended = False
        self._said_at = time.monotonic()
        self._greeting: bytes | None = f"retry: {RETRY_MS}\n\n".encode()

    def __next__(self) -> bytes:
        events, self._greeting = self._greeting, None
        while not events:
            if self._ended or STOPPING.is_set() or self._is_gone():
                raise StopIteration
            events = self._news()
            if not events and time.monotonic() - self._said_at >= COMMENT_SECONDS:
                events = b": nothing new\n\n"
            if not events and not self._ended:
                STOPPING.wait(POLL_SECONDS)
        self._said_at = time.monotonic()
        return events

    def _news(self) -> bytes:
        try:
            news = self._following.news(self._run_id, self._line)
        except StoreUnavailable:
            return b""  # the stream outlives that: it asks for the same lines again
        if news is None:
            self._ended = True
            return b""
        return self._lines(news) + self._progress_event(news) + self._end(news)

    def _lines(self, news: News) -> bytes:
        events = bytearray()
        for self._line, line in news.lines:
            events += f"id: {self._line}\ndata: {line}\n\n".encode()
        return bytes(events)

    def _progress_event(self, news: News) -> bytes:
        before, self._progress = self._progress, news.entry.get("progress")
        return b"" if self._progress == before else _event("progress", self._progress)

    def _end(self, news: News) -> bytes:
        if not news.ended:
            return b""
        self._ended = True
        return (_event("trimmed", True) if news.trimmed else b"") + _event("end", news.entry)


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), dumps(data))


def last_event(req: falcon.Request, default: int = 0) -> int:
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


def follow(
    req: falcon.Request, resp: falcon.Response, following: Following, run_id: str, after: int, slots: RequestSlots
) -> None:
    """Answer with the events of a run.

    Args:
        req: the request.
        resp: its answer.
        following: reads a run's news.
        run_id: the id of an existing run.
        after: the number of the last line that the reader has.
        slots: where the stream takes its slot.

    Raises:
        Busy: no slot is free.
    """
    slots.require()
    connection = req.env.get("gunicorn.socket")
    resp.stream = LogStream(following, run_id, after, slots, lambda: hung_up(connection))
    resp.content_type = EVENT_STREAM
    resp.set_header("X-Accel-Buffering", "no")


def hung_up(connection: socket.socket | None) -> bool:
    """Tell whether the other end has closed its connection; False where the server does not show the connection."""
    if connection is None:
        return False
    try:
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        return bool(ready.poll(0)) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
