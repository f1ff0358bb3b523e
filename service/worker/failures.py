"""What a bot's exception says about its run. Bots may raise what they like, so nothing that it holds is relied on."""

from __future__ import annotations

from typing import Any

from service.bots.protocol import RunFailed
from service.domain.error_texts import said, worded
from service.domain.plain_json import plain
from service.domain.run_records import Outcome
from service.errors import ServiceError

_LONGEST_WAIT = 86_400.0


def outcome_of_failure(error: BaseException) -> Outcome:
    """The failed run that an exception makes: of one that was foreseen its sentence alone, of others also the class."""
    words = said(error) if isinstance(error, ServiceError) else worded(error)
    final, wait = _wishes(error) if isinstance(error, RunFailed) else (False, 0.0)
    return Outcome("failed", words, partial_result(error), final, wait)


def partial_result(error: BaseException) -> dict[str, Any] | None:
    """What a bot had done when it broke off, if its exception says so; else None."""
    try:
        result = getattr(error, "result", None)
        return dict(plain(result)) if isinstance(result, dict) else None
    except Exception:  # noqa: BLE001 - a bot's own class; that it broke off is told all the same
        return None


def _wishes(error: RunFailed) -> tuple[bool, float]:
    """Whether the failure is final, and how many seconds a retry should wait."""
    try:
        final, seconds = getattr(error, "final", False), getattr(error, "retry_after", 0.0)
    except Exception:  # noqa: BLE001 - a bot's own subclass
        return False, 0.0
    is_time = type(seconds) in (int, float) and seconds > 0
    return final is True, float(min(seconds, _LONGEST_WAIT)) if is_time else 0.0
