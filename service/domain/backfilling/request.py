"""The request for a backfill, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.domain.input.refusals import Refusals, echo, listed, require_object
from service.domain.job_fields import checked_boolean
from service.domain.timestamps import parse_timestamp
from service.errors import ValidationFailed

ONLY = ("missing", "failed", "all")
"""Which instants a backfill means: those without a run, those whose newest run has failed, or all."""
MOST_INSTANTS = 10_000
"""The most instants of one backfill."""
MOST_PARALLEL = 100
"""The most runs that a backfill may have open at a time."""
_FIELDS = ("since", "until", "only", "max_parallel", "bot_config", "dry_run")


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """A request for a backfill.

    Args:
        since: the first instant that it may mean, epoch seconds.
        until: it means none from here on, epoch seconds.
        only: one of `ONLY`.
        max_parallel: how many of its runs may be open at a time, 1 to `MOST_PARALLEL`.
        overlay: laid over the job's `bot_config` for its runs, not yet checked against the bot; None for nothing.
        dry_run: whether to tell the instants, and to start nothing.
    """

    since: int
    until: int
    only: str = "missing"
    max_parallel: int = 1
    overlay: dict[str, Any] | None = None
    dry_run: bool = False


def parse_backfill(body: object) -> BackfillRequest:
    """Parse the backfill that `POST /jobs/{id}/backfill` asks for.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, _FIELDS, "", "a backfill")
    since = refusals.attempt(lambda: parse_timestamp(fields.get("since"), "since"))
    until = refusals.attempt(lambda: parse_timestamp(fields.get("until"), "until"))
    only = refusals.attempt(lambda: _only(fields.get("only", "missing")))
    parallel = refusals.attempt(lambda: _parallel(fields.get("max_parallel", 1)))
    dry_run = refusals.attempt(lambda: checked_boolean(fields.get("dry_run", False), "dry_run"))
    overlay = refusals.attempt(
        lambda: require_object(fields["bot_config"], "bot_config") if "bot_config" in fields else None
    )
    if since is not None and until is not None and until <= since:
        refusals.add("until", "must be later than since")
    refusals.raise_any()
    assert since is not None and until is not None and only is not None and parallel is not None
    return BackfillRequest(since, until, only, parallel, overlay, bool(dry_run))


def _only(value: object) -> str:
    if value not in ONLY:
        raise ValidationFailed.of("only", f"must be {listed(map(echo, ONLY))}, not {echo(value)}")
    return str(value)


def _parallel(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_PARALLEL:
        expected = f"a whole number from 1 to {MOST_PARALLEL}"
        raise ValidationFailed.of("max_parallel", f"must be {expected}, not {echo(value)}")
    return value
