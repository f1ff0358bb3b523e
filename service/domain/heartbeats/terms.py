"""Terms of heartbeat jobs: what such a job may ask for. Its schedule says when a ping is due, and nothing runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.input.refusals import Refusals
from service.domain.options import Options
from service.domain.schedules.definition import Schedule, Union

HEARTBEAT = "heartbeat"
"""The bot type of jobs that are watched, and not run."""
GRACE_SECONDS, LONGEST_GRACE_SECONDS = 3600, 31_622_400
"""How long after an occurrence a ping is missing, unless the job says otherwise; and the longest that it may say."""
TAKEN = frozenset({"starts_at", "ends_at", "calendar", "on_closed", "alert_urls", "expect"})
"""The options of a heartbeat job. `expect.result` is not taken."""
_DEFAULTS = Options()
_ELSEWHERE = "has no effect on a heartbeat job, whose work others do; leave it out"


def is_watched(bot_type: str) -> bool:
    """Return whether jobs of a bot are done by others, so that they have no runs but those that pings report."""
    return bot_type == HEARTBEAT


def grace_ms(bot_config: Mapping[str, Any]) -> int:
    """Return how long after an occurrence a ping is missing, ms."""
    return int(bot_config.get("grace_seconds", GRACE_SECONDS)) * 1000


def expected_letters(bot_type: str, options: Options) -> str | None:
    """Return a letter for each thing that is expected of a job (`lua/shared/expectations.lua`); None for nothing."""
    letters = "" if options.expect is None else options.expect.flags
    return letters + ("p" if is_watched(bot_type) else "") or None


def require_watchable(schedule: Schedule | None, options: Options | None) -> None:
    """Refuse what has no effect on a heartbeat job: nothing is accepted and then ignored.

    Args:
        schedule: the job's; None if it is refused already.
        options: the job's; None if they are refused already.

    Raises:
        ValidationFailed: naming every option beside its default, and each configuration that a schedule gives its runs.
    """
    refusals = Refusals()
    for name in Options.model_fields:
        if options is not None and name not in TAKEN and getattr(options, name) != getattr(_DEFAULTS, name):
            refusals.add(f"options.{name}", _ELSEWHERE)
    if options is not None and options.expect is not None and options.expect.result is not None:
        refusals.add("options.expect.result", "has no effect on a heartbeat job: pings bring no result; leave it out")
    if isinstance(schedule, Union):
        for index, member in enumerate(schedule.members):
            if member.overlay:
                refusals.add(f"schedule_config.schedules[{index}].bot_config", _ELSEWHERE)
    refusals.raise_any()
