"""Foreign text, such as a bot's log, made safe: it can neither control the terminal nor pass for another line."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

MOST_QUOTED = 200
"""The longest text that is repeated whole, in characters; a job's name may be as long."""


def clean(text: object) -> str:
    """Escape the control characters and changes of direction in `text`."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], str(text))


def clean_json(text: str) -> str:
    """Escape likewise within JSON, whose meaning stays the same."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def line(text: object) -> str:
    """Escape likewise, and put `text` on one line."""
    return clean(str(text).replace("\n", "\\n"))


def quoted(text: object) -> str:
    """Put what a person typed, or a name, between quotation marks in a sentence; of a long text, its beginning."""
    told = str(text)
    return f"“{line(told if len(told) <= MOST_QUOTED else told[:MOST_QUOTED] + '…')}”"


def readable(value: object) -> str:
    """Put a value on one line, for people."""
    return ("yes" if value else "no") if isinstance(value, bool) else line(value)


def counted(number: int, word: str) -> str:
    """Count in words: `1 warning`, `2 warnings`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
