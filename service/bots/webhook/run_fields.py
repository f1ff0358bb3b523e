"""The facts of a run as a webhook sends them: as fields of its body's template, and as headers.

A template can use texts, whole numbers and lists of texts alone, so instants and objects are texts here. What has to be
looked up is looked up only if the template names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot_scheduler import Context, PreviousSuccess

UPCOMING = 10
"""The occurrences to come that a body can name."""
NAME_LIMIT = 1_000
"""The most characters of a percent-encoded name in a header. Only names of nearly 200 emoji are longer."""
_WORD = re.compile(r"[\x21-\x7e]{1,100}")

_FIELDS: dict[str, Callable[[Context], Any]] = {
    "run_id": lambda context: context.run_id,
    "job_id": lambda context: context.job_id,
    "now": lambda context: _iso(context.now),
    "date": lambda context: context.now.date().isoformat(),
    "time": lambda context: context.now.replace(microsecond=0).time().isoformat(),
    "timezone": lambda context: context.timezone.key,
    "job_name": lambda context: context.run.job_name,
    "trigger": lambda context: context.run.trigger,
    "attempt": lambda context: context.run.attempt,
    "scheduled_for": lambda context: _iso(context.run.scheduled_for),
    "due": lambda context: _iso(context.run.due),
    "window_start": lambda context: _iso(context.run.window.start),
    "window_end": lambda context: _iso(context.run.window.end),
    "previous_success": lambda context: _when(context.run.previous_success),
    "previous_result": lambda context: _result(context.run.previous_success),
    "upcoming": lambda context: [str(_iso(one)) for one in context.run.upcoming(UPCOMING)],
    "names": lambda context: list(context.run.names),
    "requested_by": lambda context: context.run.requested_by,
}

_EVERY: dict[str, Any] = {
    "run_id": "1f0e9a52-6d0e-4c1e-9d7a-0b8c8f6f6a11",
    "job_id": "5f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a11",
    "now": "2025-04-12T08:00:00+00:00",
    "date": "2025-04-12",
    "time": "08:00:00",
    "timezone": "UTC",
    "job_name": "Close the books",
    "trigger": "schedule",
    "attempt": 1,
    "scheduled_for": "2025-04-12T08:00:00+00:00",
    "due": "2025-04-12T08:00:00+00:00",
    "window_start": "2025-04-11T08:00:00+00:00",
    "window_end": "2025-04-12T08:00:00+00:00",
    "previous_success": "2025-04-11T08:00:00+00:00",
    "previous_result": '{"status": 200}',
    "upcoming": ["2025-04-13T08:00:00+00:00"],
    "names": ["night"],
    "requested_by": None,
}
SAMPLES: tuple[dict[str, Any], ...] = (
    _EVERY,
    _EVERY
    | {"trigger": "manual", "scheduled_for": None, "window_start": None, "previous_success": None}
    | {"previous_result": None, "upcoming": [], "names": [], "requested_by": "root"},
)
"""Values of every field, of a run of an occurrence and of one by hand, with which a template is tried."""


def fields_of(context: Context, names: Iterable[str]) -> dict[str, Any]:
    """Return some fields of a run, by name."""
    return {name: _FIELDS[name](context) for name in names if name in _FIELDS}


def headers_of(context: Context) -> dict[str, str]:
    """Return the headers that tell of a run: printable ASCII on one line, whatever the job's name is."""
    run = context.run
    found = {
        "Bot-Scheduler-Job": _word(context.job_id),
        "Bot-Scheduler-Job-Name": _encoded(run.job_name),
        "Bot-Scheduler-Trigger": _word(run.trigger),
        "Bot-Scheduler-Attempt": str(run.attempt),
    }
    if run.scheduled_for is not None:
        found["Bot-Scheduler-Scheduled-For"] = str(_iso(run.scheduled_for))
    return found


def _encoded(name: str) -> str:
    """Percent-encode a name (RFC 3986), and cut it between two characters if it is too long."""
    parts, size = [], 0
    for character in name:
        part = quote(character, safe="", errors="replace")
        size += len(part)
        if size > NAME_LIMIT:
            break
        parts.append(part)
    return "".join(parts)


def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) else _encoded(text)


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.replace(microsecond=0).isoformat()


def _when(success: PreviousSuccess | None) -> str | None:
    return None if success is None else _iso(success.started_at)


def _result(success: PreviousSuccess | None) -> str | None:
    return None if success is None else json.dumps(success.result)
