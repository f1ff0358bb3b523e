"""Backfills in Redis: a hash each, the list of the instants that are left, and the set of the open runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from service.domain.backfilling.instants import Instant
from service.domain.backfilling.request import BackfillRequest
from service.domain.timestamps import format_ms, format_timestamp
from service.store.audit.entries import entry_of as audit_entry
from service.store.audit.entries import recorded, requested_by
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs

KEPT = 20
"""Backfills of a job that are kept."""
FEED = 10
"""The most runs that one call of the script hands out."""
TRIES = 5
"""How often a backfill is read again because its counts have changed meanwhile."""
FATES = ("success", "failed", "cancelled", "skipped", "dropped")
"""What became of an instant, once that is certain; `dropped`: it got no run, since the backfill was cancelled."""


class BackfillStore:
    """Backfills, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def newest(self, job_id: str) -> str:
        """Return the id of a job's newest backfill; empty before the first."""
        (found,) = ask(self._scripts, ("LINDEX", self._keys.backfills(job_id), 0))
        return "" if found is None else str(found.decode(errors="replace"))

    def start(
        self, job_id: str, revision: int, newest: str, asked: BackfillRequest, instants: Sequence[Instant], *,
        rehearsal: bool, bound: bool, request_id: str | None, idempotency: Idempotency | None = None,
    ) -> tuple[str, str] | Recalled:  # fmt: skip
        """Start a backfill.

        Args:
            job_id: the job's.
            revision: that of the job when its instants were found.
            newest: the job's newest backfill before that; empty without one.
            asked: the request.
            instants: in order, at most 10,000.
            rehearsal: whether its runs are rehearsals.
            bound: whether its runs may only use secrets that are bound to hosts.
            request_id: the request's; log lines about its runs carry it.
            idempotency: the request's key and body; None without a key.

        Returns:
            `started` and its id; `active` and the id of another one; `gone` or `stale` and nothing; or the earlier
            answer to the Idempotency-Key.
        """
        backfill_id = str(uuid.uuid4())
        members = list(dict.fromkeys(instant.members for instant in instants if instant.members is not None))
        numbers = {text: number for number, text in enumerate(members)}
        fields: dict[str, Any] = {
            "since": asked.since, "until": asked.until, "only": asked.only, "max_parallel": asked.max_parallel,
            "overlay": None if asked.overlay is None else json.dumps(asked.overlay), "bound": "1" if bound else None,
            "rehearsal": "1" if rehearsal else None, "requested_by": requested_by() or None, "request_id": request_id,
            "members": json.dumps(members) if members else None,
        }  # fmt: skip
        flat = [str(part) for name, value in fields.items() if value is not None for part in (name, value)]
        left = [f"{one.at}" if one.members is None else f"{one.at} {numbers[one.members]}" for one in instants]
        told = {
            "since": (None, format_timestamp(asked.since)), "until": (None, format_timestamp(asked.until)),
            "only": (None, asked.only), "max_parallel": (None, asked.max_parallel), "instants": (None, len(instants)),
            "bot_config": (None, asked.overlay or {}),
        }  # fmt: skip
        entry = audit_entry("backfill.start", backfill_id, recorded(told), job_id)
        answer = self._scripts.run(
            "start_backfill", job_id, backfill_id, revision, json.dumps(flat), json.dumps(left),
            *(idempotency or NO_KEY).arguments(), entry.text, KEPT, newest,
        )  # fmt: skip
        if (kept := recalled(answer)) is not None:
            return kept
        word, *other = (part.decode() for part in answer)
        if word == "started":
            entry.log()
        return word, other[0] if other else backfill_id

    def cancel(self, job_id: str, backfill_id: str) -> str:
        """Cancel a backfill. Returns `cancelled`, `done` (too late) or `gone`."""
        entry = audit_entry("backfill.cancel", backfill_id, job_id=job_id)
        word = str(self._scripts.run("cancel_backfill", job_id, backfill_id, entry.text).decode())
        if word == "cancelled":
            entry.log()
        return word

    def active(self) -> list[str]:
        """List the backfills under way."""
        (ids,) = ask(self._scripts, ("SMEMBERS", self._keys.active_backfills))
        return sorted(backfill_id.decode(errors="replace") for backfill_id in ids)

    def feed(self, backfill_id: str) -> int:
        """Make runs of the next instants while there is room. Return how many."""
        return int(self._scripts.run("feed_backfill", backfill_id, *(str(uuid.uuid4()) for _ in range(FEED))))

    def of_job(self, job_id: str) -> list[dict[str, Any]]:
        """Read a job's backfills, newest first, as the API shows them."""
        (ids,) = ask(self._scripts, ("LRANGE", self._keys.backfills(job_id), 0, -1))
        shown = [self.one(job_id, backfill_id.decode(errors="replace")) for backfill_id in ids]
        return [backfill for backfill in shown if backfill is not None]

    def one(self, job_id: str, backfill_id: str) -> dict[str, Any] | None:
        """Read one backfill of a job, as the API shows it; None if it does not exist.

        A run may begin or end between the answers, so they are read again until the counts make up the total.
        """
        shown: dict[str, Any] | None = None
        for _ in range(TRIES):
            found, left, is_open = ask(
                self._scripts, ("HGETALL", self._keys.backfill(backfill_id)),
                ("LLEN", self._keys.backfill_left(backfill_id)), ("SCARD", self._keys.backfill_open(backfill_id)),
            )  # fmt: skip
            fields = {name.decode(): value.decode(errors="replace") for name, value in pairs(found).items()}
            if fields.get("job_id") != job_id:
                return None
            shown = _shown(backfill_id, fields, left, is_open)
            if shown["total"] == left + is_open + sum(shown[fate] for fate in FATES):
                break
        return shown


def _shown(backfill_id: str, fields: Mapping[str, str], left: int, is_open: int) -> dict[str, Any]:
    ended_at = fields.get("ended_at")
    return {
        "backfill_id": backfill_id,
        "job_id": fields["job_id"],
        "state": fields["state"],
        "since": format_timestamp(int(fields["since"])),
        "until": format_timestamp(int(fields["until"])),
        "only": fields["only"],
        "max_parallel": int(fields["max_parallel"]),
        "rehearsal": fields.get("rehearsal") == "1",
        "created_at": format_ms(int(fields["created_at"])),
        "ended_at": None if ended_at is None else format_ms(int(ended_at)),
        "requested_by": orjson.loads(fields["requested_by"]) if "requested_by" in fields else None,
        "total": int(fields["total"]),
        "left": left,
        "open": is_open,
        **{fate: int(fields.get(fate, 0)) for fate in FATES},
    }
