"""Texts and results as the service stores them: in UTF-8, as JSON that every reader takes, and cut to size."""

from __future__ import annotations

import json
import re
from typing import Any

CUT_BYTES = 16 * 1024
"""The longest result that a run keeps."""
_LONE = re.compile("[\ud800-\udfff]")


def as_utf8(text: str) -> str:
    """Return the text.

    Raises:
        UnicodeEncodeError: it has half of a surrogate pair, which UTF-8 cannot carry.
    """
    text.encode()
    return text


def plain_text(text: str) -> str:
    r"""Return a text that UTF-8 can carry: halves of surrogate pairs are escaped, as in `caf\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode()


def stored_result(result: dict[str, Any]) -> dict[str, Any]:
    """Return a bot's result as the run keeps it.

    NaN, the infinities and integers beyond 64 bits become texts. A result over 16 KiB becomes its beginning.

    Raises:
        TypeError, ValueError: it is not JSON.
    """
    written = _LONE.sub(lambda half: rf"\\u{ord(half[0]):04x}", json.dumps(result, ensure_ascii=False))
    kept: dict[str, Any] = json.loads(written, parse_int=_integer, parse_constant=str)
    text = json.dumps(kept)
    return kept if len(text) <= CUT_BYTES else {"cut": _cut(text, CUT_BYTES // 2)}


def _cut(text: str, limit: int) -> str:
    return f"{text[: limit - 64]}… [cut: {len(text)} bytes in all]"  # JSON is ASCII: a character is a byte


def _integer(digits: str) -> int | str:
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else digits
