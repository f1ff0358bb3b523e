"""A job as the API shows it, made ready from the texts that Redis keeps.

What is stored of a definition is JSON already, so the answer is put together from it as it stands: nothing is parsed
that was parsed before, and nothing is kept twice that could disagree. What comes again and again (options,
configurations, timestamps) is remembered by its exact text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import orjson

from service.domain.options import Options
from service.domain.timestamps import format_timestamp

VIEW_FIELDS = (
    "name", "description", "bot_type", "enabled", "schedule_type", "schedule_config", "bot_config", "options",
    "created_at", "updated_at", "last_run_at", "last_run_status", "last_run_error", "next_due", "state", "state_reason",
    "revision",
)  # fmt: skip
"""The fields of a job's hash that its answer is made of; the answer is made of their values in this order."""
REMEMBERED = 8192
"""Texts of a kind remembered by a process: some MiB at the most."""
REMEMBERED_BYTES = 4096
"""Longer ones are read each time."""

Values = Sequence[bytes | None]

_ANSWER = (
    b'{"id": "%b", "name": %b, "description": %b, "bot_type": %b, "enabled": %b, "schedule_type": %b, '
    b'"schedule_config": %b, "bot_config": %b, "options": %b, "created_at": %b, "updated_at": %b, "last_run_at": %b, '
    b'"last_run_status": %b, "last_run_error": %b, "next_run_at": %b, "state": %b, "state_reason": %b, "revision": %d}'
)


def job_view(job_id: str, values: Values) -> bytes:
    """The job's answer, JSON.

    Args:
        job_id: a UUID.
        values: of `VIEW_FIELDS`.

    Raises:
        ValueError, TypeError: they are not what this service writes.
    """
    (name, description, bot_type, enabled, kind, schedule, config, options, created, updated, ran, status, error, due,
     state, reason, revision) = values  # fmt: skip
    on = enabled == b"1"
    if state is None and on:
        state = b"scheduled"
    elif not on and state != b"broken":
        state = b"disabled"
    return _ANSWER % (
        job_id.encode(), text(name), optional(text, description), word(bot_type),
        b"true" if on else b"false", word(kind), _object(schedule), _object(config), _options(options),
        instant(created), instant(updated), optional(instant, ran),
        optional(word, status), optional(text, error),
        optional(instant, due), word(state), optional(word, reason),
        int(there(revision)),
    )  # fmt: skip


def optional(show: Callable[[bytes], bytes], value: bytes | None) -> bytes:
    """What `show` makes of it, or null."""
    return b"null" if value is None else show(value)


def there(value: bytes | None) -> bytes:
    """What must be there. Raises ValueError."""
    if value is None:
        raise ValueError("a field is missing")
    return value


def text(value: bytes | None) -> bytes:
    """A text, as JSON."""
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
    """A text out of few."""
    return text(value)


@lru_cache(REMEMBERED)
def _options(json: bytes | None) -> bytes:
    """Whole, with the defaults of options that there were not yet when they were stored."""
    return Options.model_validate_json(there(json)).model_dump_json().encode()


@lru_cache(2 * REMEMBERED)
def instant(ms: bytes | None) -> bytes:
    """A timestamp, as JSON. What happens in one second, or was planned for it, shares it."""
    return timestamp(int(there(ms)) // 1000)


@lru_cache(2 * REMEMBERED)
def timestamp(seconds: int) -> bytes:
    """`"YYYY-MM-DDTHH:MM:SS"` with its quotes, UTC."""
    return f'"{format_timestamp(seconds)}"'.encode()
