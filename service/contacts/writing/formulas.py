"""Keeps what people wrote from being a formula where a spreadsheet program opens it.

A cell that begins with one of a few characters is reckoned: `=HYPERLINK(…)` as a name sends data away, `--04-12` as a
birthday becomes -8, and of `+49 171 …` the plus is lost when the file is saved. So such a cell gets an apostrophe in
front, as OWASP advises (CSV injection), and reading takes it away again. A cell that begins with apostrophes and then
such a character gets one more, so that every text comes back as it was.
"""

from __future__ import annotations

import re

_STARTS = r"=+\-@\t\r\uff0b\uff0d\uff1d\uff20"
"""The last four are the wide forms of `+`, `-`, `=` and `@`, which some programs read alike."""
_FORMULA = re.compile(rf"'*[{_STARTS}]")
_DISARMED = re.compile(rf"'+[{_STARTS}]")


def disarmed(cell: str) -> str:
    """The cell as a text that no program reckons."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def rearmed(cell: str) -> str:
    """The cell as it was before `disarmed`; others' files have such apostrophes, too."""
    return cell[1:] if _DISARMED.match(cell) else cell
