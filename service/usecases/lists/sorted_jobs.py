"""Use case: jobs, sorted, filtered and counted over all of them."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile
from typing import Any, Unpack

import orjson

from service.batches import batched
from service.domain.heartbeats.terms import is_watched
from service.domain.input.refusals import echo, listed
from service.domain.plain_json import dumps
from service.errors import ValidationFailed
from service.store.jobs.job_hashes import Position
from service.store.jobs.job_rows import SORTS, JobFilter, JobRow, row_source
from service.store.jobs.listing import Listing
from service.store.scripts import Scripts
from service.store.server.kept_rows import KeptRows
from service.usecases.access.side_doors import veiled
from service.usecases.job_filters import JobFilters, job_filter
from service.usecases.paging import cursor_of, invalid_cursor
from service.usecases.views import Page, Shown, View

ORDERS = ("asc", "desc")
READ_AT_ONCE = 200
"""Jobs of a whole list to read at once."""


@dataclass(frozen=True, slots=True)
class SortedPage(Page):
    """One page of a sorted list of jobs.

    Args:
        total: how many jobs the list has in all.
        rows: of the jobs that are shown, in order.
    """

    total: int = 0
    rows: Sequence[JobRow] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list of jobs. Those that have nothing to sort by (never ran, do not run) are last, by their ids.

    Args:
        sort: one of `SORTS`.
        down: whether the highest stands first.
    """

    sort: str
    down: bool

    @classmethod
    def asked(cls, sort: str | None, order: str | None) -> Order:
        """Read what a caller asks for; None: the order of creation, and each sort's own direction.

        Raises:
            ValidationFailed: there is no such order.
        """
        sort = "created" if sort is None else sort
        if sort not in SORTS:
            raise ValidationFailed.of("sort", f"must be {listed(map(echo, SORTS))}, not {echo(sort)}")
        if order not in (None, *ORDERS):
            raise ValidationFailed.of("order", f"must be {listed(map(echo, ORDERS))}, not {echo(order)}")
        return cls(sort, SORTS[sort][1] if order is None else order == "desc")

    def of(self, job: JobRow) -> Any:
        """Return what a job is sorted by; None if it has no such thing."""
        return SORTS[self.sort][0](job)

    def put(self, jobs: Sequence[JobRow]) -> list[JobRow]:
        """Sort jobs."""
        keyed = [(self.of(job), job.id, job) for job in jobs]
        valued = sorted((one for one in keyed if one[0] is not None), key=_place, reverse=self.down)
        without = sorted((one for one in keyed if one[0] is None), key=lambda one: one[1])
        return [job for _, _, job in (*valued, *without)]

    def cursor(self, job: JobRow) -> str:
        """Return the cursor of the page after a job."""
        text = orjson.dumps([self.sort, self.down, self.of(job), job.id])
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    def after(self, cursor: str, jobs: Sequence[JobRow]) -> list[JobRow]:
        """Return those of sorted jobs that come after a cursor.

        Raises:
            ValidationFailed: no list in this order has given the cursor.
        """
        try:
            text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
            sort, down, value, job_id = orjson.loads(text)
            if (sort, down) == (self.sort, self.down) and isinstance(job_id, str):
                return list(dropwhile(partial(self._is_not_after, value, job_id), jobs))
        except (ValueError, TypeError, binascii.Error):
            pass
        raise invalid_cursor()

    def _is_not_after(self, value: Any, job_id: str, job: JobRow) -> bool:
        its = self.of(job)
        if value is None or its is None:
            return its is not None or (value is None and job.id <= job_id)
        return bool((its, job.id) >= (value, job_id) if self.down else (its, job.id) <= (value, job_id))


def _place(keyed: tuple[Any, str, JobRow]) -> tuple[Any, str]:
    return keyed[:2]


def _position(job: JobRow) -> Position:
    return Position(job.created, job.id)


class SortedJobs:
    """The lists of jobs that are sorted, filtered and counted over all jobs of the caller.

    Args:
        scripts: the scripts of this installation.
        visible: the bots whose errors are about no persons.
    """

    def __init__(self, scripts: Scripts, visible: Collection[str]) -> None:
        self._rows = KeptRows(scripts, row_source(scripts.keys))
        self._listing = Listing(scripts)
        self._visible = visible

    def page(
        self, sort: str | None = None, order: str | None = None, *, limit: int, cursor: str | None = None,
        skip: int = 0, **filters: Unpack[JobFilters],
    ) -> SortedPage:  # fmt: skip
        """Read a page.

        Args:
            sort: one of `SORTS`; None: `created`.
            order: `asc` or `desc`; None: as is usual for the sort.
            limit: the most jobs on the page.
            cursor: the `next_cursor` of the page before, or None.
            skip: how many jobs to pass over.
            filters: see `JobFilters`.

        Raises:
            ValidationFailed: the order, the cursor or a filter is invalid.
        """
        found, its = self._found(sort, order, filters)
        rest = found if cursor is None else its.after(cursor, found)
        rows = rest[skip : skip + limit]
        shown = self._views(rows)
        following = its.cursor(rows[-1]) if len(rest) > skip + limit else None
        there = [row for row in rows if row.id in shown]
        return SortedPage([shown[row.id] for row in there], following, len(found), there)

    def following(self, limit: int, after: Position | None, **filters: Unpack[JobFilters]) -> Page:
        """Read the jobs that come after a place, in the order of their creation.

        Args:
            limit: the most jobs on the page.
            after: the place; None for the first page.
            filters: see `JobFilters`.

        Raises:
            ValidationFailed: a filter is invalid.
        """
        found, _ = self._found("created", "asc", filters)
        start = 0 if after is None else bisect_right(found, after, key=_position)
        rows = found[start : start + limit]
        shown = self._views(rows)
        cursor = cursor_of(_position(rows[-1])) if len(found) > start + limit else None
        return Page([shown[row.id] for row in rows if row.id in shown], cursor)

    def all(self, sort: str | None, order: str | None, **filters: Unpack[JobFilters]) -> Iterator[Sequence[bytes]]:
        """Read the whole list: JSON, some jobs at a time. Raises ValidationFailed as `page` does."""
        found, _ = self._found(sort, order, filters)
        for rows in batched(found, READ_AT_ONCE):
            yield [dumps(one) for one in self._views(rows).values()]

    def named(self, job_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Read the jobs with these ids, as far as they exist for the caller: id -> job."""
        return {job_id: View(job).data for job_id, job in self._shown(job_ids, job_filter()).items()}

    def count(self) -> tuple[int, int, int | None]:
        """Count the caller's jobs, and the enabled ones; and tell when the first of them runs next, ms."""
        rows = self._chosen(job_filter())
        soonest = min((row.next_run for row in rows if row.next_run is not None), default=None)
        return len(rows), sum(row.traits.is_enabled for row in rows), soonest

    def number(self, **filters: Unpack[JobFilters]) -> int:
        """Count those of the caller's jobs that filters take. Raises ValidationFailed as `page` does."""
        return len(self._chosen(job_filter(**filters)))

    def scheduled(self) -> list[JobRow]:
        """Return those of the caller's jobs that are due some time, in the order of their creation."""
        rows = self._chosen(job_filter())
        return [row for row in rows if row.traits.is_enabled and row.traits.state == "scheduled"]

    def due_until(self, until: int, *, watched: bool = True, **filters: Unpack[JobFilters]) -> dict[str, int]:
        """Return when those of the caller's jobs run next that do so by then, epoch seconds: id -> ms.

        Args:
            until: epoch seconds, inclusive.
            watched: whether jobs count whose work others do.
            filters: see `JobFilters`.

        Raises:
            ValidationFailed: a filter is malformed.
        """
        rows = self._chosen(job_filter(**filters))
        return {
            row.id: row.next_run
            for row in rows
            if row.next_run is not None
            and row.next_run <= until * 1000
            and (watched or not is_watched(row.traits.bot_type))
        }

    def _found(self, sort: str | None, order: str | None, filters: JobFilters) -> tuple[list[JobRow], Order]:
        its, wanted = Order.asked(sort, order), job_filter(**filters)
        return its.put(self._chosen(wanted)), its

    def _chosen(self, wanted: JobFilter) -> Sequence[JobRow]:
        rows = self._rows.rows() if wanted.ids is None else self._rows.some(sorted(wanted.ids))
        return rows if wanted.wants_all else [row for row in rows if wanted.wants(row.id, row.traits)]

    def _views(self, rows: Sequence[JobRow]) -> dict[str, Shown]:
        return self._shown([row.id for row in rows], JobFilter())

    def _shown(self, job_ids: Sequence[str], wanted: JobFilter) -> dict[str, Shown]:
        found = self._listing.some(job_ids, wanted)
        return {job_id: veiled(job, self._visible) for job_id, job in found.items()}
