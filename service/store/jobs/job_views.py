"""Job views: jobs as the API shows them, put together from the texts in Redis.

A stored definition is JSON already, so a view takes it as it stands: nothing is parsed twice, and nothing is stored
twice that could disagree. Texts that come again and again (options, configurations, timestamps) are remembered.
`service.domain.records.JobRecord.answer` makes the same of a parsed job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import orjson

from service.domain.heartbeats.terms import HEARTBEAT
from service.domain.job import ANSWER_FIELDS
from service.domain.options import Options
from service.domain.records import NONE_RUNS
from service.domain.timestamps import format_timestamp

VIEW_FIELDS = (
    "name", "description", "bot_type", "enabled", "labels", "schedule_type", "schedule_config", "bot_config", "options",
    "created_at", "updated_at", "last_run_at", "last_run_status", "last_run_error", "next_due", "state", "state_reason",
    "next_run", "health", "revision",
)  # fmt: skip
"""The fields of a job's hash from which its view is made; `job_view` takes their values in this order."""
REMEMBERED = 8192
"""Texts of each kind that a process remembers: some MiB at the most."""
REMEMBERED_BYTES = 4096
"""Longer texts are parsed each time."""

_HEARTBEAT = HEARTBEAT.encode()
_NONE_RUNS = b"%d" % NONE_RUNS
Values = Sequence[bytes | None]

_ANSWER = b"{%b}" % b", ".join(b'"%b": %%b' % name.encode() for name in ANSWER_FIELDS)


def job_view(job_id: str, values: Values) -> bytes:
    """Make the view of a job, JSON.

    Args:
        job_id: a UUID.
        values: of `VIEW_FIELDS`.

    Raises:
        ValueError, TypeError: the values are damaged.
    """
    (name, description, bot_type, enabled, labels, kind, schedule, config, options, created, updated, ran, status,
     error, due, state, reason, next_run, health, revision) = values  # fmt: skip
    on, state = enabled == b"1", state_of(enabled, state)
    return _ANSWER % (
        b'"%b"' % job_id.encode(), text(name), optional(text, description), word(bot_type),
        b"true" if on else b"false", word(kind), _object(schedule), _object(config), _options(options),
        b"{}" if labels is None else _object(labels),
        instant(created), instant(updated or created), optional(instant, ran),
        optional(word, status), optional(text, error),
        _next_run_at(next_run, due), word(state), optional(word, reason),
        _health(health, bot_type, options),
        b"%d" % int(there(revision)),
    )  # fmt: skip


def state_of(enabled: bytes | None, state: bytes | None) -> bytes:
    """Return a job's state, as the API names it, from its stored fields."""
    if enabled != b"1" and state != b"broken":
        return b"disabled"
    return b"scheduled" if state is None else state


def _health(health: bytes | None, bot_type: bytes | None, options: bytes | None) -> bytes:
    """Write a job's health; null if nothing is expected of it. In JSON, quotes within a text have a backslash."""
    expects = b'"expect":{' in there(options) or bot_type == _HEARTBEAT
    return word(health or b"ok") if expects else b"null"


def _next_run_at(next_run: bytes | None, due: bytes | None) -> bytes:
    return b"null" if next_run == _NONE_RUNS else optional(instant, next_run or due)


def optional(show: Callable[[bytes], bytes], value: bytes | None) -> bytes:
    """Convert a value by `show`; null without a value."""
    return b"null" if value is None else show(value)


def there(value: bytes | None) -> bytes:
    """Return a value that must be there. Raises ValueError."""
    if value is None:
        raise ValueError("a field is missing")
    return value


def text(value: bytes | None) -> bytes:
    """Write a text as JSON."""
    return orjson.dumps(there(value).decode())


def _object(value: bytes | None) -> bytes:
    found = there(value)
    return _whole_object(found) if len(found) > REMEMBERED_BYTES else _object_seen(found)


def _whole_object(json: bytes) -> bytes:
    if not isinstance(orjson.loads(json), dict):
        raise ValueError("no object")
    return json


_object_seen = lru_cache(REMEMBERED)(_whole_object)


@lru_cache(REMEMBERED)
def word(value: bytes | None) -> bytes:
    """Write a text as JSON, and remember it: there are few such texts."""
    return text(value)


@lru_cache(REMEMBERED)
def _options(json: bytes | None) -> bytes:
    """Add the defaults, also those of options newer than the stored ones."""
    return Options.model_validate_json(there(json)).model_dump_json().encode()


@lru_cache(2 * REMEMBERED)
def instant(ms: bytes | None) -> bytes:
    """Write a timestamp, as JSON, and remember it: all events of one second share it."""
    return timestamp(int(there(ms)) // 1000)


@lru_cache(2 * REMEMBERED)
def timestamp(seconds: int) -> bytes:
    """Write `"YYYY-MM-DDTHH:MM:SS"` with its quotes, UTC."""
    return f'"{format_timestamp(seconds)}"'.encode()
