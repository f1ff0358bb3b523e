"""`Retry-After`: the time for which a server wants no request."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx


def seconds_asked(response: httpx.Response, most: int) -> float:
    """Return the wait that `Retry-After` asks for, as a number of seconds or as a date (RFC 9110, 10.2.3).

    Args:
        response: a response of any status.
        most: seconds, ≥ 0. A longer wait is cut to it.

    Returns:
        Seconds from now, from 0 to `most`; 0 if the header is missing or invalid.
    """
    told = response.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdecimal():
        return float(min(int(told.lstrip("0")[:9] or 0), most))
    try:
        at = parsedate_to_datetime(told)
        seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time()
    except (TypeError, ValueError, ArithmeticError):  # not a date, or one outside the calendar
        return 0.0
    return max(0.0, min(seconds, float(most)))
