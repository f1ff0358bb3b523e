"""Log lines: one event, one line, on standard output, with the ids that it belongs to.

Modules log as Python does, `logging.getLogger(__name__)`; values that are bound around them (`bound`), such as a run's
id, stand on every line that they write meanwhile. Lines are JSON for programs or text for people, see `LOG_FORMAT`.
Text from elsewhere cannot forge a line, and no line tells a secret of the settings.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.contextvars import (
    bound_contextvars,
    merge_contextvars,
)
from structlog.typing import EventDict

from service.secrecy import redaction

bound = bound_contextvars
"""`with bound(job_id=…, run_id=…):` puts these beside every line written within, in this thread and its children."""

RUN_LOGGER = "service.run"
"""The logger of a bot's run is `service.run.<run id>`."""

_UNWRITTEN = "service.logs"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
BREAKS = re.compile(r"[\x7f-\x9f\u2028\u2029]")
_OWN = ("time", "level", "message", "logger", "process", "pid")
"""The fields of every line, in this order; bound values follow."""


_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def begin(request_id: str) -> None:
    """Put the id of the request that this task answers beside every line that is written within."""
    _request_id.set(request_id)


def request_id() -> str | None:
    """Return the id of the request that this task or thread answers, if any."""
    return _request_id.get()


_run: Mapping[str, str] = {}


def set_run(ids: Mapping[str, str] | None) -> None:
    """Put these ids beside every line that this process writes from now on, in each of its threads.

    Args:
        ids: of the one run that the process carries out (`service.domain.run_records.ids_of`); None: of no run.
    """
    global _run
    _run = ids or {}


def run_ids() -> Mapping[str, str]:
    """Return the ids of the one run that the process carries out; empty of no run."""
    return _run


def _add_run(logger: Any, name: str, event: EventDict) -> EventDict:
    for field, value in _run.items():
        event.setdefault(field, value)
    return event


def _add_request_id(logger: Any, name: str, event: EventDict) -> EventDict:
    found = _request_id.get()
    if found is not None:
        event.setdefault("request_id", found)
    return event


def config(process: str, level: str, format: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` of a process.

    Args:
        process: `web`, `scheduler` or `worker`. Its lines leave out the secrets of its present environment.
        level: `LOG_LEVEL`.
        format: `LOG_FORMAT`: `json`, `text`, or `auto`: text on a terminal, else JSON.
    """
    redaction.install(os.environ)
    as_text = format == "text" or (format != "json" and sys.stdout.isatty())
    stdlib = structlog.stdlib
    known = [
        merge_contextvars,
        _add_run,
        _add_request_id,
        stdlib.add_log_level,
        stdlib.add_logger_name,
        stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Where(process),
        structlog.processors.EventRenamer("message", "_event"),
        structlog.processors.format_exc_info,
        _redacted,
    ]
    formatter = {
        "()": Formatter,
        "process": process,
        "as_text": as_text,
        "foreign_pre_chain": known,
        "processors": [stdlib.ProcessorFormatter.remove_processors_meta, _text if as_text else _json],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stdout": {"class": "service.logs.Lines", "formatter": "line", "stream": "ext://sys.stdout"}},
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
        },
    }


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Formats every line; `service.logs.frequent` forms the most frequent ones without the machinery of logging.

    Args:
        process: as in `config`.
        as_text: whether the lines are for people.
        others: what structlog needs.
    """

    def __init__(self, process: str, as_text: bool, **others: Any) -> None:
        super().__init__(**others)
        self.process = process
        self.as_text = as_text


class Lines(logging.StreamHandler[TextIO]):
    """Writes lines. For a line that it cannot format it names the place; Python would print all its arguments."""

    def write(self, line: str) -> None:
        """Write one line, at once."""
        with self.lock or nullcontext():
            self.stream.write(line + self.terminator)
            self.stream.flush()

    def handleError(self, record: logging.LogRecord) -> None:
        """Log where a line could not be formatted."""
        if record.name != _UNWRITTEN:
            kind = getattr(sys.exc_info()[0], "__name__", "unknown")
            place = f"{record.name}, {record.module}:{record.lineno}"
            logging.getLogger(_UNWRITTEN).error("A line of %s could not be formatted (%s)", place, kind)


def hook_up() -> None:
    """Log what Python would print by itself: warnings, and uncaught exceptions of any thread."""
    log = logging.getLogger("service.uncaught")
    sys.excepthook = lambda kind, error, trace: log.critical("Uncaught", exc_info=(kind, error, trace))
    threading.excepthook = lambda args: log.error("Uncaught in a thread", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("Ignored: %s", args.err_msg or "an exception", exc_info=args.exc_value)
    logging.captureWarnings(True)


class _Where:
    """Adds the process, and the run in which a bot logged."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        event["process"], event["pid"] = self._process, os.getpid()
        name = str(event.get("logger", ""))
        if name.startswith(RUN_LOGGER + "."):
            event["logger"] = RUN_LOGGER
            event.setdefault("run_id", name.removeprefix(RUN_LOGGER + "."))
        return event


_KEPT = frozenset({"time", "level", "process", "pid", "_record", "_from_structlog"})
"""Our own fields, and those of structlog that are removed later."""


def _redacted(logger: Any, method: str, event: EventDict) -> EventDict:
    """Remove the environment's secrets from all fields."""
    for field, value in event.items():
        if field not in _KEPT:
            event[field] = redaction.redacted_json(value)
    return event


def _json(logger: Any, method: str, event: Mapping[str, Any]) -> str:
    line = json.dumps(_ordered(event), ensure_ascii=False, default=str).encode("utf-8", "backslashreplace").decode()
    return BREAKS.sub(lambda found: f"\\u{ord(found.group()):04x}", line)


def _text(logger: Any, method: str, event: Mapping[str, Any]) -> str:
    fields = dict(_ordered(event))
    time, level, message, name, process, pid = (fields.pop(name, "") for name in _OWN)
    exception = fields.pop("exception", None)
    beside = "".join(f" {field}={value}" for field, value in fields.items())
    line = f"{time} {process}[{pid}] {str(level).upper()} {name}: {message}{beside}"
    line = _CONTROL.sub(_escaped, line).encode("utf-8", "backslashreplace").decode()
    if not exception:
        return line
    return "\n".join([line, *(_CONTROL.sub(_escaped, part) for part in str(exception).split("\n"))])


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _ordered(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in _OWN if name in event} | dict(event)
