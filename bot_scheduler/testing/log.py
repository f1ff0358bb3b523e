"""A logger that keeps its lines, as the log of a run does."""

from __future__ import annotations

import logging
from typing import NamedTuple


class LogLine(NamedTuple):
    """One line of a run's log."""

    level: str
    """`info`, `warning`, `error` or `critical`. As in a real run, debug lines are dropped."""
    message: str


def logger_into(lines: list[LogLine]) -> logging.Logger:
    """Return a logger whose lines are appended to `lines`."""
    log = logging.Logger("bot_scheduler.testing", logging.INFO)
    log.parent = logging.getLogger("bot_scheduler.testing")  # so that pytest's caplog has them, too
    log.addFilter(_readable)
    log.addHandler(_Keeper(lines))
    return log


def _readable(record: logging.LogRecord) -> bool:
    """Replace a line whose format does not fit its arguments: in the service, it does not end the run."""
    try:
        record.getMessage()
    except Exception as error:  # noqa: BLE001 - whatever an argument's __str__ raises
        record.levelno, record.levelname = logging.ERROR, "ERROR"
        record.msg, record.args = f"A line of the log could not be written ({type(error).__name__})", ()
    return True


class _Keeper(logging.Handler):
    def __init__(self, lines: list[LogLine]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(LogLine(record.levelname.lower(), record.getMessage()))
