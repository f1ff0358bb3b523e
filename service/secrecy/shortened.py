"""Search for secrets whose middle or end was left out, as libraries shorten values in their errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

SHOWN = 6
"""So many characters of a secret's two ends together are too many to show."""
_LEFT_OUT = re.compile(r"\.{3,}|…")
_PUBLIC_START = re.compile(r"[a-z][a-z0-9+.-]*://|whsec_|(?:bearer|basic|token|apikey|key|digest)\s", re.IGNORECASE)
"""A start that is public; the rest is a secret of its own."""


class Shortened:
    """Puts a setting's name in the place of the two ends of its value.

    Args:
        secrets: values and the names that stand for them.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._ends = [
            (written, f"[{name}]")
            for value, name in secrets.items()
            if not _PUBLIC_START.match(value)
            for written in {value, repr(value)[1:-1]}
        ]
        self._longest = max((len(end) for end, _ in self._ends), default=0)
        self._threes = {end[at : at + 3] for end, _ in self._ends for at in range(len(end) - 2)}

    def applied(self, text: str) -> str:
        """Return `text` without the ends of a secret around `...` or `…`."""
        if "..." not in text and "…" not in text:  # a search by pattern takes forty times as long
            return text
        kept, done = [], 0
        for gap in _LEFT_OUT.finditer(text):
            start, end = gap.span()
            if text[start - 3 : start] in self._threes or text[end : end + 3] in self._threes:
                before, after, label = self._around(text[max(done, start - self._longest) : start], text, end)
                if before + after >= SHOWN:
                    kept += [text[done : start - before], label]
                    done = end + after
        return "".join((*kept, text[done:])) if kept else text

    def ended(self, text: str) -> str:
        """Return `text` without the beginning of a secret, of `SHOWN` characters or more, at its end."""
        for value, label in self._ends:
            count = _ending(text, value)
            if count >= SHOWN:
                return text[:-count] + label
        return text

    def _around(self, before: str, text: str, end: int) -> tuple[int, int, str]:
        """Measure the longest secret around a gap: characters before, characters behind, and its label."""
        found = ((_ending(before, value), _beginning(text, end, value), label) for value, label in self._ends)
        return max(found, key=lambda one: one[0] + one[1])


def _ending(text: str, value: str) -> int:
    """Count the first characters of `value`, but not all, with which the text ends."""
    sizes = range(min(len(text), len(value) - 1), 0, -1)
    return next((size for size in sizes if text.endswith(value[:size])), 0)


def _beginning(text: str, at: int, value: str) -> int:
    """Count the last characters of `value`, but not all, that stand in the text from a place on."""
    sizes = range(min(len(text) - at, len(value) - 1), 0, -1)
    return next((size for size in sizes if text.startswith(value[-size:], at)), 0)
