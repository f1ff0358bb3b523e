"""Use cases of accounts: each instant that a job's schedule named, its fate, and how many have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain import schedules
from service.domain.edits.edit import Edit
from service.domain.edits.edited_plans import closed_by
from service.domain.fates.account import GRACE_MS, Account
from service.domain.fates.counting import Totals, totals
from service.domain.fates.fate import FATES, Fate, Plan
from service.domain.fates.instants import MOST_WALKED, TooMany
from service.domain.fates.losses import IN_WORDS, Installation, Loss, complete_since
from service.domain.heartbeats.terms import is_watched
from service.domain.ids import is_id
from service.domain.pauses.pause import first_covering
from service.domain.records import UnreadableJob
from service.domain.timestamps import LAST_INSTANT, format_ms, format_timestamp, parse_timestamp
from service.errors import Conflict, ScheduleError, ValidationFailed
from service.store.jobs.epochs import Books, read_books
from service.store.scripts import Scripts
from service.usecases.access.sight import sees_definition
from service.usecases.ids import broken, no_job
from service.usecases.paging import invalid_cursor

MOST_ITEMS = 1000
"""Most instants of one page."""
SCANNED = 5000
"""Most instants that one page with a filter looks at; it may be short, and still have a cursor."""
SPAN_BEFORE, SPAN_AFTER = 7 * 86_400, 86_400
"""The span if nobody says, seconds before and after now."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An account as it was read.

    Args:
        account: the account.
        books: all that it follows from.
        loss: the latest loss.
    """

    account: Account
    books: Books
    loss: Loss


class Occurrences:
    """The accounts of jobs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def page(
        self, job_id: str, *, since: str | None = None, until: str | None = None, fate: str | None = None,
        limit: int = 100, cursor: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Read the fates of the instants that a job's schedule named, oldest first.

        Args:
            job_id: the job's id.
            since: the timestamp at which the span begins; None: a week ago.
            until: the timestamp before which it ends; None: in a day.
            fate: only those with this fate.
            limit: the most instants on the page, 1–`MOST_ITEMS`.
            cursor: the `next_cursor` of the page before.

        Returns:
            The page with the counts of the whole span. With a filter it may be short although more follow.

        Raises:
            NotFound: there is no such job.
            Conflict: its stored definition cannot be read.
            ValidationFailed: a parameter is invalid, or the span names too many instants.
        """
        if fate is not None and fate not in FATES:
            raise ValidationFailed.of("fate", f"must be one of {', '.join(FATES)}")
        read = self.read(job_id)
        now = read.books.now_ms // 1000
        start = parse_timestamp(since, "since") if since is not None else max(0, now - SPAN_BEFORE)
        end = parse_timestamp(until, "until") if until is not None else min(LAST_INSTANT, now + SPAN_AFTER)
        if end < start:
            raise ValidationFailed.of("until", "must not be before since")
        after = _place(cursor) if cursor is not None else start - 1
        found, following = _some(read.account, max(after, start - 1), end - 1, fate, limit)
        return {
            "items": [shown(one) for one in found],
            "next_cursor": None if following is None else str(following),
            "since": format_timestamp(start),
            "until": format_timestamp(end),
            **_counts(totals_of(read.account, start, end)),
            "complete_since": format_timestamp(read.loss.at),
            "complete_because": IN_WORDS[read.loss.why],
        }

    def read(self, job_id: str) -> Reading:
        """Read a job's account.

        Raises:
            NotFound, Conflict: as `page` does.
        """
        try:
            books = read_books(self._scripts, job_id) if is_id(job_id) else None
        except UnreadableJob as error:
            raise broken(job_id) from error
        if books is None or not sees_definition(books.record.definition):
            raise no_job(job_id)
        if is_watched(books.record.definition.bot_type):
            raise Conflict(
                f"Occurrences of job {job_id} are not accounted for: it is a heartbeat job, whose pings belong to no "
                "occurrence; its history lists them, and its health says whether one is missing"
            )
        installation = Installation(books.epochs_at, books.tzdata_at, books.holidays_at, books.lost_at)
        loss = complete_since(
            books.record, books.epochs, books.entries, books.now_ms, may_be_trimmed=books.may_be_trimmed,
            was_voided=books.clock_epochs > 0, installation=installation,
        )  # fmt: skip
        account = Account(
            job_id, books.epochs, books.entries, books.now_ms, books.record.last_decided, loss.at, plans_of(books),
            books.pauses,
        )  # fmt: skip
        return Reading(account, books, loss)


def plans_of(books: Books) -> Mapping[int, Plan]:
    """Return what people have decided about single instants, as far as the scheduler has not decided them yet.

    An instant with a plan has that fate until it has an entry, and no fold and no count takes it in.
    """
    return {edit.instant: _plan(edit, books) for edit in books.record.edits.pending}


def _plan(edit: Edit, books: Books) -> Plan:
    present = books.epochs[0]
    if edit.due + GRACE_MS <= books.now_ms:
        return Plan("overdue", edit.reason, edit.moved_to, edit.by, edit)
    if edit.action == "skip":
        return Plan("skipped", "edited", None, edit.by, edit)
    closed = None
    if present.schedule is not None:
        closed = closed_by(edit, present.schedule, present.options, present.calendar)
    if closed is not None:
        return Plan("closed", edit.reason, edit.moved_to, edit.by, edit, closed)
    pause = first_covering(books.pauses, edit.due)
    if pause is not None:
        return Plan("paused", "paused", edit.moved_to, pause.by, edit, pause=pause.told())
    return Plan("moved" if edit.action == "move" else "coming", edit.reason, edit.moved_to, edit.by, edit)


def totals_of(account: Account, start: int, end: int) -> Totals:
    """Count a span, epoch seconds, `end` exclusive.

    Raises:
        ValidationFailed: it names too many instants.
    """
    try:
        return totals(account, start - 1, end - 1)
    except TooMany:
        raise too_long() from None
    except ScheduleError as error:
        raise ValidationFailed.of("until", f"must leave a span that can be worked out: {error}") from error


def too_long() -> ValidationFailed:
    """Make the refusal of a span that names more instants than an account looks at."""
    return ValidationFailed.of(
        "since", f"must leave a span of {MOST_WALKED:,} occurrences at most; ask for a shorter one"
    )


def _some(account: Account, after: int, until: int, fate: str | None, limit: int) -> tuple[list[Fate], int | None]:
    """Find a page of fates, and the instant after which the next one begins; None if this is the last."""
    found: list[Fate] = []
    for number, one in enumerate(account.fates(after, until)):
        if len(found) == limit or (fate is not None and number == SCANNED):
            return found, one.at - 1
        if fate is None or one.word == fate:
            found.append(one)
    return found, None


def _place(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdecimal() or not int(cursor[:13]) <= LAST_INSTANT or len(cursor) > 12:
        raise invalid_cursor()
    return int(cursor)


def _counts(count: Totals) -> dict[str, int]:
    return {
        "named": count.named, "unaccounted": count.unaccounted, "doubled": count.doubled, "strays": count.strays,
    }  # fmt: skip


def shown(fate: Fate) -> dict[str, Any]:
    """Show a fate as the API does; what does not apply is left out."""
    schedule, entry = fate.epoch.schedule, fate.entry
    answer: dict[str, Any] = {
        "at": format_timestamp(fate.at),
        "local": schedules.local_times(schedule, [fate.at])[0] if schedule is not None else None,
        "fate": fate.word,
        "revision": fate.epoch.revision_at(fate.at),
    }
    if entry is not None:
        last = fate.last or entry
        answer |= {"run_id": entry.run_id, "status": last.status}
        if entry.is_rehearsal:
            answer["dry_run"] = True
        if entry.started_at is not None and entry.due is not None:
            answer["lateness_ms"] = max(0, entry.started_at - entry.due)
        if fate.last is not None:
            answer |= {"attempts": fate.last.attempt, "last_run_id": fate.last.run_id}
    for name in ("reason", "closed"):
        if (value := getattr(fate, name)) is not None:
            answer[name] = value
    for name in ("moved_from", "moved_to"):
        if (instant := getattr(fate, name)) is not None:
            answer[name] = format_timestamp(instant)
    if fate.moved_to is not None and schedule is not None:
        answer["moved_to_local"] = schedules.local_times(schedule, [fate.moved_to])[0]
    if fate.edit is not None:
        answer["edit"] = fate.edit.told()
    if fate.pause is not None:
        answer["pause"] = fate.pause
    if fate.made_up is not None:
        answer["made_up_by"] = {"run_id": fate.made_up.run_id, "status": fate.made_up.status}
    if fate.again is not None:
        started = fate.again.started_at
        answer["again"] = {
            "run_id": fate.again.run_id, "status": fate.again.status,
            "started_at": None if started is None else format_ms(started),
        }  # fmt: skip
    if fate.by is not None and "actor" in fate.by:
        answer["by"] = {"actor": fate.by["actor"], "name": fate.by.get("name")}
    return answer
