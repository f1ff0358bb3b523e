"""Outcome of a run whose bot raised an exception. Bots may raise anything, so this code relies on nothing in it."""

from __future__ import annotations

from typing import Any

from bot_scheduler import RunFailed
from service.domain.error_texts import said, worded
from service.domain.plain_json import plain
from service.domain.run_records import Outcome
from service.errors import ServiceError

_LONGEST_WAIT = 86_400.0


def outcome_of_failure(error: BaseException) -> Outcome:
    """Return the failure that an exception makes: a foreseen one by its sentence alone, others with their class."""
    words = said(error) if isinstance(error, ServiceError) else worded(error)
    final, wait = _wishes(error) if isinstance(error, RunFailed) else (False, 0.0)
    return Outcome("failed", words, partial_result(error), final, wait)


def partial_result(error: BaseException) -> dict[str, Any] | None:
    """Return the work that a bot had done when it broke off, if its exception has it; else None."""
    try:
        result = getattr(error, "result", None)
        return dict(plain(result)) if isinstance(result, dict) else None
    except Exception:  # noqa: BLE001 - a bot's own class; the failure is reported all the same
        return None


def _wishes(error: RunFailed) -> tuple[bool, float]:
    """Return whether the failure is final, and how many seconds a retry should wait."""
    try:
        final, seconds = getattr(error, "final", False), getattr(error, "retry_after", 0.0)
    except Exception:  # noqa: BLE001 - a bot's own subclass
        return False, 0.0
    is_time = type(seconds) in (int, float) and seconds > 0
    return final is True, float(min(seconds, _LONGEST_WAIT)) if is_time else 0.0
