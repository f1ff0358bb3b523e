"""Notes about runs from work horses to their parent, a line of JSON each, in a pipe that never makes a run wait."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import orjson

LONGEST_NOTE = 4096
"""Bytes that a pipe takes at once or not at all (PIPE_BUF)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended, and its record is whole.

    Args:
        run_id: the run.
        bot_ms: how long its bot took; None if nobody saw the bot's end.
        lost: notes that found no room before this one.
    """

    run_id: str
    bot_ms: float | None = None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Requested:
    """A run has sent a request.

    Args:
        trace_id: of the run.
        span_id: of the request.
        parent_id: of the run's bot.
        method: its method.
        start: ms since 1970.
        end: when the head of the answer was there, or no answer came.
        facts: the span's attributes.
        error: the error's type, or the status that is one; None for none.
    """

    trace_id: str
    span_id: str
    parent_id: str
    method: str
    start: float
    end: float
    facts: dict[str, str | int | bool]
    error: str | None = None


class NoteWriter:
    """Writes notes into a pipe.

    Args:
        descriptor: its end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = 0
        os.set_blocking(descriptor, False)

    def requested(self, note: Requested) -> None:
        """Note a request."""
        self._write(
            ["request", note.trace_id, note.span_id, note.parent_id, note.method, note.start, note.end, note.facts,
             note.error]
        )  # fmt: skip

    def ended(self, run_id: str, bot_ms: float | None) -> None:
        """Note the end of a run."""
        lost, self._lost = self._lost, 0
        if not self._write(["end", run_id, bot_ms, lost]):
            self._lost += lost

    def _write(self, note: list[Any]) -> bool:
        text = orjson.dumps(note) + b"\n"
        try:
            if len(text) <= LONGEST_NOTE:
                os.write(self._descriptor, text)
                return True
        except OSError:
            pass  # the pipe is full, or its other end gone: a span is not worth a run
        self._lost += 1
        return False


def read_note(line: bytes) -> Ended | Requested | None:
    """Read a line of the pipe; None if a bot has written something else into it."""
    try:
        match orjson.loads(line):
            case ["end", str(run_id), float() | int() | None as bot_ms, int(lost)]:
                return Ended(run_id, bot_ms, lost)
            case [
                "request",
                str(trace),
                str(span),
                str(parent),
                str(method),
                float(start),
                float(end),
                dict(facts),
                error,
            ]:
                int(trace, 16), int(span, 16), int(parent, 16)
                return Requested(trace, span, parent, method, start, end, facts, error and str(error))
    except ValueError:
        pass
    return None
