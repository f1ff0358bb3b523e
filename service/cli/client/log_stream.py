"""Live log of a run: server-sent events that resume where a connection broke off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from service.cli.client.api import Api, api
from service.cli.exits import Exit, Failure
from service.cli.output.printing import note

SILENCE_SECONDS = 40.0
"""Silence after which a stream counts as dead. The service sends a comment every 15 s."""
PATIENCE_SECONDS = 60.0
"""The longest time for which the service may be away or busy."""
PAUSE_SECONDS = 2.0
"""The wait before the next connection, unless the stream names another."""

KINDS = {"message": "line", "trimmed": "trimmed", "end": "end"}
"""The service's name of an event -> the name here. Others are ignored; `restart` is the last of its stream."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the stream.

    Args:
        kind: `line`, `trimmed` (the service no longer keeps the log) or `end`, the last one.
        data: With `line`, the log's line; with `end`, the run.
    """

    kind: str
    data: Any


class _Broken(Exception):
    """The stream broke off, with the reason for people."""


def follow(path: str) -> Iterator[Event]:
    """Yield the lines of a run's log as they arrive, each once, and then its end.

    Raises:
        Failure: There is no such run, or the service was away for too long.
    """
    stream = _Stream(path, api())
    heard = time.monotonic()
    while True:
        try:
            for event in stream.read():
                heard = time.monotonic()
                yield event
                if event.kind == "end":
                    return
            heard = time.monotonic()  # the web process stopped, and told so by `restart`; another takes over
        except _Broken as broken:
            if time.monotonic() - heard > PATIENCE_SECONDS:
                raise Failure(Exit.UNREACHABLE, f"{broken}; gave up after {PATIENCE_SECONDS:.0f} s") from None
            note(f"{broken}; trying again")
        time.sleep(stream.pause)


class _Stream:
    """One log, over as many connections as necessary."""

    def __init__(self, path: str, service: Api) -> None:
        self._path = path
        self._api = service
        self._last_id = ""
        self.pause = PAUSE_SECONDS

    def read(self) -> Iterator[Event]:
        """Yield the events of one connection, after the last event that was read."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=10)
        try:
            with self._api.http.stream("GET", self._path, headers=headers, timeout=timeout) as answer:
                if not answer.is_success:
                    answer.read()
                    failure = self._api.refusal(answer)
                    if failure.exit == Exit.UNREACHABLE:
                        raise _Broken(failure.sentence)
                    raise failure
                yield from self._events(answer)
        except (httpx.HTTPError, SSEError) as error:
            raise _Broken(self._api.unreachable(error).sentence) from None

    def _events(self, answer: httpx.Response) -> Iterator[Event]:
        for sent in EventSource(answer).iter_sse():
            if sent.retry is not None:
                self.pause = sent.retry / 1000
            if sent.data and sent.event in KINDS:  # an event without data only sets the pause
                yield Event(KINDS[sent.event], json.loads(sent.data))
            self._last_id = sent.id or self._last_id
