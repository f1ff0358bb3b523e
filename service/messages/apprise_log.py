"""Capture of Apprise's log for the current sender alone, since its lines hold addresses and texts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from apprise import AppriseAsset

ASSET = AppriseAsset(app_id="Bot Scheduler", app_desc="Bot Scheduler", app_url="", async_mode=False)
_capture: ContextVar[list[str] | None] = ContextVar("_capture", default=None)


class _Capture(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        lines = _capture.get()
        if lines is not None:
            lines.append(record.getMessage())


@contextmanager
def captured() -> Iterator[list[str]]:
    """Collect the lines that Apprise logs in this thread."""
    lines: list[str] = []
    token = _capture.set(lines)
    try:
        yield lines
    finally:
        _capture.reset(token)


def _take_over_loggers() -> None:
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(_Capture())
    # Their DEBUG lines have whole paths and headers with tokens in them.
    for name in ("urllib3", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.WARNING)


_take_over_loggers()
