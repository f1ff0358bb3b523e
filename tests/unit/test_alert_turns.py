"""When an address is told, and of how much: properties, against a clock that is walked minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.alerting.channel import Pace
from service.domain.alerting.quiet_hours import QuietHours, parse_quiet_hours
from service.domain.alerting.turns import (
    HOUR_MS,
    LONGEST_RETRY_MS,
    LOOK_AGAIN_MS,
    Progress,
    by_turns,
    gap_ms,
    next_turn,
)
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
NOW = 1_800_000_000_000


def is_quiet(hours: QuietHours, at: int) -> bool:
    """By the text of the wall clock."""
    wall = f"{datetime.fromtimestamp(at, UTC).astimezone(zone(hours.timezone)):%H:%M}"
    start, end = hours.answer()["from"], hours.answer()["to"]
    return start <= wall < end if start < end else wall >= start or wall < end


minutes = st.integers(0, 1439)
quiet_hours = st.builds(
    lambda start, length, name: QuietHours(start * 60, (start + length) % 1440 * 60, name),
    minutes, st.integers(1, 1439), st.sampled_from(ZONES),
)  # fmt: skip
# 2026 and 2027: around changes of clocks in spring and autumn, and any time.
instants = st.one_of(
    st.integers(1_767_225_600, 1_830_000_000),
    st.sampled_from([1_774_746_000, 1_793_062_800, 1_772_953_200, 1_793_512_800]).flatmap(
        lambda change: st.integers(change - 90_000, change + 90_000)
    ),
)


@given(quiet_hours, instants)
def test_quiet_hours_end_where_the_wall_clock_first_says_so(hours: QuietHours, at: int) -> None:
    """Over midnight, and where clocks are changed within."""
    end = hours.until(at)
    assert (end is not None) == is_quiet(hours, at)
    if end is not None:
        assert at < end and not is_quiet(hours, end) and is_quiet(hours, end - 1)
        assert all(is_quiet(hours, minute) for minute in range(at, end, 60))


def test_quiet_hours_over_a_spring_and_an_autumn_night() -> None:
    """In Vienna the night of 28 March 2027 is an hour short, that of 31 October an hour long."""
    hours = QuietHours(22 * 3600, 7 * 3600, "Europe/Vienna")
    spring = int(datetime(2027, 3, 27, 22, tzinfo=UTC).timestamp())
    assert hours.until(spring) == int(datetime(2027, 3, 28, 5, tzinfo=UTC).timestamp())
    autumn = int(datetime(2027, 10, 30, 21, tzinfo=UTC).timestamp())
    assert hours.until(autumn) == int(datetime(2027, 10, 31, 6, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "value, field",
    [
        ({"from": "22:00", "to": "22:00", "timezone": "UTC"}, "quiet_hours.to"),
        ({"from": "22:00", "to": "24:00", "timezone": "UTC"}, "quiet_hours.to"),
        ({"from": "22:00", "to": "07:00"}, "quiet_hours.timezone"),
        ({"from": "22:00", "to": "07:00", "timezone": "UTC", "days": 1}, "quiet_hours.days"),
        ([], "quiet_hours"),
    ],
)
def test_quiet_hours_that_are_refused_name_the_field(value: object, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_quiet_hours(value)
    assert [error.field for error in refused.value.errors] == [field]


paces = st.builds(
    Pace, st.none() | quiet_hours, st.sampled_from([0, 0, 30, 600, 7200]), st.sampled_from([1, 2, 3, 10, 60])
)
arrivals = st.lists(st.integers(0, 6 * HOUR_MS), min_size=1, max_size=60).map(sorted)


@given(paces, arrivals, st.sets(st.integers(0, 40), max_size=15))
def test_whatever_happens_each_alert_is_told_once_in_order_and_no_hour_has_too_many(
    pace: Pace, offsets: list[int], dead_tries: set[int]
) -> None:
    """A walk of an address with tries that fail now and then."""
    coming = [NOW + offset for offset in offsets]
    waiting: list[int] = []
    told: list[int] = []
    sent: list[int] = []
    progress, now, tries = Progress(), NOW, 0
    while coming or waiting:
        while coming and coming[0] <= now:
            waiting.append(coming.pop(0))
        if not waiting:
            now = coming[0]
            continue
        turn = next_turn(pace, waiting, progress, now)
        assert 1 <= turn.count <= len(waiting)
        if turn.at > now:
            now = min([turn.at, *coming[:1]])  # a new one never makes the wait shorter
            continue
        if tries in dead_tries:
            progress = progress.refused(now)
        else:
            if pace.quiet_hours is not None:
                assert not is_quiet(pace.quiet_hours, now // 1000)
            assert now >= waiting[0] + pace.digest_seconds * 1000
            told += waiting[: turn.count]
            del waiting[: turn.count]
            sent.append(now)
            progress = progress.took(now, pace.max_per_hour)
        tries += 1
    assert told == [NOW + offset for offset in offsets]
    for first, later in zip(sent, sent[pace.max_per_hour :], strict=False):
        assert later - first >= HOUR_MS


def test_after_half_of_what_an_hour_allows_the_rest_comes_as_one() -> None:
    """Of three an hour two singly, and the other 98 together half an hour later."""
    pace, progress, waiting, turns = Pace(max_per_hour=3), Progress(), [NOW] * 100, []
    now = NOW
    while waiting:
        turn = next_turn(pace, waiting, progress, now)
        now = max(now, turn.at)
        turn = next_turn(pace, waiting, progress, now)
        turns.append((now - NOW, turn.count))
        del waiting[: turn.count]
        progress = progress.took(now, 3)
    assert turns == [(0, 1), (0, 1), (HOUR_MS // 2, 98)]


@settings(max_examples=20)
@given(st.sampled_from([1, 2, 3, 10, 60, 600]), arrivals)
def test_no_noise_keeps_an_alert_from_being_heard_for_longer_than_the_gap(most: int, offsets: list[int]) -> None:
    """Of an address that is well, has no quiet hours and gathers nothing; noise comes every second."""
    pace, progress, waiting = Pace(max_per_hour=most), Progress(), list[int]()
    coming = sorted([*(NOW + offset for offset in offsets), *range(NOW, NOW + HOUR_MS * 5 // 2, 10_000)])
    now, longest, sent = NOW, 0, list[int]()
    while coming or waiting:
        while coming and coming[0] <= now:
            waiting.append(coming.pop(0))
        turn = next_turn(pace, waiting, progress, now) if waiting else None
        if turn is None or turn.at > now:
            now = coming[0] if turn is None else min([turn.at, *coming[:1]])
            continue
        longest = max(longest, now - waiting[0])
        del waiting[: turn.count]
        sent.append(now)
        progress = progress.took(now, most)
        assert waiting == [] or not turn.is_gathered
    assert longest <= gap_ms(pace) + LOOK_AGAIN_MS
    assert all(later - first >= HOUR_MS for first, later in zip(sent, sent[most:], strict=False))


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=30))
def test_a_noisy_job_pushes_no_other_out_of_a_message_about_many(jobs: list[str]) -> None:
    """Those of the service first; then each job once, by its newest, before any has its second."""
    order = by_turns(jobs)
    assert sorted(order) == list(range(len(jobs)))
    told = [jobs[place] for place in order]
    of_service = jobs.count("")
    assert told[:of_service] == [""] * of_service
    seen = dict.fromkeys(jobs, 0)
    for place, job in zip(order[of_service:], told[of_service:], strict=True):
        newest = [one for one, name in enumerate(jobs) if name == job][::-1]
        assert place == newest[seen[job]]
        seen[job] += 1
        assert all(count >= min(seen[job] - 1, jobs.count(name)) for name, count in seen.items() if name)


@given(st.integers(1, 100 * HOUR_MS), st.sampled_from([0, 40, 86_400]))
def test_what_came_by_a_clock_that_was_ahead_is_gathered_no_longer(ahead: int, digest: int) -> None:
    pace = Pace(digest_seconds=digest)
    assert next_turn(pace, [NOW + ahead, NOW], Progress(), NOW).at == NOW


def test_what_quiet_hours_held_comes_as_one_and_what_follows_singly() -> None:
    pace = Pace(QuietHours(22 * 3600, 7 * 3600, "UTC"))
    night = int(datetime(2027, 1, 1, 23, tzinfo=UTC).timestamp()) * 1000
    morning = night + 8 * HOUR_MS
    queued = [night, night + 1, morning + 5]
    assert next_turn(pace, queued, Progress(), night).at == morning
    assert next_turn(pace, queued, Progress(), morning + 10).count == 2
    assert next_turn(pace, queued[2:], Progress(), morning + 10).count == 1


def test_an_address_that_fails_is_tried_ever_more_seldom_and_again_at_once_after_a_success() -> None:
    progress, pauses, now = Progress(), [], NOW
    for _ in range(12):
        progress = progress.refused(now)
        pauses.append((next_turn(Pace(), [NOW], progress, now).at - now) // 1000)
        now = progress.retry_at
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
    assert next_turn(Pace(), [now], progress.took(now, 60), now).at == now


def test_a_clock_that_was_set_back_holds_up_nothing() -> None:
    """What lies in its future counts as now, or not at all."""
    ahead = NOW + 100 * HOUR_MS
    progress = Progress((ahead, ahead + 1), 3, ahead + LONGEST_RETRY_MS)
    assert next_turn(Pace(max_per_hour=1), [ahead], progress, NOW).at == NOW
