"""Jobs as the API shows them: one, a page, or all, in the order of their creation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.store.asking import ask, ask_packed, hash_fields, scored
from service.store.jobs import Position, UnreadableJob
from service.store.scripts import Scripts
from service.store.shown import SHOWN_FIELDS, Values, shown

CHUNK = 500
"""Jobs read at a time where a list is long, or most of them may be passed over."""


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job's id, its answer, JSON, and its definition's revision."""

    id: str
    json: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted; each that is not set lets all through.

    Args:
        enabled_only: those that are switched on.
        bot_type: those of one bot.
        q: those whose name or description contains this, whatever its case.
    """

    enabled_only: bool = False
    bot_type: str | None = None
    q: str | None = None

    @property
    def wants_all(self) -> bool:
        """Whether it lets every job through."""
        return not (self.enabled_only or self.bot_type or self.q)

    def wants(self, values: Values) -> bool:
        """Whether a job is wanted, by the values of its `SHOWN_FIELDS`."""
        name, description, bot_type, enabled = values[:4]
        if self.enabled_only and enabled != b"1":
            return False
        if self.bot_type and bot_type != self.bot_type.encode("utf-8", "surrogatepass"):
            return False
        if not self.q:
            return True
        return self.q.casefold() in f"{(name or b'').decode()}\n{(description or b'').decode()}".casefold()


class Listing:
    """Reads jobs to show them.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def one(self, job_id: str) -> ShownJob | None:
        """One job, or None.

        Args:
            job_id: a UUID.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        (values,) = ask_packed(self._scripts, hash_fields([self._keys.job(job_id)], SHOWN_FIELDS))
        try:
            if any(values):
                return ShownJob(job_id, shown(job_id, values), int(values[-1]))
        except (ValueError, TypeError) as error:
            raise UnreadableJob(f"{type(error).__name__}: {error}") from error
        return None

    def many(self, job_ids: Sequence[str], wanted: JobFilter) -> list[bytes | None]:
        """Jobs, JSON; None for one that is gone, damaged or not wanted."""
        keys = [self._keys.job(job_id) for job_id in job_ids]
        found = ask_packed(self._scripts, hash_fields(keys, SHOWN_FIELDS)) if keys else []
        return [_wanted(job_id, values, wanted) for job_id, values in zip(job_ids, found, strict=True)]

    def page(
        self, limit: int, after: Position | None, wanted: JobFilter, scan: int
    ) -> tuple[list[bytes], Position | None]:
        """Up to `limit` jobs after a position.

        Args:
            scan: jobs looked at, at most; the page may be short for it.

        Returns:
            The jobs, JSON, and where to go on if there is more.
        """
        items: list[bytes] = []
        looked_at = 0
        while True:
            chunk = min(CHUNK, limit - len(items)) if wanted.wants_all else CHUNK
            positions = self.positions(after, chunk + 1)
            jobs = self.many([position.job_id for position in positions[:chunk]], wanted)
            for place, (position, job) in enumerate(zip(positions, jobs, strict=False), 1):
                after = position
                if job is not None:
                    items.append(job)
                if len(items) == limit:
                    return items, after if place < len(positions) else None
            looked_at += chunk
            if len(positions) <= chunk:
                return items, None
            if looked_at >= scan:
                return items, after

    def all(self, wanted: JobFilter) -> Iterator[bytes]:
        """All jobs, JSON, in bounded memory."""
        after: Position | None = None
        while positions := self.positions(after, CHUNK):
            yield from (job for job in self.many([p.job_id for p in positions], wanted) if job is not None)
            if len(positions) < CHUNK:
                return
            after = positions[-1]

    def positions(self, after: Position | None, count: int) -> list[Position]:
        """Up to `count` jobs' places in the order of their creation."""
        start: Any = after.created if after else "-inf"
        wanted = count
        while True:
            command = ("ZRANGE", self._keys.jobs, start, "+inf", "BYSCORE", "LIMIT", 0, wanted, "WITHSCORES")
            rows = scored(ask(self._scripts, command)[0])
            found = [Position(int(score), member.decode()) for member, score in rows]
            if after:
                found = [place for place in found if place > after]
            if len(found) >= count or len(rows) < wanted:
                return found[:count]
            # Jobs that were created in the same microsecond stand before the place where this goes on.
            wanted *= 2


def _wanted(job_id: str, values: Any, wanted: JobFilter) -> bytes | None:
    try:
        return shown(job_id, values) if wanted.wants_all or wanted.wants(values) else None
    except (ValueError, TypeError):
        return None
