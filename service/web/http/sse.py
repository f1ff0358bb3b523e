"""A run's log as server-sent events, followed live.

A stream reads on in Redis a few times a second and holds nothing: who reads slowly reads late, and neither the run nor
another reader waits for it. Each line's event id is its number, so that a reader who comes back with `Last-Event-ID`
gets none twice, and misses none but those that a long log has left out, which one line tells (https://html.spec.whatwg.org/multipage/server-sent-events.html).
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
from service.usecases.run_following import Following
from service.web.http.request_slots import RequestSlots

EVENT_STREAM = "text/event-stream"
POLL_SECONDS = 0.25
COMMENT_SECONDS = 15.0
"""A stream is never silent for longer, so that proxies keep it and readers that are gone are noticed."""
_LINE = re.compile(r"[0-9]{1,9}")
RETRY_MS = 2000
"""What a reader is told to wait before it comes back."""

STOPPING = threading.Event()
"""Set when this process is to end: streams end then, and their readers come back to another process."""


class LogStream(Iterator[bytes]):
    """The events of one run's log; the last one is `end`. It gives its place back when it is closed.

    Args:
        following: reads on in the run.
        run_id: a run that there is.
        after: the number of the last line that the reader has.
        slots: where its slot was taken.
        is_gone: whether the reader has hung up.
    """

    def __init__(
        self, following: Following, run_id: str, after: int, slots: RequestSlots, is_gone: Callable[[], bool]
    ) -> None:
        self._following = following
        self._run_id = run_id
        self._line = after
        self._slots: RequestSlots | None = slots
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

    def close(self) -> None:
        """Called by the server when the answer is over, however it came about."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()

    def _news(self) -> bytes:
        try:
            news = self._following.news(self._run_id, self._line)
        except StoreUnavailable:
            return b""  # the stream outlives that: the same lines are asked for again
        if news is None:
            self._ended = True
            return b""
        events = bytearray()
        for self._line, line in news.lines:
            events += f"id: {self._line}\ndata: {line}\n\n".encode()
        progress = news.entry.get("progress")
        if progress != self._progress:
            self._progress = progress
            events += b"event: progress\ndata: " + dumps(progress) + b"\n\n"
        if news.ended:
            self._ended = True
            if news.trimmed:
                events += b"event: trimmed\ndata: true\n\n"
            events += b"event: end\ndata: " + dumps(news.entry) + b"\n\n"
        return bytes(events)


def last_event(req: falcon.Request, default: int = 0) -> int:
    """The number of the last line that the reader has, by its `Last-Event-ID`; `default` if it sends none.

    Raises:
        ValidationFailed: it is no id of an event.
    """
    value = req.get_header("Last-Event-ID")
    if not value:
        return default
    if not _LINE.fullmatch(value):
        raise ValidationFailed.of("Last-Event-ID", "must be the id of an earlier event, a whole number")
    return int(value)


def follow(
    req: falcon.Request, resp: falcon.Response, following: Following, run_id: str, after: int, slots: RequestSlots
) -> None:
    """Answers with the events of a run that there is, from the line after line `after` on.

    Raises:
        falcon.HTTPServiceUnavailable: too many follow.
    """
    slots.require()
    connection = req.env.get("gunicorn.socket")
    resp.stream = LogStream(following, run_id, after, slots, lambda: hung_up(connection))
    resp.content_type = EVENT_STREAM
    resp.set_header("X-Accel-Buffering", "no")


def hung_up(connection: socket.socket | None) -> bool:
    """Whether the other end has closed its connection; False where the server does not show it."""
    if connection is None:
        return False
    try:
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        return bool(ready.poll(0)) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
