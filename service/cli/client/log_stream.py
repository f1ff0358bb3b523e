"""A run's log, followed live: server-sent events, taken up again where they broke off."""

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

SILENCE = 40.0
"""Seconds of silence after which a stream is taken for dead: the service sends a comment every 15."""
PATIENCE = 60.0
"""Seconds for which the service may be away or busy."""
PAUSE = 2.0
"""Seconds before coming back, unless the stream says otherwise."""

KINDS = {"message": "line", "trimmed": "trimmed", "end": "end"}
"""The events that count, and what each is called here."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a stream tells.

    Args:
        kind: `line` with a line of the log; `trimmed`: the log is not kept any more; `end`, the last, with the run.
    """

    kind: str
    data: Any


class _Broken(Exception):
    """The stream broke off; why, in words."""


def follow(path: str) -> Iterator[Event]:
    """The lines of a run's log as they come, each once, and then its end.

    Raises:
        Failure: there is no such run, or the service was away for too long.
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
            heard = time.monotonic()  # a stream that ends properly early: its process stops, another takes over
        except _Broken as broken:
            if time.monotonic() - heard > PATIENCE:
                raise Failure(Exit.UNREACHABLE, f"{broken}; gave up after {PATIENCE:.0f} s") from None
            note(f"{broken}; coming back")
        time.sleep(stream.pause)


class _Stream:
    """One log, over as many connections as it takes."""

    def __init__(self, path: str, service: Api) -> None:
        self._path = path
        self._api = service
        self._last_id = ""
        self.pause = PAUSE

    def read(self) -> Iterator[Event]:
        """The events of one connection, after the last one that was read."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        timeout = httpx.Timeout(SILENCE, connect=10)
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
            raise _Broken(self._api.away(error).sentence) from None

    def _events(self, answer: httpx.Response) -> Iterator[Event]:
        for sent in EventSource(answer).iter_sse():
            if sent.retry is not None:
                self.pause = sent.retry / 1000
            if sent.data and sent.event in KINDS:  # one without data only says when to come back
                yield Event(KINDS[sent.event], json.loads(sent.data))
            self._last_id = sent.id or self._last_id
