"""Protection against formulas: no text of an export is computed by a spreadsheet program.

A spreadsheet program computes a cell that begins with one of a few characters: `=HYPERLINK(…)` as a name sends data
away, `--04-12` as a birthday becomes -8, and `+49 171 …` loses its plus when the file is saved. So such a cell gets an
apostrophe in front, as OWASP advises (CSV injection), and reading removes it. A cell that begins with apostrophes and
then such a character gets one more, so that every text comes back as it was.
The module is short on purpose: one rule for every format.
"""

from __future__ import annotations

import re

_STARTS = r"=+\-@\t\r\uff0b\uff0d\uff1d\uff20"
"""The last four are the full-width forms of `+`, `-`, `=` and `@`, which some programs treat alike."""
_FORMULA = re.compile(rf"'*[{_STARTS}]")
_DISARMED = re.compile(rf"'+[{_STARTS}]")


def disarmed(cell: str) -> str:
    """Return the cell as a text that no program computes."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def rearmed(cell: str) -> str:
    """Return the cell as it was before `disarmed`. Files of other programs have such apostrophes, too."""
    return cell[1:] if _DISARMED.match(cell) else cell
