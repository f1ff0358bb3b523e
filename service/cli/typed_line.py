"""A line of bash as it is typed: the words in it, and how its last word goes on.

A word that goes on must stay text, whatever is in it: a job's name may contain `$(…)`, quotation marks or `!`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARTS = {
    "": re.compile(r"\\(?P<letter>.?)|(?P<opened>\$?[\"'])|(?P<blank>\s+)|(?P<bare>.)", re.DOTALL),
    '"': re.compile(r"\\(?P<letter>[\"$`\\]|\Z)|(?P<closed>\")|(?P<within>.)", re.DOTALL),
    "'": re.compile(r"(?P<closed>')|(?P<within>.)", re.DOTALL),
    "$'": re.compile(r"\\(?P<octal>[0-7]{1,3})|\\(?P<letter>.|\Z)|(?P<closed>')|(?P<within>.)", re.DOTALL),
}
"""What may come next outside quotation marks, and within each kind of them (bash(1), "QUOTING")."""
_PARTS['$"'] = _PARTS['"']
_HARMLESS = re.compile(r"[\w@%+=:,./-]")
_ALONE = {"$": "'$'", "\\": "'\\'", "`": r"$'\140'"}
"""Letters whose backslash would go if the line stands within backticks, and how else they are written."""
_NOT_WITHIN = {'"': '"!$`\\', '$"': '"!$`\\', "'": "'!`", "$'": "'!`\\"}
"""Quotation mark -> the letters before which it is closed."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    r"""A line up to the cursor.

    Args:
        words: Its words, without quotation marks. The last may be unfinished, or empty.
        kept: What bash leaves of the last word when it completes: all before an open quotation mark, else all up to
            the last letter that breaks words.
        quote: The quotation mark that is open; empty if none is.
        understood: Whether bash takes the same quotation mark to be open: it overlooks `\'` within `$'…'`.
    """

    words: list[str]
    kept: str
    quote: str
    understood: bool

    def going_on(self, word: str) -> str | None:
        """Write what bash is to put behind what it keeps, so that the last word becomes this one; None if it cannot."""
        if not (self.understood and word.startswith(self.kept)):
            return None
        rest = word.removeprefix(self.kept)
        if not self.quote:
            return "".join(map(_bare, rest))
        mark = self.quote[-1]
        inner = (f"{mark}{_bare(one)}{mark}" if one in _NOT_WITHIN[self.quote] else one for one in rest)
        written = "".join(inner) + mark
        # Bash takes a first quotation mark for the one that is there.
        return mark + written if written.startswith(mark) else written


def read_line(line: str, breaks: str = "") -> TypedLine:
    """Split a line as a shell does.

    Args:
        line: The line up to the cursor.
        breaks: The letters after which bash completes anew within a word.
    """
    words: list[str] = []
    word, begun, at = "", False, 0
    quote, kept, after_break, understood = "", "", "", True
    while at < len(line):
        part = _PARTS[quote].match(line, at)
        assert part is not None  # a pattern ends with any letter
        kind, text, at = part.lastgroup, part[part.lastgroup or 0], part.end()
        if kind == "blank":
            words, word, begun, after_break = [*words, word] if begun else words, "", False, ""
            continue
        begun = True
        if kind == "opened":
            quote, kept = text, word
        elif kind == "closed":
            quote = ""
        else:
            before, word = word, word + (chr(int(text, 8)) if kind == "octal" else text)
            if kind == "bare" and text in breaks:
                after_break = before if text == "@" else word  # bash takes this one into what it completes
            understood &= not (quote == "$'" and kind == "letter" and text == "'")
    return TypedLine([*words, word], kept if quote else after_break, quote, understood)


def _bare(letter: str) -> str:
    """Write a letter outside quotation marks."""
    return _ALONE.get(letter) or (letter if _HARMLESS.fullmatch(letter) else f"\\{letter}")
