"""Which instants a backfill means, by the account of the job: each one is named by the schedule as it was then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.domain.fates.account import Account
from service.domain.fates.entries import Entry
from service.domain.fates.epochs import Epoch, Stretch, stretches
from service.domain.fates.fate import Fate
from service.domain.fates.instants import is_open, walk_open
from service.domain.records import JobRecord
from service.domain.schedules import members_due
from service.domain.schedules.run_members import stored_members

RULES: Mapping[str, str] = {
    "missing": "Instants that the schedule named, as it was then, and for which nothing ran: they were skipped, also "
    "by a pause, their run was cancelled before it began, the job changed before they were decided, or nothing is "
    "recorded. "
    "Not those that the calendar closed, that somebody has skipped, rehearsed or cancelled one by one, that are still "
    "to be decided, or that a backfill or a run by hand has made up for.",
    "failed": "Instants whose newest run has failed, as the history has them; not those that a backfill or a run by "
    "hand has made good, or that are under way. Rehearsals do not count.",
    "all": "Instants that the schedule names, as it was then, whether or not they ran or the job was on; before the "
    "first schedule that is kept, by that one. Not those that the calendar closed, or that are still to be decided.",
}
"""Which instants `only` means, in words."""
_UNDECIDED = ("dropped", "overdue", "unaccounted")


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant.

    Args:
        at: epoch seconds.
        members: of a union, as a run keeps them (`stored_members`).
        why: why nothing ran, in a word; None if that was not asked.
    """

    at: int
    members: str | None = None
    why: str | None = None


def decided_until(record: JobRecord, now_s: int) -> int:
    """Return up to when a job's occurrences are over, epoch seconds, exclusive: later ones are still to be decided."""
    upcoming = record.plan.next_occurrence
    return now_s + 1 if upcoming is None else min(now_s + 1, upcoming)


def missing(account: Account, since: int, until: int) -> Iterator[Instant | None]:
    """Yield the instants for which nothing ran, in order; None for each other one that was looked at.

    Args:
        account: the job's.
        since: epoch seconds; not before it is complete.
        until: epoch seconds, exclusive; not later than what is decided.
    """
    for fate in account.fates(since - 1, until - 1):
        why = _why_missing(account, fate)
        yield None if why is None else Instant(fate.at, _members(fate.epoch, fate.at), why)


def _why_missing(account: Account, fate: Fate) -> str | None:
    """Say in a word why nothing ran for an instant; None if something did, or somebody meant that nothing should."""
    if fate.at in account.carried_out:
        return None
    if fate.entry is not None:
        return None if fate.word == "closed" or _is_meant(fate.entry) else fate.reason or fate.entry.status
    if fate.at in account.plans or fate.word not in _UNDECIDED or not is_open(fate.epoch, fate.at):
        return None
    return "dropped" if fate.word == "dropped" else "unaccounted"


def _is_meant(entry: Entry) -> bool:
    """Tell whether a person has decided about this one occurrence: skipped or rehearsed it, or cancelled its run."""
    return (
        entry.reason == "edited"
        or (entry.edit is not None and entry.is_rehearsal)
        or (entry.is_decision and entry.status == "cancelled" and entry.by is not None)
    )


def failed(account: Account, since: int, until: int) -> Iterator[Instant]:
    """Yield the instants whose newest run has failed, in order; `until`: epoch seconds, exclusive."""
    newest: dict[int, Entry] = {}
    for entry in account.entries:
        if since <= entry.first < until and entry.counts:
            newest.setdefault(entry.first, entry)
    for at, entry in sorted(newest.items()):
        if entry.status == "failed":
            yield Instant(at, entry.members)


def named(account: Account, since: int, until: int) -> Iterator[Instant]:
    """Yield all instants that the schedule names and no calendar closes, in order, whether or not the job was on.

    Args:
        account: the job's.
        since: epoch seconds; not before `known_since`.
        until: epoch seconds, exclusive; not later than what is decided.
    """
    for stretch in _whole(account):
        if stretch.epoch.schedule is not None:
            for at in walk_open(stretch, since - 1, until - 1):
                if account.entry_of(at) is not None or at not in account.plans:
                    yield Instant(at, _members(stretch.epoch, at))


def known_since(account: Account) -> int:
    """Return from when on it is known how each schedule was, epoch seconds; 0 if no kept one has become unreadable."""
    unknown = [one for one in _whole(account) if one.epoch.schedule is None or one.epoch.lacks_calendar]
    return max((account.now_ms // 1000 + 1 if one.until is None else one.until + 1 for one in unknown), default=0)


def _whole(account: Account) -> list[Stretch]:
    """Divide all of time among the epochs: the first one begins with time."""
    oldest = account.epochs[-1]
    return [Stretch(oldest, -1, oldest.since), *stretches(account.epochs)]


def _members(epoch: Epoch, at: int) -> str | None:
    assert epoch.schedule is not None
    members = members_due(epoch.schedule, epoch.options, at, epoch.anchor, epoch.calendar)
    return stored_members(members) if members else None
