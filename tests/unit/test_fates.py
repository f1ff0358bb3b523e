"""Accounts of occurrences: stretches of epochs, counts of both sides, and moments that people ask about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.backfilling.instants import missing, named
from service.domain.edits.edit import Edit
from service.domain.fates.account import GRACE_MS, Account
from service.domain.fates.counting import totals
from service.domain.fates.entries import FIELDS, Entry, read_entry
from service.domain.fates.epochs import Epoch, stretches
from service.domain.fates.fate import Plan
from service.domain.fates.moments import parse_moment
from service.domain.fates.sentences import sentence_of
from service.domain.options import Options
from service.domain.schedules import plan
from service.domain.schedules.definition import parse_schedule
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

START = 1_800_000_000
VIENNA = zone("Europe/Vienna")


def epoch(since: int, decided: int | None = None, seconds: int = 10, **more: Any) -> Epoch:
    schedule = parse_schedule("interval", {"seconds": seconds})
    return Epoch(since, 1, True, since, schedule, Options(), None, False, decided, (decided or since) * 1000, **more)


def told(epochs: list[Epoch]) -> list[tuple[int, int | None, bool]]:
    return [(one.after, one.until, one.dropped) for one in stretches(epochs)]


def test_an_epoch_names_what_was_decided_and_drops_the_rest() -> None:
    """Up to where the next one begins."""
    assert told([epoch(150), epoch(100, 130)]) == [(100, 130, False), (130, 150, True), (150, None, False)]
    assert told([epoch(130), epoch(100, 130)]) == [(100, 130, False), (130, None, False)]
    assert told([epoch(150), epoch(100)]) == [(100, 150, True), (150, None, False)]


def test_where_the_clock_was_set_back_the_later_epoch_counts() -> None:
    """One that was planned ahead names nothing, and one that was decided ahead nothing beyond."""
    assert told([epoch(150), epoch(900, 950), epoch(100, 980)]) == [(100, 150, False), (150, None, False)]


@given(st.lists(st.tuples(st.integers(0, 500), st.none() | st.integers(0, 500)), min_size=1, max_size=8))
def test_no_instant_belongs_to_two_epochs(kept: list[tuple[int, int | None]]) -> None:
    """Whatever the clock did."""
    found = stretches([epoch(since, decided) for since, decided in kept])
    for one, following in zip(found, found[1:], strict=False):
        assert one.until is not None and one.after < one.until <= following.after


outages = st.lists(st.integers(1, 400), min_size=1, max_size=6)


@given(
    outages, st.sampled_from(["latest", "all", "none"]), st.sampled_from([60, 86_400]), st.sampled_from([1, 7, 30]),
    st.booleans(),
)  # fmt: skip
def test_what_the_engine_decides_adds_up(
    waits: list[int], catch_up: Any, grace: int, seconds: int, folds: bool
) -> None:
    """Decisions of its plans, folded or not, account for all that the epoch names; one less or more is counted."""
    options = Options(catch_up=catch_up, misfire_grace_seconds=grace)
    now = START
    first: int | None = START + seconds
    its = Epoch(START, 1, True, START, parse_schedule("interval", {"seconds": seconds}), options)
    entries: list[Entry] = []
    for wait in waits:
        now += wait
        assert its.schedule is not None and first is not None
        made = plan("job", its.schedule, options, first, START, now * 1000)
        first = made.next
        for one in made.decisions:
            status = "success" if one.action == "run" else "skipped"
            before = entries[-1] if entries else None
            if folds and before and status == before.status == "skipped" and before.reason == one.reason:
                more = before.occurrences + one.occurrences
                entries[-1] = Entry("x", status, "schedule", before.first, one.last_occurrence, more, one.reason)
            else:
                entries.append(
                    Entry("x", status, "schedule", one.occurrence, one.last_occurrence, one.occurrences, one.reason)
                )
    decided = (first or 0) - seconds
    now_ms = now * 1000 + GRACE_MS + 1000
    account = Account("job", [its], entries, now_ms, decided, START)
    count = totals(account, START - 1, decided)
    assert (count.named, count.unaccounted, count.doubled, count.strays) == ((decided - START) // seconds, 0, 0, 0)
    for number in {0, len(entries) // 2, len(entries) - 1} if entries else ():
        entry = entries[number]
        without = Account("job", [its], [*entries[:number], *entries[number + 1 :]], now_ms, decided, START)
        assert totals(without, START - 1, decided).unaccounted == entry.occurrences
        twice = Account("job", [its], [*entries, entry], now_ms, decided, START)
        found = totals(twice, START - 1, decided)
        assert (found.doubled + found.strays, found.unaccounted) == (entry.occurrences, 0)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("2027-03-22T08:30", ["2027-03-22T07:30:00"]), ("2027-03-22 08:30", ["2027-03-22T07:30:00"]),
        ("2027-03-22T08:30:15", ["2027-03-22T07:30:15"]), ("2027-03-22T08:30:00.000Z", ["2027-03-22T08:30:00"]),
        ("2027-03-22T08:30+05:30", ["2027-03-22T03:00:00"]), ("08:30", ["2027-01-15T07:30:00"]),
        ("2027-03-28T02:30", ["2027-03-28T01:00:00"]),
        ("2027-10-31T02:30", ["2027-10-31T00:30:00", "2027-10-31T01:30:00"]),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_the_zone(text: str, spans: list[str]) -> None:
    """Local or with an offset; skipped times land after the gap, and times that come twice are two."""
    found = parse_moment(text, VIENNA, START)
    assert [datetime.fromtimestamp(first, UTC).isoformat()[:19] for first, _ in found.spans] == spans


@pytest.mark.parametrize(
    "text", ["", "8:30", "08:30Z", "1969-12-31T00:00", "2027-13-01T00:00", "9999-12-31T23:59-10:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        parse_moment(text, VIENNA, START)


def test_entries_of_other_releases_and_damaged_ones_are_read_or_left_out() -> None:
    """Fields that are new may be missing; what is no object says nothing."""

    def entry(**fields: str) -> Entry | None:
        return read_entry("x", [fields[name].encode() if name in fields else None for name in FIELDS])

    plain = entry(status="success", trigger="schedule", scheduled_for="60")
    assert plain is not None and (plain.first, plain.last, plain.occurrences, plain.pause) == (60, 60, 1, None)
    paused = entry(status="skipped", scheduled_for="60", pause='{"id": "p1", "reason": "move"}', edit="no object")
    assert paused is not None and paused.pause == {"id": "p1", "reason": "move"} and paused.edit is None
    moved = entry(status="success", scheduled_for="60", edit='{"due": 90000, "move_to": 90}')
    assert moved is not None and (moved.moved_to, moved.is_held) == (90, False)
    by_its_bot = entry(status="skipped", scheduled_for="60", started_at="61000", reason="nothing new")
    assert by_its_bot is not None and by_its_bot.ran
    assert entry(status="success") is None and entry(status="success", scheduled_for="soon") is None


BY = {"actor": "k1", "name": "Ada's key"}


def sentence(entry: Entry | None = None, plans: dict[int, Plan] | None = None) -> str:
    """About the first instant of a job of ten seconds, UTC."""
    account = Account(
        "job", [epoch(START)], [entry] if entry else [], (START + 5) * 1000, START + 10, START, plans or {}
    )
    fate = next(account.fates(START + 9, START + 10), None)
    assert fate is not None
    return sentence_of(account, fate, zone("UTC"))


def test_what_people_have_paused_and_changed_is_told_with_their_names_and_words() -> None:
    """In the history, and before it is decided."""
    its: dict[str, Any] = {"run_id": "x", "trigger": "schedule", "first": START + 10, "last": START + 10}
    pause = {"id": "p", "reason": "moving house", "by": BY}
    assert sentence(Entry(status="skipped", reason="paused", pause=pause, **its)) == (
        "it did not run. A pause by Ada's key covered it (moving house)."
    )
    assert sentence(Entry(status="queued", pause=pause, is_held=True, **its)) == (
        "its run is held by a pause by Ada's key (moving house)."
    )
    assert sentence(
        Entry(status="skipped", reason="edited", edit=Edit(START + 10, "skip", 0, by=BY, reason="no"), **its)
    ) == ("it did not run. It was skipped by Ada's key (no).")
    moved = Entry(status="success", edit=Edit(START + 10, "move", 0, START + 60, by=BY), due=(START + 60) * 1000,
                  started_at=(START + 60) * 1000, **its)  # fmt: skip
    assert sentence(moved) == "it was moved to 2027-01-15 08:01 by Ada's key. There, it ran on time and succeeded."
    late = (START + 120) * 1000
    held = Entry(status="success", pause=pause, due=(START + 10) * 1000, queued_at=late, started_at=late, **its)
    assert sentence(held) == (
        "it ran 1 minute and 50 seconds late and succeeded. A pause by Ada's key held it (moving house)."
    )
    given_up = Entry(status="skipped", reason="coalesced", pause=pause, **its)
    assert sentence(given_up) == (
        "it did not run. A pause by Ada's key held it (moving house), and let the latest alone run at the end."
    )
    off = Entry(status="skipped", reason="disabled", edit=Edit(START + 10, "move", 0, START + 60, by=BY), **its)
    assert sentence(off) == (
        "it was moved to 2027-01-15 08:01 by Ada's key. There, it did not run. When it came due, the job was disabled."
    )
    assert sentence(plans={START + 10: Plan("moved", "later", START + 60, BY)}) == (
        "it was moved to 2027-01-15 08:01 by Ada's key (later). There, it is to come, in 55 seconds."
    )
    assert sentence(plans={START + 10: Plan("paused", "paused", None, BY, pause=pause)}) == (
        "it will not run. A pause by Ada's key covers it (moving house)."
    )


def test_what_people_have_planned_counts_in_no_fold() -> None:
    """An instant that is moved ahead of its decision is neither unaccounted for nor a part of the skips around it."""
    fold = Entry("x", "skipped", "schedule", START + 10, START + 50, 4, "coalesced")
    now_ms = (START + 100) * 1000
    plans = {START + 30: Plan("moved", None, START + 500)}
    account = Account("job", [epoch(START)], [fold], now_ms, START + 50, START, plans)
    count = totals(account, START, START + 50)
    assert (count.named, count.unaccounted, count.strays) == (4, 0, 0)
    assert totals(Account("job", [epoch(START)], [fold], now_ms, START + 50, START), START, START + 50).unaccounted == 1


def test_what_somebody_has_changed_and_nobody_has_decided_yet_is_no_instant_of_a_backfill() -> None:
    """It will run by itself, at another time perhaps; what has no plan and no entry is missing."""
    now_ms = (START + 100) * 1000
    plans = {START + 30: Plan("moved", None, START + 500), START + 40: Plan("overdue", None)}
    account = Account("job", [epoch(START)], [], now_ms, START + 50, START, plans)
    assert [one.at for one in missing(account, START, START + 51) if one] == [START + 10, START + 20, START + 50]
    assert [one.at for one in named(account, START, START + 51)] == [START + 10, START + 20, START + 50]
