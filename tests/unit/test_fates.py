"""Accounts of occurrences: stretches of epochs, counts of both sides, and moments that people ask about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.backfilling.instants import failed, missing, named
from service.domain.edits.edit import Edit
from service.domain.fates.account import GRACE_MS, Account
from service.domain.fates.counting import totals
from service.domain.fates.entries import FIELDS, Entry, read_entry
from service.domain.fates.epochs import Epoch, stretches
from service.domain.fates.fate import Fate, Plan
from service.domain.fates.moments import parse_moment
from service.domain.fates.sentences import sentence_of
from service.domain.options import Options
from service.domain.schedules import plan
from service.domain.schedules.definition import parse_schedule
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed
from service.usecases.fates.occurrences import shown

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
    ("text", "why"),
    [
        ("", "must be a time such as"), ("8:30", "must be a time such as"), ("08:30Z", "must be a time such as"),
        ("2027-13-01T00:00", "must be a time such as"), ("1969-12-31T00:00", "the years 1970 to 9999"),
        ("1970-01-01T00:30", "the years 1970 to 9999"), ("1066-10-14T09:00Z", "the years 1970 to 9999"),
        ("0001-01-01T00:00", "the years 1970 to 9999"), ("0001-01-01T00:00+10:00", "the years 1970 to 9999"),
        ("9999-12-31T23:59-10:00", "the years 1970 to 9999"),
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_what_is_wrong(text: str, why: str) -> None:
    """Its form, or its year."""
    with pytest.raises(ValidationFailed, match=why):
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
    assert sentence(Entry(status="queued", pause=pause, held_by="p", **its)) == (
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


def run(number: int, status: str, trigger: str = "manual", **more: Any) -> Entry:
    """A run of the first instant, `number` minutes later."""
    at = (START + (number * 60 or 10)) * 1000
    started = None if status == "queued" else at
    return Entry(f"run {number}", status, trigger, START + 10, START + 10, queued_at=at, due=at, started_at=started,
                 **more)  # fmt: skip


def fate_of(*runs: Entry) -> tuple[Account, Fate]:
    """The first instant's fate; the runs are given in the order in which they were made."""
    account = Account("job", [epoch(START)], runs[::-1], (START + 4000) * 1000, START + 10, START)
    fate = next(account.fates(START + 9, START + 10))
    return account, fate


@pytest.mark.parametrize(
    ("later", "told", "newest"),
    [
        ([run(1, "success", again_of="run 0", by=BY)], "It was run again at 2027-01-15 08:01 by Ada's key, which "
         "succeeded.", "success"),
        ([run(1, "failed", again_of="run 0"), run(2, "success", "retry", again_of="run 0", attempt=2)],
         "It was run again at 2027-01-15 08:02, which succeeded.", "success"),
        ([run(1, "failed", again_of="run 0"), run(2, "queued", "backfill", backfill_id="b")],
         "It is to be run again by a backfill: that run is queued.", "queued"),
        ([run(1, "success", "backfill", backfill_id="b"), run(2, "running", again_of="run 1", by=BY)],
         "It is being run again by Ada's key, since 2027-01-15 08:02.", "running"),
        ([run(1, "success", again_of="run 0"), run(2, "success", again_of="run 0", is_rehearsal=True),
          run(3, "failed", "backfill", backfill_id="b")],
         "It was run again at 2027-01-15 08:03 by a backfill, which failed.", "failed"),
    ],
)  # fmt: skip
def test_a_failed_occurrence_that_was_run_again_says_so(later: list[Entry], told: str, newest: str) -> None:
    """How it went first stays; the newest run made for it later stands beside it, and its retries are no first ones."""
    account, fate = fate_of(run(0, "failed", "schedule"), *later)
    assert sentence_of(account, fate, zone("UTC")) == f"it ran on time and failed. {told}"
    answer = shown(fate)
    assert (answer["status"], answer["again"]["status"], "attempts" in answer) == ("failed", newest, False)
    assert (answer["again"]["started_at"] is None) == (newest == "queued")


def test_what_did_not_run_and_a_backfill_made_up_for_in_vain_may_be_run_again() -> None:
    """The backfill's run and the one by hand are told apart."""
    skipped = Entry("s", "skipped", "schedule", START + 10, START + 10, reason="overlap")
    tries = [run(1, "failed", "backfill", backfill_id="b"), run(2, "failed", "retry", backfill_id="b", attempt=2)]
    _, fate = fate_of(skipped, *tries, run(3, "success", again_of="run 2"))
    answer = shown(fate)
    assert answer["made_up_by"] == {"run_id": "run 2", "status": "failed"} and answer["again"]["run_id"] == "run 3"
    account, fate = fate_of(*tries, run(3, "success", again_of="run 2"))  # nothing was decided
    assert sentence_of(account, fate, zone("UTC")) == (
        "it did not run then. A backfill makes up for it: its run failed. It was run again at 2027-01-15 08:03, which "
        "succeeded."
    )
    assert (shown(fate)["status"], shown(fate)["last_run_id"]) == ("failed", "run 2")


ENDS = st.sampled_from(["success", "failed", "cancelled", "queued"])
KINDS: list[dict[str, Any]] = [{"again_of": "run 0"}, {"trigger": "backfill", "backfill_id": "b"}]


@given(ENDS, st.lists(st.tuples(ENDS, st.sampled_from(KINDS), st.booleans(), st.booleans()), max_size=4))
def test_a_backfill_of_failed_ones_takes_those_that_read_failed_at_last(
    first: str, later: list[tuple[str, dict[str, Any], bool, bool]]
) -> None:
    """What was made good meanwhile, or is under way, is not done once more; a rehearsal makes nothing good."""
    runs, newest = [run(0, first, "schedule")], first
    for number, (status, kind, is_retried, is_rehearsal) in enumerate(later):
        runs.append(run(2 * number + 1, status, is_rehearsal=is_rehearsal, **kind))
        if is_retried and status == "failed":
            status = "success"
            more = {**kind, "trigger": "retry", "attempt": 2, "is_rehearsal": is_rehearsal}
            runs.append(run(2 * number + 2, status, **more))
        newest = newest if is_rehearsal else status
    account, fate = fate_of(*runs)
    answer = shown(fate)
    assert answer.get("again", answer)["status"] == newest and answer["status"] == first
    assert bool(list(failed(account, START, START + 20))) == (newest == "failed")


def test_a_rehearsed_occurrence_says_that_nothing_happened() -> None:
    """Its fate is that there is a run; and the answer says of which kind."""
    _, fate = fate_of(run(0, "success", "schedule", is_rehearsal=True))
    assert (fate.word, shown(fate)["dry_run"]) == ("ran", True)
    _, real = fate_of(run(0, "success", "schedule"))
    assert "dry_run" not in shown(real)


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
