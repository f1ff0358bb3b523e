"""Spellings of one value in texts: any case, percent-encoded (RFC 3986), escaped as in JSON (RFC 8259), and both.

The patterns are for `re.IGNORECASE`.
"""

from __future__ import annotations

import re
from unicodedata import normalize

BEFORE = r"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))"
"""Not within a word; the last character of an escape is no letter of a word."""
AFTER = r"(?![^\W_])"
_ESCAPE = r"(?:\\|%(?:25)*5C)"
_GAP = rf"(?:\s|\+|%(?:25)*(?:20|0[9AD]|C2%(?:25)*A0)|{_ESCAPE}+(?:[nrt]|u00(?:20|0[9AD]|A0)))+"
_PAUSE = rf"(?:[\s().\-/]|%(?:25)*2[0-9A-F]|{_ESCAPE}+(?:/|u00[0-9A-F]{{2}}))*"


def of_words(text: str) -> str:
    """Return a pattern for a name or the like, a word of its own, however its parts are set apart."""
    words = text.split()
    return "|".join(
        _edge(form[0], BEFORE) + _GAP.join(map(_literally, form.split())) + _edge(form[-1], AFTER)
        for form in _forms(" ".join(words))
    )


def of_address(text: str) -> str:
    """Return a pattern for an e-mail address or a URL that is no part of a longer one."""
    before = r"(?:(?<![\w.+-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))"
    return "|".join(f"{before}{_literally(form)}{AFTER}(?!-)" for form in _forms(text))


def of_digits(text: str) -> str:
    """Return a pattern for a phone number, however its digits are grouped."""
    digits = _PAUSE.join(re.sub(r"\D", "", text))
    return rf"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{{2}})|(?<=\\u[0-9A-Fa-f]{{4}}))(?:\+|00)?{digits}(?!\d)"


def _forms(text: str) -> list[str]:
    return list(dict.fromkeys((normalize("NFC", text), normalize("NFD", text))))


def _edge(character: str, pattern: str) -> str:
    """Return a word's edge where its script has words; Chinese and the like set no spaces."""
    return pattern if character.lower() != character.upper() or character.isdigit() else ""


def _literally(text: str) -> str:
    return "".join(map(_character, text))


def _character(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    cases = dict.fromkeys((character, character.lower(), character.upper()))
    plain = [rf"{_ESCAPE}*{re.escape(case)}" for case in cases]
    percent = [
        f"{_ESCAPE}*" + "".join(f"%(?:25)*{byte:02X}" for byte in case.encode("utf-8", "surrogatepass"))
        for case in cases
    ]
    escaped = ["".join(rf"{_ESCAPE}+u{unit:04X}" for unit in _units(case)) for case in cases]
    return f"(?:{'|'.join((*plain, *percent, *escaped))})"


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[start : start + 2]) for start in range(0, len(data), 2)]
