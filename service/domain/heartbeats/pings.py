"""Pings: what others say of their own runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from service.domain.input.refusals import echo
from service.errors import ValidationFailed

Word = Literal["start", "success", "fail", "log"]
"""What a ping says: a run begins, has succeeded, has failed; or a part of its log."""
WORDS: tuple[Word, ...] = ("start", "success", "fail", "log")
TEXT_LIMIT = 10 * 1024
"""The longest text of a ping, in bytes."""
RUN_ID_FORM = r"[0-9A-Za-z._-]{1,64}"
_RUN_ID = re.compile(RUN_ID_FORM)
LAST_LINE = 200
"""Characters of a failure's last line that stand in the run's error: programs end with the reason."""


@dataclass(frozen=True, slots=True)
class Ping:
    """One ping.

    Args:
        word: what it says.
        run_id: the id that its sender gives the run; empty for none.
        text: lines for the run's log; empty for none.
    """

    word: Word
    run_id: str = ""
    text: str = ""

    @property
    def error(self) -> str:
        """The error of the run that this ping ends as failed."""
        last = next((line.strip() for line in reversed(self.text.splitlines()) if line.strip()), "")
        return f"reported failed: {last[:LAST_LINE]}" if last else "reported failed"


def parse_ping(word: Word, run_id: str | None, body: bytes) -> Ping:
    """Parse a ping.

    Args:
        word: what it says.
        run_id: `?rid=`, as it was sent; None for none.
        body: a text. Bytes that are not UTF-8 are replaced: whatever a program prints is welcome.

    Raises:
        ValidationFailed: the run's id is malformed, or a ping for the log has no text.
    """
    if run_id is not None and _RUN_ID.fullmatch(run_id) is None:
        raise ValidationFailed.of("rid", f"must be 1 to 64 letters, digits, dots, - and _, not {echo(run_id)}")
    text = body.decode("utf-8", "replace").replace("\0", "\ufffd").strip("\r\n")
    if word == "log" and not text.strip():
        raise ValidationFailed.of("", "the body is empty; a text for the log is required")
    return Ping(word, run_id or "", text)
