"""Plans that pass over changed occurrences, against a look at each instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.edit import Edit, Edits
from service.domain.edits.edited_plans import next_run_of
from service.domain.edits.requests import nearest
from service.domain.options import Options
from service.domain.records import NONE_RUNS
from service.domain.schedules import due_ms, next_occurrence, plan
from service.domain.schedules.definition import Cron, Interval, Schedule
from service.domain.schedules.stepping import Without

T0 = 1_760_000_400
"""A whole minute, epoch seconds: 2025-10-09, 09:00."""
SCHEDULES: list[Schedule] = [Cron("* * * * *"), Interval(60), Cron("*/3 * * * *")]
CLOSED = WorkCalendar(parse_calendar({"name": "c", "open_hours": {"from": "09:05", "to": "09:20"}}))


def instants(schedule: Schedule, until: int) -> list[int]:
    found, upcoming = [], T0
    while upcoming is not None and upcoming <= until:
        found.append(upcoming)
        upcoming = next_occurrence(schedule, Options(), upcoming, T0 - 60)  # type: ignore[assignment]
    return found


def oracle(due: Sequence[int], options: Options, now: int, closed: set[int]) -> dict[int, str]:
    """The fate of each occurrence that is due and not changed, epoch seconds, one by one."""
    fates = {}
    running = [at for at in due if at not in closed]
    within = [at for at in running if now - at <= options.misfire_grace_seconds]
    for at in due:
        if at in closed:
            fates[at] = "closed"
        elif at not in within:
            fates[at] = "misfire"
        elif options.catch_up == "all" or (at == running[-1] and (options.catch_up == "latest" or now - at <= 30)):
            fates[at] = "run"
        else:
            fates[at] = "coalesced" if options.catch_up == "latest" else "missed"
    return fates


@given(
    schedule=st.sampled_from(SCHEDULES), chosen=st.sets(st.integers(0, 30)), late=st.integers(0, 1800),
    catch_up=st.sampled_from(["latest", "all", "none"]), grace=st.sampled_from([45, 300, 86_400]), closes=st.booleans(),
)  # fmt: skip
def test_the_fates_of_all_instants_add_up(
    schedule: Schedule, chosen: set[int], late: int, catch_up: str, grace: int, closes: bool
) -> None:
    """Each is decided once or passed over; none is coalesced, missed or counted because of a changed one."""
    now = T0 + late
    options = Options(catch_up=catch_up, misfire_grace_seconds=grace)  # type: ignore[arg-type]
    every = instants(schedule, T0 + 3600)
    edited = frozenset(every[place] for place in chosen if place < len(every))
    calendar = CLOSED if closes else None
    found = plan("job", schedule, options, T0, T0 - 60, now * 1000, calendar, edited)
    due = [at for at in every if at <= now]
    fates: dict[int, str] = {}
    for decision in found.decisions:
        span = [at for at in due if decision.occurrence <= at <= decision.last_occurrence and at not in edited]
        assert len(span) == decision.occurrences and span[0] == decision.occurrence
        assert not fates.keys() & set(span)
        fates |= dict.fromkeys(span, decision.reason or "run")
    closed = {at for at in due if closes and not T0 + 300 <= at < T0 + 1200}
    assert fates == oracle([at for at in due if at not in edited], options, now, closed)
    assert list(fates) == sorted(fates)
    assert found.last_decided == due[-1] and found.next == next(at for at in every if at > now)


@given(size=st.integers(0, 40), left_out=st.sets(st.integers(-5, 90)))
def test_a_range_without_some_is_the_list_without_them(size: int, left_out: set[int]) -> None:
    every = range(10, 10 + 2 * size, 2)
    expected = [one for one in every if one not in left_out]
    found = Without(every, left_out)
    assert list(found) == expected and len(found) == len(expected)
    assert found[1:4] == expected[1:4] and found[-1:] == expected[-1:]
    assert not expected or found[-1] == expected[-1]


EDITS = st.dictionaries(
    st.integers(0, 20), st.one_of(st.sampled_from(["skip", "set", "mark"]), st.integers(-500, 3000)), max_size=12
)


@given(schedule=st.sampled_from(SCHEDULES), chosen=EDITS, jitter=st.sampled_from([0, 30]), closes=st.booleans())
def test_the_next_run_is_the_first_of_all_that_run(
    schedule: Schedule, chosen: dict[int, str | int], jitter: int, closes: bool
) -> None:
    options = Options(jitter_seconds=jitter)
    every = instants(schedule, T0 + 3 * 86_400)
    calendar = CLOSED if closes else None
    edits = Edits("s", {})
    runs = {}
    for at in every:
        minute = (at - T0) // 60
        if not closes or 5 <= minute % 1440 < 20:
            runs[at] = due_ms("job", at, options)
    for place, what in chosen.items():
        at = every[place]
        own = due_ms("job", at, options)
        kept = runs.pop(at, None)
        if isinstance(what, int):
            edits = edits.with_one(Edit(at, "move", (at + what) * 1000, at + what))
            runs[at] = (at + what) * 1000
        elif what == "mark":
            edits = edits.with_one(Edit(at, "skip", own, decided=1))
        else:
            edits = edits.with_one(Edit(at, what, own))  # type: ignore[arg-type]
            if what == "set" and kept is not None:
                runs[at] = own
    if not chosen:
        return
    found = next_run_of("job", schedule, options, T0, T0 - 60, calendar, edits)
    assert (due_ms("job", T0, options) if found is None else found) == min(runs.values())


def test_nothing_runs_any_more_where_all_that_is_left_is_skipped() -> None:
    options = Options(ends_at="2025-10-09T09:02:00")
    edits = Edits("s", {T0: Edit(T0, "skip", T0 * 1000), T0 + 60: Edit(T0 + 60, "skip", T0 * 1000 + 60_000)})
    assert next_run_of("job", SCHEDULES[0], options, T0, T0, None, edits) == NONE_RUNS


MOVES = st.builds(
    Edit,
    instant=st.integers(0, 4_000_000_000),
    action=st.just("move"),
    due=st.integers(0, 4_000_000_000_000),
    moved_to=st.integers(1, 4_000_000_000),
    bound=st.booleans(),
    reason=st.none() | st.text(),
    by=st.none() | st.just({"actor": "a", "name": 'é"'}),
    at=st.integers(0, 10**12),
    decided=st.none() | st.integers(1, 10**12),
)


@given(edit=MOVES)
def test_what_is_stored_is_read_back(edit: Edit) -> None:
    assert Edit.read(edit.instant, edit.text()) == edit
    assert edit.text().startswith('{"due":' if edit.decided is None else '{"decided":')
    other = replace(edit, action="set", moved_to=None, bot_config={"a": []})
    assert Edit.read(other.instant, other.text()) == other


@given(offset=st.integers(-100, 100_000), schedule=st.sampled_from(SCHEDULES))
def test_the_nearest_are_the_ones_around(offset: int, schedule: Schedule) -> None:
    every = instants(schedule, T0 + 110_000)
    found = nearest(schedule, Options(), T0 + offset, T0, T0 - 60, None)
    before = [at for at in every if at < T0 + offset][-1:]
    assert found == [*before, next(at for at in every if at > T0 + offset)]
