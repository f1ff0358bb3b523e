"""Calendar schedules in plain English: what each says, that it can be read back, and that equal ones say the same."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from service.domain.options import Options
from service.domain.schedules import describe
from service.domain.schedules.calendar_words import counted, duration, ordinal
from service.domain.schedules.cron import CronFields, parse_cron
from service.domain.schedules.definition import Cron, Daily, Weekly
from service.errors import ValidationFailed

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December"]  # fmt: skip
LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
EVERY_DATE = [(month, day) for month in range(1, 13) for day in range(1, LONGEST[month - 1] + 1)]


def said(expression: str) -> str:
    """What is said of an expression, without the zone."""
    return describe(Cron(expression), Options()).removesuffix(" (UTC).")


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        # cron's "or", and without it
        ("0 8 1-7 * 1", "At 08:00 on the 1st to 7th of the month or on any Monday"),
        ("0 8 1,15 * 1,5", "At 08:00 on the 1st or 15th of the month or on any Monday or Friday"),
        ("0 8 13 * 5", "At 08:00 on the 13th of the month or on any Friday"),
        ("0 8 1 1,3 mon", "At 08:00 on the 1st of the month or on any Monday, in January or March"),
        ("*/15 9-17 1-7 6-8 1", (
            "Every 15 minutes from 09:00 to 17:45, on the 1st to 7th of the month or on any Monday, from June to August"
        )),
        ("0 0 1-31 * 1", "Every day at 00:00"),
        ("0 0 1 * 0-6", "Every day at 00:00"),
        ("0 0 1-29 2 1", "Every day in February at 00:00"),
        ("0 0 1 * 1,*", "Every day at 00:00"),
        ("0 0 30 2 1", "Every Monday in February at 00:00"),
        # cron's "and"
        ("0 8 */10 * 1", "At 08:00 on the 1st, 11th, 21st and 31st of the month, but only on Mondays"),
        ("0 8 */10 2 1", "At 08:00 on the 1st, 11th and 21st of February, but only on Mondays"),
        ("0 8 1,15 * */3", "At 08:00 on the 1st and 15th of the month, but only on Wednesdays, Saturdays and Sundays"),
        ("0 8 *,1 * 1", "Every Monday at 08:00"),
        # ordinals
        ("0 8 31 * *", "At 08:00 on the 31st of the month"),
        ("0 8 21 * *", "At 08:00 on the 21st of the month"),
        ("0 8 22 * *", "At 08:00 on the 22nd of the month"),
        ("0 8 23 * *", "At 08:00 on the 23rd of the month"),
        ("0 8 31 1 *", "At 08:00 on the 31st of January"),
        ("0 8 2,3,11,12,13 * *", "At 08:00 on the 2nd, 3rd and 11th to 13th of the month"),
        # what was said twice, and what does not matter
        ("0 8 * * 0,7", "Every Sunday at 08:00"),
        ("0 8 * * 7-7,sun,0", "Every Sunday at 08:00"),
        ("0 8 * * 5-7,0,fri", "At 08:00, Friday to Sunday"),
        ("0,0 8,8 1,1 * *", "At 08:00 on the 1st of the month"),
        ("0 8 31 1,2,4 *", "At 08:00 on the 31st of January"),
        ("0 8 31 1,3,5,7,8,10,12 *", "At 08:00 on the 31st of the month"),
        # times
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0 * * * *", "Every hour on the hour"),
        ("1 * * * *", "At 1 minute past every hour"),
        ("5 * * * *", "At 5 minutes past every hour"),
        ("*/40 * * * *", "At 0 and 40 minutes past every hour"),
        ("7-59/15 * * * *", "Every 15 minutes from 00:07 to 23:52"),
        ("0 */2 * * *", "Every 2 hours from 00:00 to 22:00"),
        ("15 */6 * * *", "Every 6 hours from 00:15 to 18:15"),
        ("0 8-18 * * 1-5", "Every hour from 08:00 to 18:00, Monday to Friday"),
        ("*/5 8 * * 1,3", "Every 5 minutes from 08:00 to 08:55, on Mondays and Wednesdays"),
        ("0,30 8,20 * * 1-5", "At 08:00, 08:30, 20:00 and 20:30, Monday to Friday"),
        ("0 8,20 * * mon,wed", "Every Monday and Wednesday at 08:00 and 20:00"),
        ("0 8 * * 1-3,6", "At 08:00, Monday to Wednesday and Saturday"),
        ("0 8 * 3-6 *", "Every day from March to June at 08:00"),
        ("0 8 1 3-6 *", "At 08:00 on the 1st of each month from March to June"),
        ("0 8 1 3-6,9 *", "At 08:00 on the 1st of March to June and September"),
        ("* 8,10,12 * * *", "Every minute in the hours 8, 10 and 12"),
        ("*/30 0-6/2,10 1 * *", "Every 30 minutes in the hours 0, 2, 4, 6 and 10, on the 1st of the month"),
        ("5,17,40 * * * *", "At 5, 17 and 40 minutes past every hour"),
        ("1 0-5,7,9,11 * * *", "At 1 minute past the hours 0 to 5, 7, 9 and 11"),
        # abridged
        ("0,2,5-7,9,11,13,15,17,19,21,23,25,27,40 * * * 1", (
            "16 times in every hour (at 0, 2, 5, … minutes past), on Mondays"
        )),
        ("0,2,5-7,9,11,13,15,17,19,21,23,25,27,40 8,9,20 * * *", (
            "16 times in each of the hours 8, 9 and 20 (at 0, 2, 5, … minutes past)"
        )),
    ],
)  # fmt: skip
def test_a_cron_expression_in_words(expression: str, sentence: str) -> None:
    """Each is told as a native speaker would, by what it does."""
    assert said(expression) == sentence


@pytest.mark.parametrize(
    ("number", "word"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"), (12, "12th"), (13, "13th"),
     (20, "20th"), (21, "21st"), (22, "22nd"), (23, "23rd"), (24, "24th"), (30, "30th"), (31, "31st"),
     (101, "101st"), (111, "111th")],
)  # fmt: skip
def test_ordinals(number: int, word: str) -> None:
    """Eleven to thirteen end in -th, whatever stands before them."""
    assert ordinal(number) == word


def test_one_of_a_thing_is_singular() -> None:
    """Numbers and their units agree, zero and a hundred and one included."""
    assert [counted(number, "minute") for number in (0, 1, 2, 101)] == [
        "0 minutes", "1 minute", "2 minutes", "101 minutes",
    ]  # fmt: skip
    assert duration(90_061) == "1 day, 1 hour, 1 minute and 1 second"
    assert duration(7_320) == "2 hours and 2 minutes"


@pytest.mark.parametrize(
    ("expression", "schedule"),
    [
        ("0 8 * * *", Daily(8, 0)),
        ("0 8 1-31 1-12 sun-sat", Daily(8, 0)),
        ("30 14 * * mon,wed,5", Weekly(14, 30, frozenset({0, 2, 4}))),
        ("30 14 * * 1-5", Weekly(14, 30, frozenset(range(5)))),
        ("30 14 * * 0-7", Weekly(14, 30, frozenset(range(7)))),
        ("30 14 * * 7", Weekly(14, 30, frozenset({6}))),
    ],
)
def test_every_type_of_schedule_says_the_same_of_the_same_times(expression: str, schedule: Daily | Weekly) -> None:
    """A cron expression is told as the daily or weekly schedule that is due when it is."""
    assert describe(Cron(expression), Options()) == describe(schedule, Options())


# Properties. A sentence is read back by a reader that knows English and nothing of how it was made.

Times = frozenset[tuple[int, int]]
Days = frozenset[tuple[int, int, int]]


def occurrences(fields: CronFields) -> tuple[Times, Days]:
    """All (hour, minute), and all (month, day, weekday from Monday) on which it is due."""
    times = frozenset(itertools.product(fields.hours, fields.minutes))
    return times, frozenset(_days_of(fields.days, fields.months, fields.weekdays, fields.both_days))


@lru_cache(maxsize=10_000)
def _days_of(
    days: frozenset[int], months: frozenset[int], weekdays: frozenset[int], both: bool
) -> tuple[tuple[int, int, int], ...]:
    return tuple(
        (month, day, weekday)
        for month, day in EVERY_DATE
        for weekday in range(7)
        if month in months
        and (all if both else any)((day in days, (weekday + 1) % 7 in weekdays))
    )  # fmt: skip


def read_back(sentence: str) -> tuple[Times, Days]:
    """What an English sentence says."""
    times, rest = _read_times(sentence)
    return times, _read_days(rest)


def _read_times(sentence: str) -> tuple[Times, str]:
    clock = r"\d\d:\d\d"
    if found := re.fullmatch(rf"Every ((?:(?! at ).)*) at ((?:{clock}|, | and )+)", sentence):
        return frozenset(map(_clock, re.findall(clock, found[2]))), "" if found[1] == "day" else f"only {found[1]}"
    if found := re.match(rf"At ((?:{clock}|, (?=\d)| and )+)", sentence):
        return frozenset(map(_clock, re.findall(clock, found[1]))), sentence[found.end() :]
    if found := re.match(rf"Every (?:(\d+) )?(minute|hour)s? from ({clock}) to ({clock})", sentence):
        step = int(found[1] or 1) * (60 if found[2] == "hour" else 1)
        first, last = (60 * hour + minute for hour, minute in map(_clock, (found[3], found[4])))
        assert (last - first) % step == 0
        return frozenset(divmod(minute, 60) for minute in range(first, last + 1, step)), sentence[found.end() :]
    if found := re.match(r"Every (?:(\d+) )?minutes?(?: in the hours ([\d, toand]*\d))?(?=,|$)", sentence):
        return _product(found[2], range(0, 60, int(found[1] or 1))), sentence[found.end() :]
    if found := re.match(r"Every hour on the hour", sentence):
        return _product(None, [0]), sentence[found.end() :]
    found = re.match(r"At ([\d, toand]+) minutes? past (?:every hour|the hours ([\d, toand]*\d))", sentence)
    assert found, sentence
    return _product(found[2], _numbers(found[1])), sentence[found.end() :]


def _clock(text: str) -> tuple[int, int]:
    return int(text[:2]), int(text[3:])


def _product(hours: str | None, minutes: object) -> Times:
    return frozenset(itertools.product(_numbers(hours) if hours else range(24), minutes))  # type: ignore[call-overload]


def _read_days(rest: str) -> Days:
    either = re.search(r"on the ([^M]*?) of the month or on any ((?:\w*day|, | or | to )+)", rest)
    if either:
        assert " and " not in rest
        months = _names(rest[either.end() :], MONTHS) or set(range(12))
        dates, weekdays = _numbers(either[1]), _names(either[2], WEEKDAYS)
        return frozenset(
            (month, day, weekday)
            for month, day in EVERY_DATE
            for weekday in range(7)
            if month - 1 in months and (day in dates or weekday in weekdays)
        )
    assert " or " not in rest
    dated = re.search(r"on the (\d.*?) of (?=the|each|[A-Z])", rest)
    dates = _numbers(dated[1]) if dated else set(range(1, 32))
    months, weekdays = _names(rest, MONTHS) or set(range(12)), _names(rest, WEEKDAYS) or set(range(7))
    return frozenset(
        (month, day, weekday)
        for month, day in EVERY_DATE
        for weekday in weekdays
        if month - 1 in months and day in dates
    )


def _numbers(text: str) -> set[int]:
    """`1st, 3rd to 7th and 9th`, `0 to 5 and 17`."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:[a-z]{2}(?![a-z]))?(?: to (\d+))?", text):
        found.update(range(int(first), int(last or first) + 1))
    return found


def _names(text: str, names: list[str]) -> set[int]:
    one = "|".join(names)
    found: set[int] = set()
    for first, last in re.findall(rf"({one})s?(?: to ({one}))?", text):
        found.update(range(names.index(first), names.index(last or first) + 1))
    return found


def _terms(low: int, high: int, *more: str) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(1, high - low)
    term = st.one_of(
        numbers.map(str),
        ranges,
        st.tuples(ranges, steps).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        st.just("*"),
        st.sampled_from([2, 3, 5, 10, 15, 20, 30, 40]).map(lambda step: f"*/{step}"),
        *([st.sampled_from(more)] if more else []),
    )
    return st.one_of(st.just("*"), term, st.lists(term, min_size=1, max_size=4).map(",".join))


@st.composite
def cron_fields(draw: st.DrawFn) -> CronFields:
    """Any expression that can fire, understood."""
    expression = " ".join(
        draw(field)
        for field in (
            _terms(0, 59), _terms(0, 23), _terms(1, 31), _terms(1, 12, "jan", "feb"), _terms(0, 7, "sun", "mon-fri"),
        )
    )  # fmt: skip
    try:
        return parse_cron(expression, "x")
    except ValidationFailed:
        assume(False)
        raise


def in_words(fields: CronFields) -> str:
    return said(fields.expression)


@pytest.mark.slow(reason="occurrences of generated schedules are compared over years")
@given(cron_fields())
@settings(max_examples=150)
@example(parse_cron("0 0 31 4-6,8 1", "x"))
@example(parse_cron("*/30 0-6/2,10 1,2,5 1,3-5,9 */2", "x"))
def test_a_sentence_can_be_read_back(fields: CronFields) -> None:
    """Whoever reads it knows each time and each day, so that two schedules of other times never say the same.

    It is bounded, and one that is abridged says of how many minutes.
    """
    sentence = in_words(fields)
    assert len(sentence) <= 450
    if "…" in sentence:
        assert sentence.startswith(f"{len(fields.minutes)} times in ")
        assert fields.minutes.issuperset(map(int, re.findall(r"\d+(?=, )", sentence.split("(at ")[1].split("…")[0])))
        return
    assert read_back(sentence) == occurrences(fields)


@pytest.mark.slow(reason="occurrences of generated schedules are compared over years")
@given(st.data(), cron_fields())
@settings(max_examples=100)
def test_equal_schedules_say_the_same(data: st.DataObject, fields: CronFields) -> None:
    """However the values are written: as lists in any order, days that no month has added, Sunday as 0 or 7."""
    weekdays = {7 if day == 0 and data.draw(st.booleans()) else day for day in fields.weekdays}
    days, months, every_day = fields.days, fields.months, len(fields.days) == 31
    if months == {2} and not every_day and not fields.both_days:
        days |= {30, 31}
    lists = [
        ",".join(map(str, data.draw(st.permutations(sorted(values)))))
        for values in (fields.minutes, fields.hours, days, months, weekdays)
    ]
    if fields.both_days:  # one of the two must begin with *, which no list of values but all can
        if len(fields.weekdays) == 7:
            lists[4] = "*"
        elif every_day:
            lists[2] = "*"
        else:
            assume(False)
    rewritten = parse_cron(" ".join(lists), "x")
    assert occurrences(rewritten) == occurrences(fields)
    assert in_words(rewritten) == in_words(fields)


@pytest.mark.slow(reason="occurrences of generated schedules are compared over years")
@given(cron_fields())
@settings(max_examples=100)
def test_or_and_and_are_told_apart(fields: CronFields) -> None:
    """Where either day field may match, no "and" joins days; where both must, no "or" does."""
    _, days = occurrences(fields)
    by_date = {(month, day) for month, day, _ in days}
    by_weekday = {weekday for *_, weekday in days}
    both = len(days) == len(by_date) * len(by_weekday)
    sentence = in_words(fields)
    assert " or " not in sentence if both else " or on any " in sentence
    if not both:
        assert " and " not in sentence[sentence.index(" on the ") :]


ALIKE = list(
    itertools.combinations(
        ["0 8 * * *", "0 8 1 * *", "0 8 1 * 1", "0 8 1 1 *", "0 8 * * 1", "0 8 * 1 *", "0 8 */2 * 1", "0 8 1-31/2 * 1",
         "5 8 * * *", "5 * * * *", "*/5 * * * *", "0-55/5 8 * * *", "* 8 * * *", "8 * * * *", "8 0 * * *"], 2,
    )
)  # fmt: skip


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_others_say_something_else(one: str, other: str) -> None:
    """Schedules that look alike and are not."""
    assert said(one) != said(other)
