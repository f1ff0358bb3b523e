"""Lists of job views: one job, a page, or all, in the order of their creation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from service.batches import batched
from service.domain.access.labels import EVERY_JOB, JobChoice
from service.domain.records import UnreadableJob
from service.store.jobs.job_cache import READ_AT_ONCE, Answer, JobCache
from service.store.jobs.job_hashes import Position
from service.store.jobs.job_rows import TRAIT_FIELDS, JobFilter, Traits, traits_of
from service.store.jobs.job_views import VIEW_FIELDS, Values, job_view
from service.store.jobs.paused import stored_texts, with_pauses
from service.store.scripts import Scripts
from service.store.server.asking import Ask, ask, ask_packed, hash_fields, scored
from service.store.server.exchange import packed

_TRAITS = tuple(VIEW_FIELDS.index(name) for name in TRAIT_FIELDS)
CHUNK = 1000
"""Jobs read at a time where a list is long, or where a filter may reject most of them."""


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job's id, its view, JSON, and its definition's revision."""

    id: str
    json: bytes
    revision: int


class _Window(NamedTuple):
    """Some jobs' ids in the order of their creation, and the place of the last of them if there are more."""

    ids: list[bytes]
    last: Position | None


class Listing:
    """Reader of job views.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self._cache = JobCache(scripts)
        self._ask_pauses = packed("HVALS", scripts.keys.pauses)

    def one(self, job_id: str, choice: JobChoice = EVERY_JOB) -> ShownJob | None:
        """Read one job; None if there is no such job, or if a choice does not take it.

        Args:
            job_id: a UUID.
            choice: among all jobs.

        Raises:
            UnreadableJob: its hash is damaged.
        """
        values, pauses = ask_packed(self._scripts, self._questions([job_id]))
        try:
            if not any(values) or not (choice.is_all or JobFilter(choice=choice).wants(job_id, _traits(values))):
                return None
            view, revision = job_view(job_id, values), int(values[-1])
        except (ValueError, TypeError) as error:
            raise UnreadableJob(f"{type(error).__name__}: {error}") from error
        (shown,) = with_pauses(self._scripts, [view], stored_texts(pauses))
        return ShownJob(job_id, shown, revision)

    def page(self, limit: int, after: Position | None) -> tuple[Sequence[bytes], Position | None]:
        """Read up to `limit` jobs after a position.

        Args:
            limit: jobs on the page.
            after: where the page before ended; None for the first page.

        Returns:
            The jobs, JSON, and where to go on if there are more.
        """
        items: list[bytes] = []
        while True:
            window, jobs, pauses = self._jobs(after, limit - len(items), JobFilter())
            items += [job for job in jobs if job is not None]
            after = window.last
            if after is None or len(items) == limit:
                return with_pauses(self._scripts, items, pauses), after

    def some(self, job_ids: Sequence[str], wanted: JobFilter) -> dict[str, bytes]:
        """Read some jobs: id -> JSON, in their order, without those that are gone, damaged or rejected."""
        found: dict[str, bytes] = {}
        for ids in batched(job_ids, READ_AT_ONCE):
            *rows, pauses = ask_packed(self._scripts, self._questions(ids))
            jobs = {one: job for one, row in zip(ids, rows, strict=True) if (job := _wanted(one, row, wanted))}
            shown = with_pauses(self._scripts, list(jobs.values()), stored_texts(pauses))
            found.update(zip(jobs, shown, strict=True))
        return found

    def all(self, wanted: JobFilter) -> Iterator[Sequence[bytes]]:
        """Yield all jobs, JSON, some at a time."""
        after: Position | None = None
        while True:
            window, jobs, pauses = self._jobs(after, CHUNK, wanted)
            yield with_pauses(self._cache.scripts, [job for job in jobs if job is not None], pauses)
            after = window.last
            if after is None:
                return

    def _jobs(self, after: Position | None, count: int, wanted: JobFilter) -> Answer[_Window]:
        """Read the next `count` jobs, None in the place of one that is gone, damaged or rejected; and the pauses."""

        def find(asking: Ask) -> tuple[_Window, Sequence[bytes]]:
            window = self._window(after, count, asking)
            return window, window.ids

        if wanted.wants_all and (cached := self._cache.show(find)) is not None:
            return cached
        scripts = self._cache.scripts  # on a connection of its own, so that long lists delay nobody
        window = self._placed(after, count, partial(ask, scripts))
        jobs: list[bytes | None] = []
        pauses: Any = ()
        for some in batched([job_id.decode(errors="replace") for job_id in window.ids], READ_AT_ONCE):
            *found, pauses = ask_packed(scripts, self._questions(some))
            jobs += [_wanted(job_id, values, wanted) for job_id, values in zip(some, found, strict=True)]
        return window, jobs, stored_texts(pauses)

    def _questions(self, job_ids: Sequence[str]) -> list[bytes]:
        """Ask for some jobs, and for the pauses."""
        return [*hash_fields([self._keys.job(job_id) for job_id in job_ids], VIEW_FIELDS), self._ask_pauses]

    def _window(self, after: Position | None, count: int, asking: Ask) -> _Window:
        if after is None:
            ids, last = asking(
                ("ZRANGE", self._keys.jobs, 0, count), ("ZRANGE", self._keys.jobs, count - 1, count - 1, "WITHSCORES")
            )
            return _Window(ids[:count], _position(*scored(last)[0]) if len(ids) > count else None)
        return self._placed(after, count, asking)

    def _placed(self, after: Position | None, count: int, asking: Ask) -> _Window:
        start: Any = after.created if after else "-inf"
        wanted = count + (2 if after else 1)  # the job where the page starts is read again
        while True:
            (rows,) = asking(("ZRANGE", self._keys.jobs, start, "+inf", "BYSCORE", "LIMIT", 0, wanted, "WITHSCORES"))
            found = [_position(member, score) for member, score in scored(rows)]
            whole = len(found) < wanted
            if after:
                found = [place for place in found if place > after]
            if whole or len(found) > count:
                places = found[:count]
                last = places[-1] if len(found) > count else None
                return _Window([place.job_id.encode() for place in places], last)
            # Jobs that were created in the same microsecond stand before the place where the page starts.
            wanted *= 2


def _position(member: bytes, score: float) -> Position:
    return Position(int(score), member.decode(errors="replace"))


def _wanted(job_id: str, values: Any, wanted: JobFilter) -> bytes | None:
    try:
        is_wanted = wanted.wants_all or wanted.wants(job_id, _traits(values))
        return job_view(job_id, values) if is_wanted else None
    except (ValueError, TypeError):
        return None


def _traits(values: Values) -> Traits:
    return traits_of(*(values[index] for index in _TRAITS))
