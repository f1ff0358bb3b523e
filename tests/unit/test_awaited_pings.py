"""Which ping a heartbeat job owes next, and when it is missing: against a count of minutes that is not ours to tune."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.alerting.wording import in_full
from service.domain.expectations.awaited import EARLY_MS, Awaited, Away, owed
from service.domain.heartbeats.pings import parse_ping
from service.errors import ValidationFailed

HOUR, MINUTE = 3_600_000, 60_000
BASE = 1_800_000_000_000 // HOUR * HOUR


def hourly(closed: frozenset[int] = frozenset()) -> Callable[[int, int], int | None]:
    """Each full hour from BASE on, but for closed ones."""

    def following(after: int, base: int) -> int | None:
        at = after // 3600 * 3600 + 3600
        while (at * 1000 - BASE) // HOUR in closed:
            at += 3600
        return at

    return following


def awaited(reported: int | None = None, grace: int = 10 * MINUTE, settled: int | None = None,
            following: Callable[[int, int], int | None] | None = None) -> Awaited:  # fmt: skip
    return Awaited(grace, BASE, reported, settled, following is not None, following or hourly())


@given(reported=st.none() | st.integers(0, 10 * HOUR), now=st.integers(0, 12 * HOUR), grace=st.integers(1, 3 * HOUR))
def test_a_ping_is_missing_once_an_hour_and_its_grace_have_passed_since_the_last(
    reported: int | None, now: int, grace: int
) -> None:
    if reported is not None and now < reported:
        return
    since = 0 if reported is None else reported + EARLY_MS
    due = (since // 1000 * 1000 // HOUR + 1) * HOUR
    at = None if reported is None else BASE + reported
    found = owed(awaited(at, grace), [], BASE + now)
    assert (found.missing is not None) == (now >= due + grace)
    if found.missing is None:
        assert found.look_at is not None and BASE + now < found.look_at <= BASE + due + grace
    assert found.next_at is not None and 0 < found.next_at - BASE - now <= HOUR + EARLY_MS


@given(looks=st.lists(st.integers(0, 9 * HOUR), max_size=12), grace=st.integers(MINUTE, 2 * HOUR))
def test_looking_early_and_often_misses_nothing(looks: list[int], grace: int) -> None:
    """What a look settles is never what is still owed."""
    settled = None
    for at in sorted(looks):
        found = owed(awaited(grace=grace, settled=settled), [], BASE + at)
        assert (found.missing is not None) == (at >= HOUR + grace)
        settled = found.settled


def test_another_calendar_makes_no_past_hour_late() -> None:
    """The first three hours were closed when they were looked at; then they are open."""
    found = owed(awaited(following=hourly(frozenset({1, 2, 3}))), [], BASE + 3 * HOUR + 30 * MINUTE)
    assert found.missing is None
    assert owed(awaited(settled=found.settled), [], BASE + 3 * HOUR + 31 * MINUTE).missing is None
    later = owed(awaited(settled=found.settled), [], BASE + 4 * HOUR + 10 * MINUTE)
    assert later.missing is not None


@pytest.mark.parametrize(
    ("pause", "at", "is_missing"),
    [
        ((50, 70), 69, False), ((50, 70), 129, False), ((50, 70), 130, True),  # the hour falls into the pause
        ((65, 80), 84, False), ((65, 80), 85, True),  # half of the grace comes after the pause
        ((50, None), 500, False),
    ],
)  # fmt: skip
def test_a_pause_owes_nothing_and_stops_the_grace(pause: tuple[int, int | None], at: int, is_missing: bool) -> None:
    since, end = pause
    stretch = (BASE + since * MINUTE, None if end is None else BASE + end * MINUTE)
    settled = None
    for minute in range(0, at + 1, 5):
        settled = owed(awaited(settled=settled), [stretch] if minute >= since else [], BASE + minute * MINUTE).settled
    found = owed(awaited(settled=settled), [stretch], BASE + at * MINUTE)
    assert (found.missing is not None) == is_missing


@pytest.mark.parametrize(
    ("away", "at", "is_missing"),
    [
        ((65, 90), 99, False), ((65, 90), 100, True),  # within the grace: it begins again
        ((30, 90), 99, False), ((30, 90), 100, True),  # the hour came while it was away
        ((30, 59), 69, False), ((30, 59), 70, True),  # it was back before the hour
        ((75, 90), 80, True), ((75, 90), 91, True),  # it was missing before
        ((65, None), 300, False), ((75, None), 80, True),
    ],
)  # fmt: skip
def test_what_could_not_be_taken_has_its_grace_from_when_the_service_is_back(
    away: tuple[int, int | None], at: int, is_missing: bool
) -> None:
    """At whatever times somebody looked before."""
    began, ended = away
    settled = None
    for minute in range(0, at + 1, 5):
        known = None if minute < began else Away(
            BASE + began * MINUTE, None if ended is None or minute < ended else BASE + ended * MINUTE
        )  # fmt: skip
        settled = owed(replace(awaited(settled=settled), away=known), [], BASE + minute * MINUTE).settled
    last = Away(BASE + began * MINUTE, None if ended is None else BASE + ended * MINUTE)
    found = owed(replace(awaited(settled=settled), away=last), [], BASE + at * MINUTE)
    assert (found.missing is not None) == is_missing


def test_an_interval_counts_from_the_last_ping() -> None:
    def following(after: int, base: int) -> int | None:
        return base + max(1, (after - base) // 3600 + 1) * 3600

    reported = BASE + 17 * MINUTE
    its = awaited(reported, following=following)
    assert owed(its, [], reported + HOUR + 10 * MINUTE - 1).missing is None
    assert owed(its, [], reported + HOUR + 10 * MINUTE).missing is not None


def test_the_alert_of_a_missing_ping_says_where_to_look() -> None:
    """Its history may be empty: the script may never have had an address."""
    said = {"kind": "breach", "expectation": "ping", "job_id": "x", "at": 0, "said": "no ping came; none has come yet"}
    body = in_full({"said": said, "name": "Hb", "elsewhere": True}, "UTC", None, None).body
    assert "See whether the script still runs" in body and "keys create NAME --ping x" in body


@pytest.mark.parametrize("rid", ["", "a b", "a" * 65, "ä", "a\n", "../x"])
def test_an_id_of_a_run_that_is_none_is_refused(rid: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        parse_ping("start", rid, b"")
    assert [error.field for error in refusal.value.errors] == ["rid"]


@given(st.binary(max_size=200))
def test_whatever_a_program_prints_is_taken(body: bytes) -> None:
    ping = parse_ping("fail", "1", body)
    assert ping.error.startswith("reported failed") and len(ping.error) <= 217 and "\n" not in ping.error
    assert "\0" not in ping.text
