"""Pauses in Redis: made, ended, read; and the leading scheduler's part in their ends."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from service.domain.pauses.pause import Pause, PauseRequest, parse_stored
from service.domain.plain_json import dumps
from service.domain.schedules.schema_versions import PAUSES
from service.errors import Conflict, ValidationFailed
from service.store.audit.entries import entry_of, recorded, requested_by
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.older_schedulers import require_schedulers
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.store.server.redis_clock import ms_of

MOST_ACTIVE = 200
"""Most pauses that may be in force."""
REMINDS_MS = 86_400_000
"""A pause without an end reminds people of itself each time that so many ms have passed."""
BY_THE_SERVICE = '{"actor": "service", "name": "the service"}'
RUNS_AT_ONCE = 100
"""Runs that one step cancels, or jobs that one step lets in."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The answer to the leading scheduler's look at the pauses.

    Args:
        has_more: whether there is more to let in.
        next_end_ms: in how many ms the next pause ends by itself; None if none does.
        ended: how many pauses have just ended by themselves.
        cancelling: the ids of pauses that are to cancel runs.
    """

    has_more: bool
    next_end_ms: int | None
    ended: int
    cancelling: tuple[str, ...]


class PauseStore:
    """Pauses, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def stored(self) -> tuple[int, list[Pause]]:
        """Return Redis' time, ms, and the pauses that are stored as in force, the oldest first."""
        now, found = ask(self._scripts, ("TIME",), ("HVALS", self._keys.pauses))
        return ms_of(now), _read(found)

    def all(self) -> tuple[int, list[Pause]]:
        """Return Redis' time, ms, and the pauses in force and of the last 30 days, the newest first."""
        now, active, over = self._scripts.read(
            lambda pipe: (pipe.time(), pipe.hvals(self._keys.pauses), pipe.zrange(self._keys.ended_pauses, 0, -1))
        )
        found = {pause.id: pause for pause in (*_read(active), *_read(over))}
        return ms_of(now), sorted(found.values(), key=lambda pause: (pause.since, pause.id), reverse=True)

    def jobs_on_hold(self, pause_ids: Sequence[str]) -> list[int]:
        """Count the jobs of which each of some pauses holds runs, or held some that are now held by another."""
        if not pause_ids:
            return []
        counts = ask(self._scripts, *(("SCARD", self._keys.pause_jobs(pause_id)) for pause_id in pause_ids))
        return [int(count) if isinstance(count, int) else 0 for count in counts]

    def make(self, asked: PauseRequest, idempotency: Idempotency | None = None) -> Pause | Recalled:
        """Make a pause. Nothing that it covers is let through once this has returned.

        Args:
            asked: the request.
            idempotency: the request's key and body; None without a key.

        Returns:
            The pause; or the earlier answer to the Idempotency-Key, the id of that pause.

        Raises:
            StoreUnavailable: a scheduler of an older release is up, which knows no pauses; or Redis is away.
            ValidationFailed: it would be over already.
            Conflict: too many are in force.
        """
        require_schedulers(self._scripts, PAUSES, "pauses")
        pause_id, by = str(uuid.uuid4()), requested_by()
        fields = {
            "id": pause_id, "scope": asked.scope.answer(), "reason": asked.reason, "on_resume": asked.on_resume,
            **({} if asked.until is None else {"until": asked.until}),
            **({"by": orjson.loads(by)} if by else {}),
            **({"cancel_running": True} if asked.cancel_running else {}),
        }  # fmt: skip
        told = {name: value for name, value in fields.items() if name not in ("id", "by")}
        entry = entry_of("pause.create", pause_id, recorded({name: (None, value) for name, value in told.items()}))
        found = self._scripts.run(
            "make_pause", pause_id, dumps(fields), asked.until or "", MOST_ACTIVE, entry.text,
            *(idempotency or NO_KEY).arguments(),
        )  # fmt: skip
        if (kept := recalled(found)) is not None:
            return kept
        word, *answer = found
        if word == b"past":
            raise ValidationFailed.of("until", "must lie in the future")
        if word == b"too_many":
            raise Conflict(f"{MOST_ACTIVE} pauses are in force already; end some first")
        entry.log()
        made = parse_stored(answer[0])
        assert made is not None
        return made

    def end(self, pause: Pause) -> Pause | None:
        """End a pause. Return it as it is then; None if it has ended already, or is no longer known."""
        entry = entry_of("pause.end", pause.id)
        by = requested_by() or BY_THE_SERVICE
        word, *answer = self._scripts.run("end_pause", pause.id, by, entry.text, secrets.token_hex(8))
        if word != b"ended":
            return None
        entry.log()
        return parse_stored(answer[0])

    # the leading scheduler's part

    def resume(self) -> Resumed:
        """End the pauses whose time has come, and let in what pauses that are over hold, some jobs at a time."""
        more, left, ended, cancelling = self._scripts.run("resume_jobs", RUNS_AT_ONCE, REMINDS_MS)
        ids = tuple(one.decode(errors="replace") for one in cancelling)
        return Resumed(bool(more), int(left) if left else None, int(ended), ids)

    def cancel_runs(self, pause_id: str) -> int:
        """Cancel the runs that were there before a pause that asks for it. Return how many."""
        reason = self._cancel_reason(pause_id)
        found = ask(
            self._scripts,
            # In the order in which a run moves on, so that none is missed.
            *(("ZRANGE", name, 0, -1) for name in (self._keys.retries, self._keys.queued, self._keys.leases)),
        )
        ids = [run_id for some in found if isinstance(some, list) for run_id in some]
        count = 0
        for start in range(0, max(1, len(ids)), RUNS_AT_ONCE):
            some = ids[start : start + RUNS_AT_ONCE]
            is_last = start + RUNS_AT_ONCE >= len(ids)
            cancelled = int(self._scripts.run("cancel_paused", pause_id, reason, int(is_last), *some))
            if cancelled < 0:
                break
            count += cancelled
        return count

    def _cancel_reason(self, pause_id: str) -> str:
        (text,) = ask(self._scripts, ("HGET", self._keys.pauses, pause_id))
        pause = None if text is None else parse_stored(text)
        return f"cancelled by a pause{'' if pause is None else f': {pause.reason}'}"


def _read(texts: Sequence[bytes]) -> list[Pause]:
    found = (parse_stored(text) for text in texts)
    return sorted((pause for pause in found if pause is not None), key=lambda pause: (pause.since, pause.id))
