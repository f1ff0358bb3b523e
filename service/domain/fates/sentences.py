"""Sentences that say, in plain English, what became of an occurrence, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from service.domain.fates.account import Account
from service.domain.fates.entries import Entry
from service.domain.fates.epochs import Epoch
from service.domain.fates.fate import Fate
from service.domain.fates.moments import written
from service.domain.schedules import due_ms
from service.domain.schedules.calendar_words import counted, duration

SECOND = 1000
DECIDED_LATE_MS = 30_000
"""A decision later than this tells of an outage; a shorter delay is told as waiting."""
_ENDED = {"success": "succeeded", "failed": "failed", "cancelled": "was cancelled"}


def words(seconds: int) -> str:
    """Write a duration; without the seconds that nobody needs, from ten minutes on."""
    return duration(seconds - seconds % 60 if seconds >= 600 else max(1, seconds))


def sentence_of(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    """Say what became of an occurrence, without saying when it was.

    Args:
        account: the job's.
        fate: the occurrence's.
        zone: in which times are written.
    """
    found = _sentence(account, fate, zone)
    return f"it {_moved(fate, zone)}. There, {found}" if fate.is_moved else found


def arrived_sentence(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    """Say of an occurrence that was moved to another time, at that time, what became of it."""
    return f"The one of {written(fate.at, zone)} {_moved(fate, zone, 'there')}: {_sentence(account, fate, zone)}"


def _moved(fate: Fate, zone: ZoneInfo, where: str | None = None) -> str:
    edit = fate.edit
    to = where or f"to {'another time' if fate.moved_to is None else written(fate.moved_to, zone)}"
    by, reason = (fate.by, _reason_of(fate)) if edit is None else (edit.by, edit.reason)
    return f"was moved {to}{_by(by)}{_because(reason)}"


def _sentence(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    told = [_fate_sentence(account, fate, zone)]
    told += [] if fate.made_up is None else [_made_up(account, fate.made_up)]
    told += [] if fate.again is None else [_again(account, fate.again, zone)]
    return " ".join(told)


def _fate_sentence(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    match fate.word:
        case "ran":
            return f"{_ran(account, fate)}{_set(fate)}"
        case "skipped":
            does = "did not run" if fate.entry is not None else "will not run"
            return f"it {does}. {_skipped(account, fate, zone)}"
        case "closed":
            does = "did not run" if fate.entry is not None else "will not run"
            return f"it {does}. The calendar {fate.epoch.options.calendar} closes it: {fate.closed or 'a closed day'}."
        case "paused":
            return _paused(account, fate, zone)
        case "moved" if fate.entry is not None:
            return _ran(account, fate)
        case "moved":
            return _in_time(((fate.moved_to or fate.at) * SECOND - account.now_ms) // SECOND)
        case "dropped":
            return _dropped(fate, zone)
        case "coming":
            return _coming(account, fate, zone)
        case "overdue":
            return "it is due, and not decided: no scheduler is up, or it does not get that far."
        case "unaccounted":
            return "it was decided, and its entry is gone: somebody else has written to Redis."
        case _:
            return "it is not known any more what became of it."


def _ran(account: Account, fate: Fate) -> str:
    entry, last = fate.entry, fate.last or fate.entry
    assert entry is not None and last is not None
    due = _due(account, fate, entry)
    if entry.trigger == "backfill":
        return f"it did not run then. {_made_up(account, last)}"
    if fate.last is not None:
        found = f"it ran {_lateness(entry, due)}, and attempt {last.attempt} {_state(account, last)}."
        return f"{found}{_why_late(entry, due)}"
    if entry.started_at is None and entry.status == "queued":
        return f"its run is queued, for {words((account.now_ms - (entry.queued_at or 0)) // SECOND)} now."
    if entry.started_at is None:
        return f"its run was {entry.status} before it started{_by(entry.by)}."
    ran, nothing = ("was rehearsed", " Nothing was sent or written.") if entry.is_rehearsal else ("ran", "")
    return f"it {ran} {_lateness(entry, due)} and {_state(account, entry)}.{nothing}{_why_late(entry, due)}"


def _due(account: Account, fate: Fate, entry: Entry) -> int | None:
    """Return when a run was due, ms; of one that a pause held, before that: the run itself is due when it is let in."""
    if entry.pause is None:
        return entry.due
    moved_to = fate.moved_to if fate.is_moved else None
    return due_ms(account.job_id, fate.at, fate.epoch.options) if moved_to is None else moved_to * SECOND


def _made_up(account: Account, entry: Entry) -> str:
    return f"A backfill makes up for it: its run {_state(account, entry)}."


def _again(account: Account, entry: Entry, zone: ZoneInfo) -> str:
    by = _by(entry.by) if entry.again_of is not None else " by a backfill"
    if entry.started_at is None:
        return f"It is to be run again{by}: that run {_state(account, entry)}."
    at = written(entry.started_at // SECOND, zone)
    if entry.status == "running":
        return f"It is being run again{by}, since {at}."
    return f"It was run again at {at}{by}, which {_state(account, entry)}."


def _state(account: Account, entry: Entry) -> str:
    if entry.status == "running":
        return f"is under way, for {words((account.now_ms - (entry.started_at or account.now_ms)) // SECOND)} now"
    if entry.status == "skipped":
        return f"was skipped by its bot{_because(entry.reason)}"
    return _ENDED.get(entry.status, f"is {entry.status}")


def _lateness(entry: Entry, due: int | None) -> str:
    late = 0 if entry.started_at is None or due is None else (entry.started_at - due) // SECOND
    return "on time" if late < 1 else f"{words(late)} late"


def _why_late(entry: Entry, due: int | None) -> str:
    if entry.started_at is None or due is None or entry.started_at - due < SECOND:
        return ""
    if entry.pause is not None:
        return f" {_a_pause(entry.pause)} held it{_because(entry.pause.get('reason'))}."
    queued_at = due if entry.queued_at is None else entry.queued_at
    if queued_at - due >= DECIDED_LATE_MS:
        late = words((queued_at - due) // SECOND)
        return f" It was decided {late} late: no scheduler was up, or Redis was away."
    return f" It waited {words((entry.started_at - due) // SECOND)} for a worker or for its turn."


def _skipped(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    options = fate.epoch.options
    match fate.reason:
        case "misfire":
            return f"It was found later than misfire_grace_seconds allows ({words(options.misfire_grace_seconds)})."
        case "missed":
            return "It was missed, and the job does not catch up (catch_up: none)."
        case "coalesced" if _waited(fate):
            return "Its run was waiting for its turn when a newer one came due, and overlap is latest."
        case "coalesced":
            runs_for_it = _newer(account, fate)
            which = "a newer one" if runs_for_it is None else f"the occurrence of {written(runs_for_it.at, zone)}"
            return f"It was missed, and {which} ran for it, because catch_up is {options.catch_up}."
        case "overlap":
            most = options.max_concurrent_runs
            were = "was" if most == 1 else "were"
            return (
                f"{counted(most, 'run')} of the job {were} queued or under way, as many as max_concurrent_runs allows, "
                "and overlap is skip."
            )
        case "waiting_limit":
            return "As many runs of the job as may wait were waiting already."
        case "clock":
            return "It was decided by a clock that was ahead, and that decision is void."
        case "edited":
            return f"It {'was' if fate.entry else 'is'} skipped{_by(fate.by)}{_because(_reason_of(fate))}."
        case "disabled":
            return "When it came due, the job was disabled."
        case other:
            return f"It was skipped{_by(fate.by)}: {other}." if other else f"It was skipped{_by(fate.by)}."


def _waited(fate: Fate) -> bool:
    """Tell whether a run was made for a coalesced occurrence, and waited; otherwise, it was missed."""
    assert fate.entry is not None
    options, entry = fate.epoch.options, fate.entry
    return options.overlap == "latest" and (options.catch_up != "latest" or entry.queued_at != entry.finished_at)


def _newer(account: Account, fate: Fate) -> Fate | None:
    """Find the occurrence that ran for one that was missed: the first with a run after it, decided together with it."""
    assert fate.entry is not None
    found = account.after(fate.entry.last)
    return found if found is not None and found.entry is not None and found.entry.ran else None


def _paused(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    pause, because = fate.pause or {}, _because(_reason_of(fate))
    ends = next((one.until for one in account.pauses if one.id == pause.get("id")), None)
    until = "" if ends is None else f" until {written(ends // SECOND, zone)}"
    named = f"{_a_pause(pause)}{until}"
    if fate.entry is not None and fate.entry.ran:
        return f"its run is held by {_lower(named)}{because}."
    if fate.entry is not None and fate.reason == "coalesced":
        return f"it did not run. {_a_pause(pause)} held it{because}, and let the latest alone run at the end."
    if fate.entry is not None:
        return f"it did not run. {_a_pause(pause)} covered it{because}."
    if pause.get("on_resume", "skip") != "skip":
        return f"its run will be held by {_lower(named)}{because}."
    return f"it will not run. {named} covers it{because}."


def _a_pause(pause: Mapping[str, Any]) -> str:
    return f"A pause{_by(pause.get('by'))}"


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _reason_of(fate: Fate) -> str | None:
    """Return why somebody paused or changed it, in their words."""
    found: Any = fate.reason if fate.entry is None else None
    if fate.word == "paused":
        found = None if fate.pause is None else fate.pause.get("reason")
    elif fate.edit is not None:
        found = fate.edit.reason
    return found if isinstance(found, str) else None


def _dropped(fate: Fate, zone: ZoneInfo) -> str:
    what = {"calendar": "its calendar was changed", "clock": "the clock was set right"}.get(
        fate.reason or "", "the job was changed"
    )
    when = "" if fate.epoch.until_ms is None else f", at {written(fate.epoch.until_ms // 1000, zone)}"
    by = f",{_by(fate.by)}" if fate.by else ""
    return f"it did not run. It was due while no scheduler was up, and {what} before one came back{when}{by}."


def _coming(account: Account, fate: Fate, zone: ZoneInfo) -> str:
    left = (due_ms(account.job_id, fate.at, fate.epoch.options) - account.now_ms) // SECOND
    moved = "" if fate.moved_from is None else (
        f" The calendar {fate.epoch.options.calendar} moves it there from {written(fate.moved_from, zone)}."
    )  # fmt: skip
    return f"{_in_time(left)}{moved}{_set(fate)}"


def _in_time(seconds: int) -> str:
    return "it is due now." if seconds <= 0 else f"it is to come, in {words(seconds)}."


def _set(fate: Fate) -> str:
    """Say that it has other settings."""
    edit = fate.edit
    return "" if edit is None or edit.action != "set" else f" Settings of its own{_by(edit.by)}{_because(edit.reason)}."


def _by(who: Mapping[str, Any] | None) -> str:
    name = None if who is None else who.get("name") or who.get("actor")
    return "" if name is None else f" by {name}"


def _because(reason: str | None) -> str:
    return "" if reason is None else f" ({reason})"


def off_sentence(epoch: Epoch, zone: ZoneInfo, created_ms: int, by: Mapping[str, Any] | None) -> str:
    """Say that the job was disabled in an epoch.

    Args:
        epoch: the epoch.
        zone: in which times are written.
        created_ms: when the job was created.
        by: who ended the one before.
    """
    since = "since it was created" if epoch.since <= created_ms // 1000 else f"from {written(epoch.since, zone)}"
    until = " on" if epoch.until_ms is None else f" to {written(epoch.until_ms // 1000, zone)}"
    who = f",{_by(by)}" if by else ""
    is_on = "is" if epoch.until_ms is None else "was"
    return f"the job {is_on} disabled {since}{until}{who}."
