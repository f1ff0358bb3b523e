"""A job as the API shows it, made ready from the texts that Redis keeps.

What is stored of a definition is JSON already, so the answer is put together from it as it stands: nothing is parsed
that was parsed before, and nothing is kept twice that could disagree. What comes again and again (options,
configurations, timestamps) is remembered by its exact text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from service.models import Options

SHOWN_FIELDS = (
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


def shown(job_id: str, values: Values) -> bytes:
    """The job's answer, JSON.

    Args:
        job_id: a UUID.
        values: of `SHOWN_FIELDS`.

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
        job_id.encode(), _text(name), b"null" if description is None else _text(description), _word(bot_type),
        b"true" if on else b"false", _word(kind), _object(schedule), _object(config), _options(options),
        _instant(created), _instant(updated), b"null" if ran is None else _instant(ran),
        b"null" if status is None else _word(status), b"null" if error is None else _text(error),
        b"null" if due is None else _instant(due), _word(state), b"null" if reason is None else _word(reason),
        int(_there(revision)),
    )  # fmt: skip


def _there(value: bytes | None) -> bytes:
    if value is None:
        raise ValueError("a field is missing")
    return value


def _text(value: bytes | None) -> bytes:
    return orjson.dumps(_there(value).decode())


def _object(value: bytes | None) -> bytes:
    text = _there(value)
    return _whole_object(text) if len(text) > REMEMBERED_BYTES else _object_seen(text)


def _whole_object(text: bytes) -> bytes:
    found = orjson.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return text


_object_seen = lru_cache(REMEMBERED)(_whole_object)


@lru_cache(REMEMBERED)
def _word(value: bytes | None) -> bytes:
    """A text out of few."""
    return _text(value)


@lru_cache(REMEMBERED)
def _options(text: bytes | None) -> bytes:
    """Whole, with the defaults of options that there were not yet when they were stored."""
    return Options.model_validate_json(_there(text)).model_dump_json().encode()


@lru_cache(2 * REMEMBERED)
def _instant(ms: bytes | None) -> bytes:
    """A timestamp in quotes. What happens in one second, or was planned for it, shares it."""
    return timestamp(int(_there(ms)) // 1000)


@lru_cache(2 * REMEMBERED)
def timestamp(seconds: int) -> bytes:
    """`"YYYY-MM-DDTHH:MM:SS"` with its quotes, UTC."""
    return f'"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}"'.encode()
