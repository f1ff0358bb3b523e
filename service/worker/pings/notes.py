"""The horse's notes of runs that began and ended, for the parent, which pings: a pipe that never makes a run wait."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service.domain.records import UnreadableJob
from service.domain.run_records import Claim, Outcome

LONGEST_NOTE = 4096
"""Bytes that a pipe takes at once or not at all (PIPE_BUF)."""

What = Literal["start", "success", "fail"]


@dataclass(frozen=True, slots=True)
class Note:
    """One ping to send.

    Args:
        what: what the run did.
        run_id: the run.
        names: the secrets that hold the addresses, as `env:BOT_SECRET_…`.
    """

    what: What
    run_id: str
    names: Sequence[str]


class PingNotes:
    """The end of the pipe into which notes are written.

    Args:
        descriptor: of the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)

    def started(self, claim: Claim) -> None:
        """Note that a run begins."""
        self._write("start", claim)

    def ended(self, claim: Claim, outcome: Outcome) -> None:
        """Note that a run has ended: a success and a skip are well, a failure and a cancel are not."""
        self._write("success" if outcome.status in ("success", "skipped") else "fail", claim)

    def _write(self, what: What, claim: Claim) -> None:
        try:
            names = claim.record.definition.options.ping_urls
        except UnreadableJob:
            return
        if not names or claim.run.get("rehearsal") == "1":
            return
        text = json.dumps([what, claim.run_id, names]).encode() + b"\n"
        try:
            if len(text) <= LONGEST_NOTE:
                os.write(self._descriptor, text)
        except OSError:
            pass  # the pipe is full, or its other end gone: a ping is not worth a run


def read_note(line: bytes) -> Note | None:
    """Read a line of the pipe; None if a bot has written something else into it."""
    try:
        what, run_id, names = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    is_note = what in ("start", "success", "fail") and isinstance(run_id, str) and isinstance(names, list)
    return Note(what, run_id, [str(name) for name in names]) if is_note else None
