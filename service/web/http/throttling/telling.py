"""Log lines about wrong keys: each sender is named once a minute, and a minute has few lines."""

from __future__ import annotations

import logging
from collections.abc import Callable

from service.domain.input.refusals import listed
from service.store.guesses import Counted

log = logging.getLogger(__name__)

NAMED = 5
"""Senders that one line names."""
LINES = 5
"""Lines of one process in a minute."""
KEPT = 100
"""Senders that wait to be named."""


class Telling:
    """Names the senders of wrong keys, once each in a minute.

    Args:
        say: takes a line.
    """

    def __init__(self, say: Callable[[str], None] = log.warning) -> None:
        self._say = say
        self._minute = -1
        self._lines = 0
        self._named: set[str] = set()
        self._waiting: dict[str, None] = {}

    def note(self, sender: str) -> None:
        """Remember that a sender has sent its first wrong key in this minute."""
        if len(self._waiting) < KEPT:
            self._waiting[sender] = None

    def tell(self, counted: Counted | None, now: float) -> None:
        """Log one line about those who wait, but for those whom another process has named.

        Args:
            counted: what Redis knows of them; None while Redis is away.
            now: seconds since 1970.
        """
        if int(now // 60) != self._minute:
            self._minute, self._lines, self._named = int(now // 60), 0, set()
        named_by_others = counted.named_by_others if counted else frozenset()
        new = [sender for sender in self._waiting if sender not in self._named and sender not in named_by_others]
        self._waiting.clear()
        if not new or self._lines == LINES:
            return
        self._lines += 1
        self._named.update(new)
        words = [_words(sender, counted) for sender in new[:NAMED]]
        if len(new) > NAMED:
            words.append("others")
        last = "; others are not named in this minute" if self._lines == LINES else ""
        self._say(f"Wrong API keys were refused from {listed(words, 'and')}{last}")


def _words(sender: str, counted: Counted | None) -> str:
    before = counted.before.get(sender, 0) if counted else 0
    return f"{sender} ({before:,} in the minute before)" if before else sender
