"""JSON that every reader takes, made of the values that bots return: Python's reader, orjson, and browsers.

Python writes more as JSON than the others read: half of a surrogate pair, as `os.fsdecode` makes of a file name that is
not UTF-8, integers of any length, and NaN. A value that they cannot read becomes a text that still says it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

MOST = 2**53
"""The greatest count: every integer up to it is exact in every reader (RFC 8259, 6)."""
_LONE = re.compile("[\ud800-\udfff]")


def plain(value: Any) -> Any:
    """Make a value that every reader can read, as JSON gives it back.

    Integers that 64 bits do not hold, NaN and the infinities become texts; halves of surrogate pairs are escaped.

    Raises:
        TypeError, ValueError: it is not JSON, or has an integer of more digits than Python writes.
        RecursionError: it is too deep.
    """
    written = _LONE.sub(lambda half: rf"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))
    return json.loads(written, parse_int=_integer, parse_constant=str)


def plain_text(text: str) -> str:
    r"""Make a text that UTF-8 can carry: escape halves of surrogate pairs, as in `caf\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode()


def whole_number(value: Any) -> int:
    """Make a count an integer from 0 to `MOST`; greater and smaller ones become those.

    Raises:
        TypeError, ValueError, OverflowError: it is not a number.
    """
    return min(max(int(value), 0), MOST)


def _integer(digits: str) -> int | str:
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else digits


def dumps(value: Any) -> bytes:
    r"""Write JSON in UTF-8; bytes are JSON already, and stay as they are.

    A lone surrogate, which UTF-8 cannot carry, becomes the `\udXXX` that JSON has for it: a text that a bot found
    somewhere must not make its history unreadable.
    """
    if isinstance(value, bytes):
        return value
    try:
        return orjson.dumps(value)
    except TypeError:  # lone surrogates, whole numbers beyond 64 bits
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
