"""For how long a server asks to be left alone."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx


def seconds_asked(response: httpx.Response, most: int) -> float:
    """What its `Retry-After` says, as a number of seconds or as a date (RFC 9110, 10.2.3).

    Args:
        response: of whatever status.
        most: seconds, ≥ 0; a longer while is cut to it.

    Returns:
        Seconds from now, from 0 to `most`; 0 also where it says nothing, or nothing that can be understood.
    """
    told = response.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdecimal():
        return float(min(int(told.lstrip("0")[:9] or 0), most))
    try:
        at = parsedate_to_datetime(told)
        seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time()
    except (TypeError, ValueError, ArithmeticError):  # no date, or one whose year no calendar has
        return 0.0
    return max(0.0, min(seconds, float(most)))
