"""A pause: its request, its record, and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from service.domain.input.refusals import Refusals, echo, listed, require_object
from service.domain.pauses.scope import PauseScope, parse_scope
from service.domain.timestamps import format_ms, parse_timestamp
from service.errors import ValidationFailed

ON_RESUME = ("skip", "latest", "all")
"""What becomes of the occurrences within: skipped, or held, all but the newest skipped, or held."""
REASON_LENGTH = 500
FIELDS = ("scope", "until", "reason", "on_resume", "cancel_running")
READ_ONLY = ("id", "from", "ended_at", "by", "ended_by", "is_active", "jobs", "jobs_on_hold", "job_count")
STRICTNESS = {"skip": 3, "latest": 2, "all": 1}


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """A pause that somebody asks for. `until` is ms; None for one that somebody has to end."""

    scope: PauseScope
    reason: str
    on_resume: str = "skip"
    until: int | None = None
    cancel_running: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause as it is stored. Times are ms.

    Args:
        id: its id.
        scope: which jobs it is for.
        reason: why, for people.
        on_resume: see `ON_RESUME`.
        since: when it began.
        until: when it ends by itself; None if somebody has to end it.
        ended_at: when it ended; None while it is in force.
        by: who made it: actor and name; None for the service.
        ended_by: who ended it, if a person did.
        cancel_running: whether runs that were there before are cancelled.
    """

    id: str
    scope: PauseScope
    reason: str
    on_resume: str
    since: int
    until: int | None = None
    ended_at: int | None = None
    by: Mapping[str, str] | None = None
    ended_by: Mapping[str, str] | None = None
    cancel_running: bool = False

    def end_at(self, now_ms: int) -> int | None:
        """Return when it ended; None if it is in force. The scheduler may not have noted yet that it is over."""
        if self.ended_at is not None and (self.ended_by is not None or self.ended_at <= now_ms):
            return self.ended_at
        return self.until if self.until is not None and self.until <= now_ms else None

    def covers(self, due_ms: int) -> bool:
        """Return whether what comes due then falls within it, as far as its end is known. It is in force."""
        return self.until is None or due_ms < self.until

    def told(self) -> dict[str, Any]:
        """Return what a run's record says of it."""
        who = {} if self.by is None else {"by": self.by}
        return {"id": self.id, "reason": self.reason, "on_resume": self.on_resume, **who}

    def answer(self, now_ms: int) -> dict[str, Any]:
        """Return the pause as the API has it."""
        ended = self.end_at(now_ms)
        return {
            "id": self.id, "scope": self.scope.answer(), "jobs": self.scope.words(), "reason": self.reason,
            "on_resume": self.on_resume, "cancel_running": self.cancel_running, "from": format_ms(self.since),
            "until": None if self.until is None else format_ms(self.until), "is_active": ended is None,
            "ended_at": None if ended is None else format_ms(ended), "by": self.by, "ended_by": self.ended_by,
        }  # fmt: skip


def parse_pause(body: object, now_ms: int) -> PauseRequest:
    """Parse the request for a pause.

    Args:
        body: parsed JSON.
        now_ms: the time.

    Raises:
        ValidationFailed: it is invalid.
    """
    given = require_object(body, "")
    refusals = Refusals()
    refusals.unknown({name: None for name in given if name not in READ_ONLY}, FIELDS, "", "a pause")
    scope = refusals.attempt(lambda: parse_scope(given.get("scope")))
    reason = refusals.attempt(lambda: _reason(given.get("reason")))
    until = refusals.attempt(lambda: _until(given.get("until"), now_ms))
    on_resume, cancels = given.get("on_resume", "skip"), given.get("cancel_running", False)
    if on_resume not in ON_RESUME:
        refusals.add("on_resume", f"must be {listed(map(echo, ON_RESUME))}, not {echo(on_resume)}")
    if not isinstance(cancels, bool):
        refusals.add("cancel_running", f"must be true or false, not {echo(cancels)}")
    refusals.raise_any()
    assert scope is not None and reason is not None
    return PauseRequest(scope, reason, on_resume, until, cancels)


def parse_stored(text: bytes) -> Pause | None:
    """Read a stored pause; None if outside hands have damaged it."""
    try:
        found = orjson.loads(text)
        return Pause(
            str(found["id"]), parse_scope(found["scope"]), str(found["reason"]), found["on_resume"], int(found["from"]),
            _number(found.get("until")), _number(found.get("ended_at")), found.get("by"), found.get("ended_by"),
            bool(found.get("cancel_running")),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, ValidationFailed):
        return None


def covering(
    pauses: Iterable[Pause], now_ms: int, job_id: str, labels: Mapping[str, str], bot_type: str
) -> list[Pause]:
    """List the pauses in force that are for a job, first the one that decides: skip before latest before all."""
    found = [one for one in pauses if one.end_at(now_ms) is None and one.scope.takes(job_id, labels, bot_type)]
    return sorted(found, key=lambda one: (-STRICTNESS.get(one.on_resume, 0), one.since, one.id))


def first_covering(pauses: Iterable[Pause], due_ms: int) -> Pause | None:
    """Return the first of some pauses in force that covers what comes due at an instant, ms."""
    return next((one for one in pauses if one.covers(due_ms)), None)


def last_end(pauses: Iterable[Pause]) -> int | None:
    """Return when the last of some pauses in force ends by itself, ms; None if somebody has to end one."""
    ends = [pause.until for pause in pauses]
    known = [end for end in ends if end is not None]
    return max(known, default=None) if len(known) == len(ends) else None


def paused_until(
    pauses: Iterable[Pause], now_ms: int, job_id: str, labels: Mapping[str, str], bot_type: str
) -> int | None:
    """Return up to when a job is certainly paused, ms: until when the pauses in force are that have an end."""
    ends = [one.until for one in covering(pauses, now_ms, job_id, labels, bot_type) if one.until is not None]
    return max(ends, default=None)


def _reason(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValidationFailed.of("reason", f"is required: text of 1 to {REASON_LENGTH} characters")
    text = value.strip()
    if len(text) > REASON_LENGTH:
        raise ValidationFailed.of("reason", f"must have at most {REASON_LENGTH} characters, not {len(text):,}")
    if not text.isprintable():
        raise ValidationFailed.of("reason", f"must be one line of printable text, not {echo(value)}")
    return text


def _until(value: object, now_ms: int) -> int | None:
    if value is None:
        return None
    until = parse_timestamp(value, "until") * 1000
    if until <= now_ms:
        raise ValidationFailed.of("until", f"must lie in the future, not {echo(value)}")
    return until


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
